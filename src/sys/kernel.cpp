// SPDX-License-Identifier: MIT
#include "kernel.hpp"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "returned.hpp"

namespace usher::sys {

namespace {

// The kernel is called directly, not through the C library's functions of the same name: those
// bring cancellation points, 32-bit compatibility and locks along, several hundred bytes each.

constexpr std::size_t kernel_sigset_size = signal_count / 8;
// The same on every architecture.
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

// Where the calls of the plain name have 16 bits (i386, arm).
#ifdef SYS_setresuid32
constexpr long getresuid_call = SYS_getresuid32;
constexpr long getresgid_call = SYS_getresgid32;
constexpr long setresuid_call = SYS_setresuid32;
constexpr long setresgid_call = SYS_setresgid32;
constexpr long getgroups_call = SYS_getgroups32;
constexpr long setgroups_call = SYS_setgroups32;
#else
constexpr long getresuid_call = SYS_getresuid;
constexpr long getresgid_call = SYS_getresgid;
constexpr long setresuid_call = SYS_setresuid;
constexpr long setresgid_call = SYS_setresgid;
constexpr long getgroups_call = SYS_getgroups;
constexpr long setgroups_call = SYS_setgroups;
#endif

Result<Ids> get_ids(long call) {
    Ids ids;
    if (::syscall(call, &ids.real, &ids.effective, &ids.saved) < 0) return last_error();
    return ids;
}
Result<Done> set_ids(long call, const Ids& ids) {
    return done(::syscall(call, ids.real, ids.effective, ids.saved));
}

// The kernel's struct timespec with 64-bit time. 32-bit architectures have calls of their own for
// it since Linux 5.1; before that, and always on 64-bit ones, the plain calls.
struct KernelTime {
    std::int64_t seconds;
    std::int64_t nanoseconds;
};
constexpr KernelTime to_kernel_time(Duration duration) {
    return {.seconds = duration / second, .nanoseconds = duration % second};
}

[[gnu::hot]] Time clock(clockid_t id) {
#if defined(SYS_clock_gettime64)
    KernelTime now{};
    if (::syscall(SYS_clock_gettime64, id, &now) == 0)
        return now.seconds * second + now.nanoseconds;
#endif
    long narrow[2] = {};
#ifdef SYS_clock_gettime32
    ::syscall(SYS_clock_gettime32, id, narrow);
#else
    ::syscall(SYS_clock_gettime, id, narrow);
#endif
    return narrow[0] * second + narrow[1];
}

}  // namespace

Time monotonic_clock() { return clock(CLOCK_MONOTONIC); }
Time wall_clock() { return clock(CLOCK_REALTIME); }

int getpid() { return static_cast<int>(::syscall(SYS_getpid)); }
int getppid() { return static_cast<int>(::syscall(SYS_getppid)); }
int getpgrp() { return static_cast<int>(::syscall(SYS_getpgid, 0)); }
Result<Done> setpgid(int pid, int group) { return done(::syscall(SYS_setpgid, pid, group)); }
Result<Done> setsid() { return done(::syscall(SYS_setsid)); }
Result<Done> kill(int pid, int signal) { return done(::syscall(SYS_kill, pid, signal)); }
Result<int> pidfd_open(int pid) {
    const long fd = ::syscall(SYS_pidfd_open, pid, 0U);
    if (fd < 0) return last_error();
    return static_cast<int>(fd);
}
Result<Done> pidfd_send_signal(int pidfd, int signal) {
    return done(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0U));
}
void exit(int code) { ::_exit(code); }

Result<Done> execve(const char* path, char* const* argv, char* const* envp) {
    return done(::syscall(SYS_execve, path, argv, envp));
}

Result<Done> access_exists(const char* path) {
    return done(::syscall(SYS_faccessat, AT_FDCWD, path, F_OK));
}

Result<Ids> getresuid() { return get_ids(getresuid_call); }
Result<Ids> getresgid() { return get_ids(getresgid_call); }
Result<Done> setresuid(const Ids& ids) { return set_ids(setresuid_call, ids); }
Result<Done> setresgid(const Ids& ids) { return set_ids(setresgid_call, ids); }
Result<std::size_t> getgroups(std::span<std::uint32_t> room) {
    return count(::syscall(getgroups_call, room.size(), room.data()));
}
Result<Done> setgroups(std::span<const std::uint32_t> groups) {
    return done(::syscall(setgroups_call, groups.size(), groups.data()));
}
bool is_secure_execution() { return ::getauxval(AT_SECURE) != 0; }

namespace {
Result<Waited> wait4(int pid, unsigned options) {
    Waited waited;
    const long found = ::syscall(SYS_wait4, pid, &waited.status, WNOHANG | options, nullptr);
    if (found < 0) return last_error();
    waited.pid = static_cast<int>(found);
    return waited;
}

Result<Done> prctl(int option, unsigned long argument) {
    // All five arguments: the kernel refuses garbage in those it does not use.
    return done(::syscall(SYS_prctl, option, argument, 0UL, 0UL, 0UL));
}
}  // namespace

Result<Waited> wait_any(bool with_clones) {
    return wait4(-1, WUNTRACED | WCONTINUED | (with_clones ? __WALL : 0U));
}
Result<Waited> wait_clone(int pid) { return wait4(pid, WUNTRACED | __WCLONE); }

Result<Done> set_name(const char* name) {
    return prctl(PR_SET_NAME, reinterpret_cast<unsigned long>(name));  // NOLINT(*-reinterpret-cast)
}
Result<Done> set_child_subreaper() { return prctl(PR_SET_CHILD_SUBREAPER, 1); }
bool is_child_subreaper() {
    int is = 0;
    // NOLINTNEXTLINE(*-reinterpret-cast)
    return prctl(PR_GET_CHILD_SUBREAPER, reinterpret_cast<unsigned long>(&is)) && is != 0;
}
Result<Done> set_parent_death_signal(int signal) {
    return prctl(PR_SET_PDEATHSIG, static_cast<unsigned long>(signal));
}
Result<Done> set_dumpable() { return prctl(PR_SET_DUMPABLE, 1); }

Result<SignalSet> rt_sigprocmask(MaskHow how, SignalSet set) {
    constexpr int hows[] = {SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK};
    SignalSet before = 0;
    const long returned = ::syscall(SYS_rt_sigprocmask, hows[static_cast<int>(how)], &set, &before,
                                    kernel_sigset_size);
    if (returned < 0) return last_error();
    return before;
}

Result<SignalSet> rt_sigpending() {
    SignalSet pending = 0;
    if (::syscall(SYS_rt_sigpending, &pending, kernel_sigset_size) < 0) {
        return last_error();
    }
    return pending;
}

Result<Disposition> sigaction(int signal, Disposition disposition, Handler handler) {
    // The kernel's struct begins with the handler and the flags on all our architectures. The rest
    // is zero: an empty mask, and a restorer (some kernels insist on one) for who returns.
    constexpr std::size_t words = 8;
    constexpr unsigned long has_restorer = 0x04000000;
    unsigned long now[words] = {
        // NOLINTNEXTLINE(*-reinterpret-cast)
        disposition == Disposition::ignored ? 1UL : reinterpret_cast<unsigned long>(handler),
        handler == nullptr ? 0UL : has_restorer | SA_NODEFER};
    unsigned long before[words] = {};
    if (::syscall(SYS_rt_sigaction, signal, now, before, kernel_sigset_size) < 0) {
        return last_error();
    }
    return before[0] == 1 ? Disposition::ignored : Disposition::other;
}

bool is_ignored(int signal) {
    unsigned long now[8] = {};  // as above
    return ::syscall(SYS_rt_sigaction, signal, nullptr, now, kernel_sigset_size) == 0 &&
           now[0] == 1;
}

Result<Received> rt_sigtimedwait(SignalSet set, Duration timeout) {
    siginfo_t info;
    info.si_code = 0;
    info.si_pid = 0;
    const KernelTime time = to_kernel_time(timeout);
    const KernelTime* const limit = timeout == infinite ? nullptr : &time;
#ifdef SYS_rt_sigtimedwait_time64
    long signal = ::syscall(SYS_rt_sigtimedwait_time64, &set, &info, limit, kernel_sigset_size);
    if (signal < 0 && (errno == ENOSYS || errno == EPERM)) {
        const long narrow[2] = {static_cast<long>(time.seconds),
                                static_cast<long>(time.nanoseconds)};
        signal = ::syscall(SYS_rt_sigtimedwait, &set, &info, limit == nullptr ? nullptr : narrow,
                           kernel_sigset_size);
    }
#else
    const long signal = ::syscall(SYS_rt_sigtimedwait, &set, &info, limit, kernel_sigset_size);
#endif
    if (signal < 0) return last_error();
    return Received{.signal = static_cast<int>(signal), .code = info.si_code, .pid = info.si_pid};
}

void nanosleep(Duration duration) {
    const long time[2] = {static_cast<long>(duration / second),
                          static_cast<long>(duration % second)};
    ::syscall(SYS_nanosleep, time, nullptr);
}

Result<int> signalfd(SignalSet set) {
    const long fd =
        ::syscall(SYS_signalfd4, -1, &set, signal_count / 8, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0) return last_error();
    return static_cast<int>(fd);
}

Result<Done> getrandom(std::span<unsigned char> room) {
    constexpr unsigned nonblocking = 1;  // GRND_NONBLOCK
    while (!room.empty()) {
        const long got = ::syscall(SYS_getrandom, room.data(), room.size(), nonblocking);
        if (got < 0) return last_error();
        room = room.subspan(static_cast<std::size_t>(got));
    }
    return Done{};
}

std::uint32_t random_number() {
    std::uint32_t number = 0;
    if (getrandom({reinterpret_cast<unsigned char*>(&number), sizeof number})) return number;
    const auto now = static_cast<std::uint64_t>(wall_clock());
    return static_cast<std::uint32_t>(now ^ now >> 20);
}

}  // namespace usher::sys
