// SPDX-License-Identifier: MIT
#include "fake_kernel.hpp"

#include <errno.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "fake_network.hpp"
#include "file.hpp"
#include "memory.hpp"

namespace usher::test {

namespace {

std::unique_ptr<FakeKernel> current;
constexpr int too_many_waits = 20000;

constexpr SignalSet terminal_stops = set_of(sig::tstp) | set_of(sig::ttin) | set_of(sig::ttou);

}  // namespace

FakeKernel& kernel() {
    if (!current) new_kernel();
    return *current;
}

FakeKernel& new_kernel() {
    current = std::make_unique<FakeKernel>();
    new_network();
    return *current;
}

Process& FakeKernel::start(Process process) {
    if (process.parent == 0) process.parent = self;
    if (process.group == 0) process.group = process.pid;
    return processes[process.pid] = process;
}

void FakeKernel::adopt_children_of(int pid) {
    for (auto& [_, process] : processes) {
        if (process.parent == pid) process.parent = self == 1 || subreaper ? self : 1;
    }
}

void FakeKernel::end(int pid, int status) {
    const auto found = processes.find(pid);
    if (found == processes.end() || found->second.state == 'Z') return;
    Process& process = found->second;
    process.state = 'Z';
    process.status = status;
    process.news.clear();
    adopt_children_of(pid);
    if (process.parent == self) {
        raise(sig::chld, 1, pid);
    } else if (process.parent == 1) {
        processes.erase(found);  // the real init reaps it
    }
}

void FakeKernel::stop(int pid, int signal) {
    Process& process = processes.at(pid);
    process.state = 'T';
    process.news.push_back(signal << 8 | 0x7f);
    if (process.parent == self) raise(sig::chld, 5, pid);
}

void FakeKernel::resume(int pid) {
    Process& process = processes.at(pid);
    if (process.state != 'T') return;
    process.state = 'S';
    process.news.assign(1, 0xffff);
    if (process.parent == self) raise(sig::chld, 6, pid);
    if (pid == stop_again) stop(pid, sig::stop);
}

void FakeKernel::raise(int signal, int code, int from) {
    const bool merges = signal < sig::rtmin;
    const auto same = [&](const sys::Received& received) { return received.signal == signal; };
    if (merges && std::any_of(pending.begin(), pending.end(), same)) return;
    const auto behind =
        std::find_if(pending.begin(), pending.end(),
                     [&](const sys::Received& received) { return received.signal > signal; });
    pending.insert(behind, {.signal = signal, .code = code, .pid = from});
}

void FakeKernel::at(Time from_start, std::function<void()> what) {
    timeline.emplace(start_time + from_start, std::move(what));
}

bool FakeKernel::run_next_event(Time until) {
    if (timeline.empty() || timeline.begin()->first > until) return false;
    const auto next = timeline.begin();
    now = std::max(now, next->first);
    const auto what = next->second;
    timeline.erase(next);
    what();
    return true;
}

void FakeKernel::advance(Duration by) {
    const Time until = after(now, by);
    while (run_next_event(until)) {
    }
    now = until;
}

void FakeKernel::deliver(Process& process, int signal) {
    if (signal == 0 || process.state == 'Z') return;
    if (signal == sig::cont) resume(process.pid);
    if (process.state == 'T' && signal != sig::kill) return;
    const auto ends = process.ends_on.find(signal);
    if (ends != process.ends_on.end()) {
        end(process.pid, ends->second);
    } else if (signal == sig::kill) {
        end(process.pid, killed_by(sig::kill));
    }
}

// The code under test would wait for ever, or spins: say so and let it out.
void FakeKernel::rescue(const char* why) {
    if (hung && waits > 2 * too_many_waits) {
        std::fprintf(stderr, "%s, and cannot be let out\n", why);
        std::abort();
    }
    if (!hung) ADD_FAILURE() << why;
    hung = true;
    sigtimedwait_always = 0;
    sigtimedwait_errors.clear();
    wait_errors.clear();
    for (auto& [_, process] : processes) {
        if (process.state == 'Z') continue;
        process.parent = self;
        process.state = 'Z';
        process.status = ended(99);
    }
    raise(sig::chld);
}

int FakeKernel::new_fd() {
    int fd = next_open_fd;
    while (open_fds.count(fd) != 0) ++fd;
    open_fds.insert(fd);
    return fd;
}

std::vector<Sent> FakeKernel::sent_to(int pid) const {
    std::vector<Sent> found;
    for (const Sent& one : sent) {
        if (one.pid == pid) found.push_back(one);
    }
    return found;
}

bool FakeKernel::was_sent(int pid, int signal) const {
    return std::find(sent.begin(), sent.end(), Sent{.pid = pid, .signal = signal}) != sent.end();
}

namespace {

struct OpenFile {
    std::string content;
    std::size_t at = 0;
};
std::map<int, OpenFile> open_files;

std::string stat_of(const Process& process) {
    std::string text = std::to_string(process.pid) + " (" + process.name + ") " + process.state +
                       ' ' + std::to_string(process.parent) + ' ' + std::to_string(process.group);
    for (int field = 6; field < 20; ++field) text += " -1";
    return text + ' ' + std::to_string(process.threads) + " 0 " +
           std::to_string(process.start_time) + " 0 0\n";
}

std::string status_of(const Process& process) {
    const int leader = process.thread_of != 0 ? process.thread_of : process.pid;
    SignalSet caught = 0;
    for (const auto& [signal, _] : process.ends_on) caught |= set_of(signal);
    const auto set = [](const char* name, SignalSet signals) {
        char text[40];
        std::snprintf(text, sizeof text, "%s:\t%016llx\n", name,
                      static_cast<unsigned long long>(signals));
        return std::string(text);
    };
    return "Name:\t" + process.name + "\nUmask:\t0022\nState:\t" + process.state +
           " (some)\nTgid:\t" + std::to_string(leader) + "\nNgid:\t0\nPid:\t" +
           std::to_string(process.pid) + "\n" + std::string(600, 'x') + "\n" +
           set("SigBlk", process.blocks) + set("SigIgn", process.ignores) + set("SigCgt", caught);
}

void add_entry(std::string& entries, const std::string& name) {
    const std::size_t length = (19 + name.size() + 1 + 7) / 8 * 8;
    std::string entry(length, '\0');
    const auto length_field = static_cast<std::uint16_t>(length);
    std::memcpy(entry.data() + 16, &length_field, sizeof length_field);
    std::memcpy(entry.data() + 19, name.data(), name.size());
    entries += entry;
}

std::optional<std::string> content_of(const std::string& path) {
    FakeKernel& fake = kernel();
    if (const auto file = fake.files.find(path); file != fake.files.end()) return file->second;
    if (!fake.proc_mounted || path.rfind("/proc/", 0) != 0) return std::nullopt;
    const auto slash = path.find('/', 6);
    if (slash == std::string::npos) return std::nullopt;
    const std::string who = path.substr(6, slash - 6);
    const std::string what = path.substr(slash + 1);
    const int pid = who == "self" ? fake.self : std::atoi(who.c_str());
    const auto process = fake.processes.find(pid);
    if (process == fake.processes.end()) return std::nullopt;
    if (what == "stat") return stat_of(process->second);
    if (what == "status") return status_of(process->second);
    if (what == "cgroup") return process->second.cgroup;
    return std::nullopt;
}

// Entries as the kernel gives them: some names that are no numbers, then the pids.
std::string list_of_processes() {
    std::string entries;
    for (const char* name : {".", "..", "self", "1x", "meminfo"}) add_entry(entries, name);
    for (const auto& [pid, _] : kernel().processes) add_entry(entries, std::to_string(pid));
    return entries;
}

std::string list_of_fds() {
    std::string entries;
    for (const int fd : kernel().open_fds) add_entry(entries, std::to_string(fd));
    return entries;
}

Error fail(const char* /*call*/, int number) {
    Error error;
    error.number = number;
    return error;
}

Result<std::size_t> take(const char* way, std::string_view text, bool blocks_when_full) {
    FakeKernel& fake = kernel();
    fake.writes_by.emplace_back(way);
    if (fake.stderr_is == Stderr::closed) return fail(way, EBADF);
    if (fake.stderr_full) {
        if (blocks_when_full) ADD_FAILURE() << "a write to a full stderr blocks: " << way;
        return fail(way, EAGAIN);
    }
    const std::size_t count =
        fake.short_write == 0 ? text.size() : std::min(text.size(), fake.short_write);
    fake.log += text.substr(0, count);
    return count;
}

}  // namespace

}  // namespace usher::test

namespace usher::sys {

using namespace test;

Time monotonic_clock() { return kernel().now; }
Time wall_clock() { return kernel().wall; }
Result<std::span<char>> allocate_pages(std::size_t size) {
    return std::span(static_cast<char*>(std::calloc(size, 1)), size);
}
void free_pages(std::span<char> pages) { std::free(pages.data()); }

void protect_relocated_data() {}
void release_start_up() {}

int getpid() { return kernel().self; }
int getppid() { return kernel().parent; }
int getpgrp() { return kernel().group; }
Result<Done> setpgid(int, int) { return fail("setpgid", ENOSYS); }
Result<Done> setsid() { return fail("setsid", ENOSYS); }

Result<Done> kill(int pid, int signal) {
    FakeKernel& fake = kernel();
    if (signal != 0) {
        if (fake.before_kill) fake.before_kill(signal);
        fake.sent.push_back({.pid = pid, .signal = signal, .at = fake.now});
        fake.story.push_back("kill " + std::to_string(pid) + " " + std::to_string(signal));
    }
    if (const auto error = fake.kill_errors.find(pid); error != fake.kill_errors.end()) {
        return fail("kill", error->second);
    }
    if (pid == fake.self || pid == 0) {  // 0: its group, of which the fake knows nobody else
        if (fake.on_signal_to_self) fake.on_signal_to_self(signal);
        const bool stops = contains(terminal_stops | set_of(sig::stop), signal);
        if (contains(fake.blocked, signal) || !stops) {
            fake.raise(signal, 0, fake.self);
        } else if (!fake.orphaned_group) {
            ++fake.stops_of_self;
            const auto is_cont = [](const Received& one) { return one.signal == sig::cont; };
            while (std::none_of(fake.pending.begin(), fake.pending.end(), is_cont)) {
                if (!fake.run_next_event(infinite)) {
                    ADD_FAILURE() << "usher stopped itself, and nobody continues it";
                    fake.raise(sig::cont);
                }
            }
        }
        return Done{};
    }
    std::vector<int> targets;
    for (const auto& [target, process] : fake.processes) {
        if (target == fake.self || target == 1) continue;
        if (pid == -1 || target == pid || (pid < -1 && process.group == -pid)) {
            targets.push_back(target);
        }
    }
    if (targets.empty()) return fail("kill", ESRCH);
    for (const int target : targets) {
        const auto found = fake.processes.find(target);
        if (found != fake.processes.end()) fake.deliver(found->second, signal);
    }
    return Done{};
}

// As before Linux 5.3: what is found through /proc is then told by its pid.
Result<int> pidfd_open(int) { return fail("pidfd_open", ENOSYS); }
Result<Done> pidfd_send_signal(int, int) { return fail("pidfd_send_signal", ENOSYS); }

void exit(int code) {
    std::fprintf(stderr, "sys::exit(%d) in a test\n", code);
    std::abort();
}

Result<Done> execve(const char*, char* const*, char* const*) { return fail("execve", ENOSYS); }
Result<Done> access_exists(const char*) { return fail("faccessat", ENOENT); }

Result<Waited> wait_clone(int) { return fail("wait4", ECHILD); }
Result<Waited> wait_any(bool) {
    FakeKernel& fake = kernel();
    if (++fake.wait4_calls > 20 * too_many_waits) std::abort();
    if (!fake.wait_errors.empty()) {
        const int number = fake.wait_errors.front();
        fake.wait_errors.pop_front();
        return fail("wait4", number);
    }
    bool any = false;
    for (auto& [pid, process] : fake.processes) {
        if (process.parent != fake.self || pid == fake.self) continue;
        any = true;
        if (!process.news.empty()) {
            const int status = process.news.front();
            process.news.pop_front();
            return Waited{.pid = pid, .status = status};
        }
        if (process.state == 'Z') {
            const Waited waited{.pid = pid, .status = process.status};
            fake.processes.erase(pid);
            return waited;
        }
    }
    if (!any) return fail("wait4", ECHILD);
    return Waited{};
}

Result<Done> set_name(const char* name) {
    kernel().comms.emplace_back(name);
    kernel().story.emplace_back(name);
    return Done{};
}

Result<Done> set_child_subreaper() {
    if (kernel().no_subreaper) return fail("prctl", EPERM);
    kernel().subreaper = true;
    return Done{};
}

bool is_child_subreaper() { return kernel().subreaper; }

Result<Done> set_parent_death_signal(int signal) {
    if (kernel().no_parent_death) return fail("prctl", EPERM);
    kernel().parent_death = signal;
    if (kernel().on_parent_death_set) kernel().on_parent_death_set();
    return Done{};
}

Result<SignalSet> rt_sigprocmask(MaskHow how, SignalSet set) {
    FakeKernel& fake = kernel();
    const SignalSet before = fake.blocked;
    switch (how) {
        case MaskHow::block: fake.blocked |= set; break;
        case MaskHow::unblock: fake.blocked &= ~set; break;
        case MaskHow::set: fake.blocked = set; break;
    }
    return before;
}

Result<SignalSet> rt_sigpending() {
    if (kernel().no_sigpending) return fail("rt_sigpending", EPERM);
    SignalSet set = 0;
    for (const Received& received : kernel().pending) set |= set_of(received.signal);
    return set;
}

Result<Disposition> sigaction(int, Disposition, Handler) { return Disposition::other; }

bool is_ignored(int signal) { return contains(kernel().ignored, signal); }

Result<Received> rt_sigtimedwait(SignalSet set, Duration timeout) {
    FakeKernel& fake = kernel();
    EXPECT_EQ(set & ~fake.blocked, 0U) << "signals are waited for that are not blocked";
    ++fake.waits;
    if (timeout != infinite) fake.longest_timeout = std::max(fake.longest_timeout, timeout);
    if (timeout < 0) ADD_FAILURE() << "a wait for less than nothing";
    if (fake.waits > too_many_waits) fake.rescue("the loop spins");
    if (fake.sigtimedwait_always != 0) return fail("rt_sigtimedwait", fake.sigtimedwait_always);
    if (!fake.sigtimedwait_errors.empty()) {
        const int number = fake.sigtimedwait_errors.front();
        fake.sigtimedwait_errors.pop_front();
        return fail("rt_sigtimedwait", number);
    }
    const Time until = after(fake.now, timeout);
    while (fake.run_next_event(fake.now)) {
    }
    const auto is_wanted = [set](const Received& one) { return contains(set, one.signal); };
    const auto first = [&] {
        return std::find_if(fake.pending.begin(), fake.pending.end(), is_wanted);
    };
    while (first() == fake.pending.end()) {
        if (fake.run_next_event(until)) continue;
        if (timeout != infinite) {
            fake.now = until;
            return fail("rt_sigtimedwait", EAGAIN);
        }
        fake.rescue("the loop waits for ever, and nothing will happen any more");
    }
    while (fake.run_next_event(fake.now)) {  // what else happens at the same time
    }
    const auto taken = first();
    const Received received = *taken;
    fake.pending.erase(taken);
    fake.now += fake.cost_of_receiving;
    return received;
}

void nanosleep(Duration duration) {
    FakeKernel& fake = kernel();
    ++fake.sleeps;
    if (fake.sleeps > too_many_waits) fake.rescue("the loop only sleeps");
    fake.advance(duration);
}

Result<int> open(const char* path, OpenMode mode) {
    FakeKernel& fake = kernel();
    ++fake.opens;
    if (strnlen(path, path_max) == path_max) return fail("openat", ENAMETOOLONG);
    const std::string name = path;
    if (mode == OpenMode::terminal) {
        if (fake.controlling_terminal < 0) return fail("openat", ENXIO);
        const int fd = fake.new_fd();
        fake.foreground[fd] = fake.controlling_terminal;
        return fd;
    }
    if (mode == OpenMode::log) {
        if (fake.no_reopening) return fail("openat", EACCES);
        const int fd = fake.new_fd();
        open_files[fd] = {.content = "(stderr)"};
        return fd;
    }
    std::string content;
    if (mode == OpenMode::directory) {
        if (!fake.proc_mounted) return fail("openat", ENOENT);
        const int fd = fake.new_fd();
        if (fake.on_survivors_read) fake.on_survivors_read();
        open_files[fd] = {.content = name == "/proc" ? list_of_processes() : list_of_fds()};
        return fd;
    }
    const auto found = content_of(name);
    if (!found) return fail("openat", ENOENT);
    const int fd = fake.new_fd();
    open_files[fd] = {.content = *found};
    return fd;
}

void close(int fd) {
    if (kernel().open_fds.erase(fd) == 0) ADD_FAILURE() << "close of " << fd << ": not open";
    open_files.erase(fd);
    network().sockets.erase(fd);
    kernel().foreground.erase(fd);
}

Result<std::size_t> read(int fd, std::span<char> room) {
    const auto file = open_files.find(fd);
    if (file == open_files.end()) return fail("read", EBADF);
    const std::size_t left = file->second.content.size() - file->second.at;
    // Short reads are the rule here, so that nobody relies on whole ones.
    const std::size_t count = std::min({left, room.size(), std::size_t{50}});
    std::memcpy(room.data(), file->second.content.data() + file->second.at, count);
    file->second.at += count;
    return count;
}

Result<std::size_t> readlink(const char* path, std::span<char> room) {
    FakeKernel& fake = kernel();
    if (!fake.proc_mounted || std::string_view(path) != "/proc/self") {
        return fail("readlinkat", ENOENT);
    }
    const std::string target = std::to_string(fake.proc_self != 0 ? fake.proc_self : fake.self);
    const std::size_t count = std::min(target.size(), room.size());
    std::memcpy(room.data(), target.data(), count);
    return count;
}

Result<std::size_t> getdents64(int fd, std::span<std::byte> room) {
    const auto file = open_files.find(fd);
    if (file == open_files.end()) return fail("getdents64", EBADF);
    std::size_t count = 0;
    while (file->second.at < file->second.content.size()) {
        std::uint16_t length = 0;
        std::memcpy(&length, file->second.content.data() + file->second.at + 16, sizeof length);
        if (count + length > room.size()) break;
        std::memcpy(room.data() + count, file->second.content.data() + file->second.at, length);
        count += length;
        file->second.at += length;
    }
    return count;
}

Result<Done> fchdir(int) { return Done{}; }

Result<Done> chdir(const char* path) {
    kernel().cwd = path;
    return Done{};
}

Result<Done> close_range(unsigned first, unsigned last) {
    FakeKernel& fake = kernel();
    if (fake.no_close_range) return fail("close_range", ENOSYS);
    if (first > last) return fail("close_range", EINVAL);
    for (auto fd = fake.open_fds.begin(); fd != fake.open_fds.end();) {
        const bool inside =
            static_cast<unsigned>(*fd) >= first && static_cast<unsigned>(*fd) <= last;
        if (inside) open_files.erase(*fd);
        fd = inside ? fake.open_fds.erase(fd) : std::next(fd);
    }
    return Done{};
}

Result<int> dup_above_stdio(int fd) {
    FakeKernel& fake = kernel();
    fake.next_open_fd = std::max(fake.next_open_fd, 3);
    const int copy = fake.new_fd();
    if (fake.foreground.count(fd) != 0) fake.foreground[copy] = fake.foreground[fd];
    return copy;
}

Result<int> tcgetpgrp(int fd) {
    const auto group = kernel().foreground.find(fd);
    if (group == kernel().foreground.end()) return fail("tcgetpgrp", ENOTTY);
    return group->second;
}

Result<Done> acquire_terminal(int) { return fail("acquire_terminal", ENOSYS); }
Result<Done> release_terminal(int) { return fail("release_terminal", ENOSYS); }

Result<Done> tcsetpgrp(int fd, int group) {
    FakeKernel& fake = kernel();
    fake.foreground_given.emplace_back(fd, group);
    if (fake.terminal_refuses || fake.foreground.count(fd) == 0) return fail("tcsetpgrp", EPERM);
    fake.foreground[fd] = group;
    return Done{};
}

Result<Done> write(int fd, std::string_view text) {
    (fd == 1 ? kernel().standard_output : kernel().log) += text;
    return Done{};
}

bool is_seekable(int) { return kernel().stderr_is == Stderr::file; }

Result<std::size_t> send_nonblocking(int fd, std::string_view text) {
    if (network().sockets.count(fd) != 0) return network().send(fd, text);
    if (fd < 0) ADD_FAILURE() << "a send to what is closed";
    if (kernel().stderr_is == Stderr::closed) return fail("send", EBADF);
    if (kernel().seccomp_answers_eperm) return fail("send", EPERM);
    if (kernel().stderr_is != Stderr::socket) return fail("send", ENOTSOCK);
    return take("send", text, false);
}

Result<std::size_t> write_nonblocking(int, std::string_view text) {
    if (kernel().seccomp_answers_eperm) return fail("pwritev2", EPERM);
    if (kernel().stderr_is != Stderr::pipe || kernel().no_nowait) {
        return fail("pwritev2", EOPNOTSUPP);
    }
    return take("nowait", text, false);
}

Result<std::size_t> write_once(int fd, std::string_view text) {
    if (fd != 2) {
        if (kernel().open_fds.count(fd) == 0 || open_files[fd].content != "(stderr)") {
            kernel().writes_by.emplace_back("not stderr");
            return fail("write", EBADF);
        }
        return take("reopened", text, false);
    }
    return take("write", text, kernel().stderr_is != Stderr::file);
}

Result<std::size_t> splice_into_pipe(int, std::string_view text) {
    if (kernel().stderr_is != Stderr::pipe) return fail("vmsplice", EBADF);
    return take("splice", text, false);
}

}  // namespace usher::sys
