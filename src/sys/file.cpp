// SPDX-License-Identifier: MIT
#include "file.hpp"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>

#include "memory.hpp"
#include "returned.hpp"

namespace usher::sys {

namespace {

constexpr int rwf_nowait = 8;  // linux/fs.h
// The same on every architecture.
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

// Clamped, so that the difference to any time of today fits as well.
Time point_in_time(std::int64_t seconds, std::int64_t nanoseconds) {
    constexpr std::int64_t most = infinite / second - 1;
    return std::clamp(seconds, -most / 2, most) * second + nanoseconds;
}

FileKind kind_of(unsigned mode) { return static_cast<FileKind>(mode & S_IFMT); }

// Where the kernel's struct stat is not the C library's (32 bits), that one translates.
Result<FileFacts> fstatat(int folder, const char* path, int flags) {
    struct stat facts {};
#ifdef SYS_newfstatat
    const long returned = ::syscall(SYS_newfstatat, folder, path, &facts, flags);
#else
    const long returned = ::fstatat(folder, path, &facts, flags);
#endif
    if (returned < 0) return last_error();
    return FileFacts{.size = static_cast<std::uint64_t>(facts.st_size),
                     .modified = point_in_time(facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec),
                     .kind = kind_of(facts.st_mode),
                     .user = facts.st_uid,
                     .group = facts.st_gid,
                     .links = static_cast<std::uint32_t>(facts.st_nlink),
                     .device = major(facts.st_dev) | std::uint64_t{minor(facts.st_dev)} << 32};
}

template <class T>
T field(std::span<const unsigned char> facts, std::size_t at) {
    T value{};
    memcpy(&value, &facts[at], sizeof value);
    return value;
}

Result<FileFacts> statx(int folder, const char* path, int flags) {
    // struct statx of linux/stat.h, the same on every architecture.
    alignas(8) unsigned char facts[256] = {};
    constexpr unsigned basic_stats = 0x7ff;
    constexpr std::uint64_t mount_root = 0x2000;
    if (::syscall(SYS_statx, folder, path, flags, basic_stats, facts) < 0) {
        return errno == ENOSYS || errno == EPERM ? fstatat(folder, path, flags) : last_error();
    }
    return FileFacts{.size = field<std::uint64_t>(facts, 40),
                     .modified = point_in_time(field<std::int64_t>(facts, 112),
                                               field<std::uint32_t>(facts, 120)),
                     .kind = kind_of(field<std::uint16_t>(facts, 28)),
                     .user = field<std::uint32_t>(facts, 20),
                     .group = field<std::uint32_t>(facts, 24),
                     .links = field<std::uint32_t>(facts, 16),
                     .device = field<std::uint32_t>(facts, 136) |
                               std::uint64_t{field<std::uint32_t>(facts, 140)} << 32,
                     .is_mounted = (field<std::uint64_t>(facts, 8) & mount_root) != 0,
                     .knows_mounts = (field<std::uint64_t>(facts, 56) & mount_root) != 0};
}

}  // namespace

Result<int> openat(int folder, const char* path, OpenMode mode) {
    constexpr int flags[] = {O_RDONLY | O_NONBLOCK, O_RDONLY | O_DIRECTORY,
                             O_RDWR | O_NOCTTY | O_NONBLOCK, O_WRONLY | O_NOCTTY | O_NONBLOCK,
                             O_PATH | O_NOFOLLOW};
    const long fd = ::syscall(SYS_openat, folder, path,
                              flags[static_cast<int>(mode)] | O_CLOEXEC | O_LARGEFILE, 0);
    if (fd < 0) return last_error();
    return static_cast<int>(fd);
}

Result<int> open(const char* path, OpenMode mode) { return openat(AT_FDCWD, path, mode); }

Result<int> create(const char* path) {
    constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_LARGEFILE;
    const long fd = ::syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
    if (fd < 0) return last_error();
    return static_cast<int>(fd);
}

Result<Done> fchmod(int fd, unsigned mode) { return done(::syscall(SYS_fchmod, fd, mode)); }
Result<Done> fsync(int fd) { return done(::syscall(SYS_fsync, fd)); }

// riscv64 has renameat2 alone.
Result<Done> rename(const char* from, const char* to) {
    return done(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0U));
}

Result<Done> unlink(const char* path) { return done(::syscall(SYS_unlinkat, AT_FDCWD, path, 0)); }

void close(int fd) { ::syscall(SYS_close, fd); }

Result<std::size_t> read(int fd, std::span<char> room) {
    return count(::syscall(SYS_read, fd, room.data(), room.size()));
}

Result<std::size_t> readlink(const char* path, std::span<char> room) {
    return count(::syscall(SYS_readlinkat, AT_FDCWD, path, room.data(), room.size()));
}

Result<std::size_t> getdents64(int fd, std::span<std::byte> room) {
    return count(::syscall(SYS_getdents64, fd, room.data(), room.size()));
}

Result<Done> chdir(const char* path) { return done(::syscall(SYS_chdir, path)); }

Result<Done> fchdir(int fd) { return done(::syscall(SYS_fchdir, fd)); }

Result<Done> close_range(unsigned first, unsigned last) {
    return done(::syscall(SYS_close_range, first, last, 0U));
}

Result<int> dup_above_stdio(int fd) {
#ifdef SYS_fcntl64
    const long copy = ::syscall(SYS_fcntl64, fd, F_DUPFD_CLOEXEC, 3);
#else
    const long copy = ::syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3);
#endif
    if (copy < 0) return last_error();
    return static_cast<int>(copy);
}

Result<int> tcgetpgrp(int fd) {
    int group = 0;
    if (::syscall(SYS_ioctl, fd, TIOCGPGRP, &group) < 0) return last_error();
    return group;
}

Result<Done> tcsetpgrp(int fd, int group) {
    return done(::syscall(SYS_ioctl, fd, TIOCSPGRP, &group));
}

bool is_terminal(int fd) {
    winsize size{};
    return ::syscall(SYS_ioctl, fd, TIOCGWINSZ, &size) == 0;
}

Result<Done> acquire_terminal(int fd) { return done(::syscall(SYS_ioctl, fd, TIOCSCTTY, 0)); }
Result<Done> release_terminal(int fd) { return done(::syscall(SYS_ioctl, fd, TIOCNOTTY, 0)); }

Result<std::size_t> write_once(int fd, std::string_view text) {
    return count(::syscall(SYS_write, fd, text.data(), text.size()));
}

Result<Done> write(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto written = write_once(fd, text);
        if (!written && written.error.number == EINTR) continue;
        if (!written) return written.error;
        text.remove_prefix(written.value);
    }
    return Done{};
}

bool is_seekable(int fd) {
#ifdef SYS__llseek
    std::int64_t position = 0;
    return ::syscall(SYS__llseek, fd, 0L, 0L, &position, SEEK_CUR) == 0;
#else
    return ::syscall(SYS_lseek, fd, 0L, SEEK_CUR) >= 0;
#endif
}

Result<std::size_t> send_nonblocking(int socket, std::string_view text) {
    return count(::syscall(SYS_sendto, socket, text.data(), text.size(),
                           MSG_DONTWAIT | MSG_NOSIGNAL, nullptr, 0));
}

Result<std::size_t> write_nonblocking(int fd, std::string_view text) {
    iovec vector{};
    vector.iov_base =
        const_cast<char*>(text.data());  // NOLINT(cppcoreguidelines-pro-type-const-cast)
    vector.iov_len = text.size();
    // Offset -1: the file's own position (preadv2(2)). It is passed as two halves.
    return count(::syscall(SYS_pwritev2, fd, &vector, 1UL, -1L, -1L, rwf_nowait));
}

Result<std::size_t> splice_into_pipe(int fd, std::string_view text) {
    const auto page = allocate_pages(text.size());
    if (!page) return page.error;
    memcpy(page.value.data(), text.data(), text.size());
    iovec vector{};
    vector.iov_base = page.value.data();
    vector.iov_len = text.size();
    const auto result = count(::syscall(SYS_vmsplice, fd, &vector, 1UL, SPLICE_F_NONBLOCK));
    free_pages(page.value);
    return result;
}

Result<FileFacts> statx(const char* path) { return statx(AT_FDCWD, path, 0); }
Result<FileFacts> statx(int fd) { return statx(fd, "", AT_EMPTY_PATH); }

Result<Done> fchownat(int fd, std::uint32_t user, std::uint32_t group) {
    return done(::syscall(SYS_fchownat, fd, "", user, group, AT_EMPTY_PATH));
}
Result<Done> fchownat(int folder, const char* name, std::uint32_t user, std::uint32_t group) {
    return done(::syscall(SYS_fchownat, folder, name, user, group, AT_SYMLINK_NOFOLLOW));
}

}  // namespace usher::sys
