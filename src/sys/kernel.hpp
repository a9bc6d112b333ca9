// SPDX-License-Identifier: MIT
// One wrapper per system call, named after it. errno is read here and nowhere else. Nothing here
// decides anything; tests put a faked kernel in this file's place.
//
// EINTR: usher runs with every signal blocked, so a call is interrupted only by being stopped and
// continued. Calls that can block say below what they do about it; the others cannot be
// interrupted (signal(7)). close is never retried: on Linux the descriptor is gone either way.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "parse.hpp"
#include "result.hpp"
#include "signals.hpp"

namespace usher::sys {

/// CLOCK_MONOTONIC and CLOCK_REALTIME in nanoseconds. They cannot fail for these clocks.
[[gnu::hot]] Time monotonic_clock();
Time wall_clock();

/// Makes the relocated data of a static-pie read-only (PT_GNU_RELRO). A dynamic loader does that;
/// the start-up code of a static-pie does not. Failure changes nothing.
void protect_relocated_data();

/// Gives back the memory of what the loop does not need (cmake/usher.ld); the kernel maps it again
/// when it is called. Failure changes nothing.
[[gnu::hot]] void release_start_up();

/// Processes.
[[gnu::hot]] int getpid();
int getppid();
int getpgrp();
Result<Done> setpgid(int pid, int group);
Result<Done> setsid();
/// pid as in kill(2): -1 everybody, < -1 a process group.
[[gnu::hot]] Result<Done> kill(int pid, int signal);
/// A descriptor of that process, which its pid stops naming once it is another's (pidfd_open(2)).
Result<int> pidfd_open(int pid);
Result<Done> pidfd_send_signal(int pidfd, int signal);
[[noreturn, gnu::hot]] void exit(int code);
Result<Done> execve(const char* path, char* const* argv, char* const* envp);
Result<Done> access_exists(const char* path);

struct Waited {
    int pid = 0;     ///< 0: children are left, but none has news
    int status = 0;  ///< wait(2)
};
/// wait4(-1) without blocking, for ends, stops and continues. ECHILD: there is no child.
[[gnu::hot]] Result<Waited> wait_any();

/// prctl(2), one purpose each.
Result<Done> set_name(const char* name);
Result<Done> set_child_subreaper();
Result<Done> set_parent_death_signal(int signal);

/// Signals. The masks are the kernel's 64 bits: the C library's types would hide 32 to 34.
enum class MaskHow : unsigned char { block, unblock, set };
Result<SignalSet> rt_sigprocmask(MaskHow how, SignalSet set);  ///< returns the mask before
Result<SignalSet> rt_sigpending();
enum class Disposition : unsigned char { other, ignored };
/// Sets a disposition (`other`: the handler, or the default action) and returns the one before. The
/// handler must not return; it runs with the mask of what it interrupts.
using Handler = void (*)(int signal);
Result<Disposition> sigaction(int signal, Disposition disposition, Handler handler = nullptr);

struct Received {
    int signal = 0;
    int code = 0;  ///< si_code
    int pid = 0;   ///< si_pid; 0 when the sender is outside the PID namespace
};
/// Waits for a signal of `set`, which must be blocked. `timeout` infinite: for ever. EAGAIN: time
/// is up; EINTR: stopped and continued, ask again.
[[gnu::hot]] Result<Received> rt_sigtimedwait(SignalSet set, Duration timeout);
/// Sleeps, or less after EINTR. Only for a kernel that refuses rt_sigtimedwait.
void nanosleep(Duration duration);

/// Files and descriptors.
inline constexpr std::size_t path_max = 4096;  ///< PATH_MAX, the NUL included
/// None of them waits: not for the writer of a FIFO, not for a terminal's carrier.
enum class OpenMode : unsigned char { read, directory, terminal, log };
Result<int> open(const char* path, OpenMode mode);
void close(int fd);
Result<std::size_t> read(int fd, std::span<char> room);  ///< 0: the end
Result<std::size_t> readlink(const char* path, std::span<char> room);
/// getdents64(2) into `room`: how many bytes; 0: the end.
Result<std::size_t> getdents64(int fd, std::span<std::byte> room);
Result<Done> chdir(const char* path);
Result<Done> close_range(unsigned first, unsigned last);
/// A duplicate at 3 or above, closed on exec.
Result<int> dup_above_stdio(int fd);

/// The terminal's foreground process group (tcgetpgrp(3)); 0: one outside this PID namespace.
[[gnu::hot]] Result<int> tcgetpgrp(int fd);
Result<Done> tcsetpgrp(int fd, int group);
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
