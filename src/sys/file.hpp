// SPDX-License-Identifier: MIT
// One wrapper per system call of files, descriptors and terminals. See kernel.hpp for the rules.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "duration.hpp"
#include "result.hpp"

namespace usher::sys {

inline constexpr int stdin_fd = 0;
inline constexpr int stdout_fd = 1;
inline constexpr int stderr_fd = 2;

inline constexpr std::size_t path_max = 4096;  ///< PATH_MAX, the NUL included
/// None of them waits: not for the writer of a FIFO, not for a terminal's carrier.
enum class OpenMode : unsigned char {
    read,
    directory,
    terminal,
    log,
    place,  ///< O_PATH: whatever is there, a link itself, and nothing happens to it
};
Result<int> open(const char* path, OpenMode mode);
/// Of what is in an open folder.
Result<int> openat(int folder, const char* path, OpenMode mode);
void close(int fd);
Result<std::size_t> read(int fd, std::span<char> room);  ///< 0: the end
Result<std::size_t> readlink(const char* path, std::span<char> room);
/// getdents64(2) into `room`: how many bytes; 0: the end.
Result<std::size_t> getdents64(int fd, std::span<std::byte> room);
/// A new file, for writing, that nobody else may read yet. EEXIST: something has that name.
Result<int> create(const char* path);
Result<Done> fchmod(int fd, unsigned mode);
Result<Done> fsync(int fd);
Result<Done> rename(const char* from, const char* to);
Result<Done> unlink(const char* path);
Result<Done> chdir(const char* path);
Result<Done> fchdir(int fd);
Result<Done> close_range(unsigned first, unsigned last);
/// A duplicate at 3 or above, closed on exec.
Result<int> dup_above_stdio(int fd);

/// As inode(7) has them, on every architecture; there are others.
enum class FileKind : std::uint16_t {
    fifo = 0010000,
    folder = 0040000,
    file = 0100000,
    link = 0120000,
};
struct FileFacts {
    std::uint64_t size = 0;  ///< bytes
    Time modified = 0;       ///< wall clock; what lies outside 1823 to 2262 counts as its end
    FileKind kind = FileKind::file;
    std::uint32_t user = 0;
    std::uint32_t group = 0;
    std::uint32_t links = 0;
    std::uint64_t device = 0;
    bool is_mounted = false;    ///< something is mounted here; since Linux 5.8
    bool knows_mounts = false;  ///< whether the kernel can tell so
};
/// Where seccomp answers ENOSYS or EPERM to statx(2), fstatat(2) is asked.
Result<FileFacts> statx(const char* path);
/// Of an open file, also one that was opened as a place.
Result<FileFacts> statx(int fd);
/// Gives away an open file, also one that was opened as a place. An id of all bits stays what it
/// is.
Result<Done> fchownat(int fd, std::uint32_t user, std::uint32_t group);
/// By a name in an open folder, or in the working one; of a link itself.
Result<Done> fchownat(int folder, const char* name, std::uint32_t user, std::uint32_t group);
inline constexpr int working_folder = -100;  ///< AT_FDCWD

/// The terminal's foreground process group (tcgetpgrp(3)); 0: one outside this PID namespace.
[[gnu::hot]] Result<int> tcgetpgrp(int fd);
Result<Done> tcsetpgrp(int fd, int group);
bool is_terminal(int fd);
/// Takes a terminal for the caller's session, and lets go of it (ioctl_tty(2), TIOCSCTTY and
/// TIOCNOTTY).
Result<Done> acquire_terminal(int fd);
Result<Done> release_terminal(int fd);

/// Writing. `write` blocks and goes on after EINTR and short writes; the others never block.
Result<Done> write(int fd, std::string_view text);
/// Whether it has a file position: a regular file (or a device like one), no pipe, socket,
/// terminal.
bool is_seekable(int fd);
Result<std::size_t> send_nonblocking(int socket, std::string_view text);
Result<std::size_t> write_nonblocking(int fd, std::string_view text);  ///< pwritev2(2), RWF_NOWAIT
Result<std::size_t> write_once(int fd, std::string_view text);
/// Through a page of its own (a pipe keeps the page, not a copy): for kernels before 6.4.
Result<std::size_t> splice_into_pipe(int fd, std::string_view text);

}  // namespace usher::sys
