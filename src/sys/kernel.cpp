// SPDX-License-Identifier: MIT
#include "kernel.hpp"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace usher::sys {

namespace {

// The kernel is called directly, not through the C library's functions of the same name: those
// bring cancellation points, 32-bit compatibility and locks along, several hundred bytes each.

constexpr std::size_t kernel_sigset_size = signal_count / 8;
constexpr int rwf_nowait = 8;  // linux/fs.h
// The same on every architecture.
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

[[gnu::hot]] Error last_error() { return {.number = errno}; }

[[gnu::hot]] Result<Done> done(long returned) {
    if (returned < 0) return last_error();
    return Done{};
}

Result<std::size_t> count(long returned) {
    if (returned < 0) return last_error();
    return static_cast<std::size_t>(returned);
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

// Set by cmake/usher.ld; null where that was not used. The pages between two of them are theirs
// alone.
extern "C" [[gnu::weak, gnu::visibility("hidden")]] char usher_relro_start[], usher_relro_end[],
    usher_start_up[], usher_start_up_end[];

namespace {
[[gnu::hot]] void advise(long call, const char* begin, const char* end, long advice) {
    // NOLINTBEGIN(*-reinterpret-cast)
    const auto from = reinterpret_cast<unsigned long>(begin) & ~(::getauxval(AT_PAGESZ) - 1);
    const auto to = reinterpret_cast<unsigned long>(end);
    // NOLINTEND(*-reinterpret-cast)
    if (to > from) ::syscall(call, from, to - from, advice);
}
}  // namespace

void protect_relocated_data() {
    advise(SYS_mprotect, usher_relro_start, usher_relro_end, PROT_READ);
}

void release_start_up() { advise(SYS_madvise, usher_start_up, usher_start_up_end, MADV_DONTNEED); }

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

Result<Waited> wait_any() {
    Waited waited;
    // __WALL: also children that were cloned with another exit signal than SIGCHLD.
    const long pid = ::syscall(SYS_wait4, -1, &waited.status,
                               WNOHANG | WUNTRACED | WCONTINUED | __WALL, nullptr);
    if (pid < 0) return last_error();
    waited.pid = static_cast<int>(pid);
    return waited;
}

namespace {
Result<Done> prctl(int option, unsigned long argument) {
    // All five arguments: the kernel refuses garbage in those it does not use.
    return done(::syscall(SYS_prctl, option, argument, 0UL, 0UL, 0UL));
}
}  // namespace

Result<Done> set_name(const char* name) {
    return prctl(PR_SET_NAME, reinterpret_cast<unsigned long>(name));  // NOLINT(*-reinterpret-cast)
}
Result<Done> set_child_subreaper() { return prctl(PR_SET_CHILD_SUBREAPER, 1); }
Result<Done> set_parent_death_signal(int signal) {
    return prctl(PR_SET_PDEATHSIG, static_cast<unsigned long>(signal));
}

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

Result<int> open(const char* path, OpenMode mode) {
    constexpr int flags[] = {O_RDONLY | O_NONBLOCK, O_RDONLY | O_DIRECTORY,
                             O_RDWR | O_NOCTTY | O_NONBLOCK, O_WRONLY | O_NOCTTY | O_NONBLOCK};
    const long fd = ::syscall(SYS_openat, AT_FDCWD, path,
                              flags[static_cast<int>(mode)] | O_CLOEXEC | O_LARGEFILE, 0);
    if (fd < 0) return last_error();
    return static_cast<int>(fd);
}

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
#ifdef SYS_mmap2
    constexpr long map = SYS_mmap2;
#else
    constexpr long map = SYS_mmap;
#endif
    const long mapped = ::syscall(map, 0UL, text.size(), PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
    if (mapped == -1) return last_error();
    auto* const page = reinterpret_cast<char*>(mapped);  // NOLINT(*-reinterpret-cast,*-int-to-ptr)
    memcpy(page, text.data(), text.size());
    iovec vector{};
    vector.iov_base = page;
    vector.iov_len = text.size();
    const auto result = count(::syscall(SYS_vmsplice, fd, &vector, 1UL, SPLICE_F_NONBLOCK));
    ::syscall(SYS_munmap, page, text.size());
    return result;
}

}  // namespace usher::sys
