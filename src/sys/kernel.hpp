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

#include "duration.hpp"
#include "result.hpp"
#include "signals.hpp"

namespace usher::sys {

/// CLOCK_MONOTONIC and CLOCK_REALTIME in nanoseconds. They cannot fail for these clocks.
[[gnu::hot]] Time monotonic_clock();
Time wall_clock();

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

/// Users and groups (credentials(7)), with 32 bits everywhere. Of this thread: usher has no other.
struct Ids {
    std::uint32_t real = 0;
    std::uint32_t effective = 0;
    std::uint32_t saved = 0;
    bool operator==(const Ids&) const = default;
};
Result<Ids> getresuid();
Result<Ids> getresgid();
/// An id of all bits stays what it is.
Result<Done> setresuid(const Ids& ids);
Result<Done> setresgid(const Ids& ids);
Result<std::size_t> getgroups(std::span<std::uint32_t> room);  ///< EINVAL: there are more
Result<Done> setgroups(std::span<const std::uint32_t> groups);
/// Whether execve gave usher rights that its caller lacks (AT_SECURE, getauxval(3)).
bool is_secure_execution();

struct Waited {
    int pid = 0;     ///< 0: children are left, but none has news
    int status = 0;  ///< wait(2)
};
/// wait4(-1) without blocking, for ends, stops and continues. ECHILD: there is no child. Children
/// whose exit signal is not SIGCHLD count only `with_clones`.
[[gnu::hot]] Result<Waited> wait_any(bool with_clones = true);
/// The same for the end or stop of one child whose exit signal is not SIGCHLD.
Result<Waited> wait_clone(int pid);

/// prctl(2), one purpose each.
Result<Done> set_name(const char* name);
Result<Done> set_child_subreaper();
bool is_child_subreaper();
Result<Done> set_parent_death_signal(int signal);
Result<Done> set_dumpable();

/// Signals. The masks are the kernel's 64 bits: the C library's types would hide 32 to 34.
enum class MaskHow : unsigned char { block, unblock, set };
Result<SignalSet> rt_sigprocmask(MaskHow how, SignalSet set);  ///< returns the mask before
Result<SignalSet> rt_sigpending();
enum class Disposition : unsigned char { other, ignored };
/// Sets a disposition (`other`: the handler, or the default action) and returns the one before. The
/// handler must not return; it runs with the mask of what it interrupts.
using Handler = void (*)(int signal);
Result<Disposition> sigaction(int signal, Disposition disposition, Handler handler = nullptr);
/// Only looks. False, too, where the kernel refuses.
bool is_ignored(int signal);

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

/// A descriptor that is readable while a signal of `set` is pending; they must be blocked, and are
/// taken with rt_sigtimedwait.
Result<int> signalfd(SignalSet set);

/// A number that nobody outside can guess.
std::uint32_t random_number();
/// Random bytes for keys (getrandom(2)). EAGAIN: this machine has none yet, just after its start.
Result<Done> getrandom(std::span<unsigned char> room);

}  // namespace usher::sys
