// SPDX-License-Identifier: MIT
// The long runs: much of one thing, and PID 1 is afterwards as it was before. Each part is a window
// whose rounds are the sizes; memory, descriptors and children of PID 1 are compared.
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "windows.hpp"

namespace races {

using namespace lab;

namespace {

// --- what PID 1 holds -----------------------------------------------------------------------

struct Holding {
    long rss = 0;    // KiB
    long dirty = 0;  // KiB
    long size = 0;   // KiB of address space
    long fds = 0;
    long children = 0;
};

long entries_of(const std::string& path) {
    DIR* const folder = opendir(path.c_str());
    long count = 0;
    while (folder != nullptr) {
        const dirent* const entry = readdir(folder);
        if (entry == nullptr) break;
        if (entry->d_name[0] != '.') ++count;
    }
    if (folder != nullptr) closedir(folder);
    return count;
}

Holding holding_of(pid_t pid) {
    const std::string path = "/proc/" + std::to_string(pid);
    const std::string rollup = read_file(path + "/smaps_rollup");
    return {.rss = field(rollup, "Rss"),
            .dirty = field(rollup, "Private_Dirty"),
            .size = field(read_file(path + "/status"), "VmSize"),
            .fds = entries_of(path + "/fd"),
            .children = static_cast<long>(children_of(pid).size())};
}

std::string tell(const Holding& before, const Holding& after) {
    return "Rss " + std::to_string(before.rss) + " -> " + std::to_string(after.rss) +
           " KiB, dirty " + std::to_string(before.dirty) + " -> " + std::to_string(after.dirty) +
           " KiB, fds " + std::to_string(before.fds) + " -> " + std::to_string(after.fds);
}

// Pages that are touched for the first time may come; what grows with the work must not. Memory
// that is mapped shows in the address space at once.
void expect_flat(Window& window, const Life& life, const Holding& before) {
    // The last end may not have been reaped yet.
    wait_until([&] { return holding_of(life.pid).children <= before.children; });
    const Holding after = holding_of(life.pid);
    std::printf("%s: PID 1: %s\n", window.name().c_str(), tell(before, after).c_str());
    window.expect(after.rss <= before.rss + 32 && after.dirty <= before.dirty + 16 &&
                      after.size == before.size,
                  "memory has grown: " + tell(before, after));
    window.expect(after.fds == before.fds, "descriptors have grown: " + tell(before, after));
    window.expect(after.children <= before.children, "zombies or orphans stay");
}

bool is_ready() {
    return wait_until([] { return board->ready != 0; });
}

// The program has done its first work, so PID 1 all of its paths: what comes now comes again.
void warm_up(const Life& life) {
    for (int i = 0; i < 100; ++i) {
        const int count = board->count;
        send(life, rtmin);
        wait_until([&] { return board->count > count; });
    }
}

void end_by_term(Window& window, Life& life) {
    send(life, SIGTERM);
    window.expect_status(window.finish(life), {exited(SIGTERM)});
}

// Sends real-time signals, a few at a time, and counts them at the other end.
void send_counted(Window& window, const Life& life, int signals) {
    constexpr int most_under_way = 64;
    const int first = board->count;
    for (int sent = 0; sent < signals; ++sent) {
        if (sent - (board->count - first) >= most_under_way &&
            !wait_until([&] { return sent - (board->count - first) < most_under_way; })) {
            window.fail("signals are lost: sent " + std::to_string(sent) + ", came " +
                        std::to_string(board->count - first));
            return;
        }
        send(life, rtmin + sent % 30);
    }
    if (!wait_until([&] { return board->count - first == signals; })) {
        window.fail("sent " + std::to_string(signals) + ", came " +
                    std::to_string(board->count - first));
    }
}

// --- cgroups --------------------------------------------------------------------------------

bool write_file(const std::string& path, const std::string& text) {
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    close(fd);
    return written;
}

// A cgroup with one limit, of version 1 or 2.
class Cgroup {
  public:
    Cgroup(const std::string& controller, const char* v1_file, const char* v2_file, long limit) {
        const std::string top = "/sys/fs/cgroup/";
        const bool is_v1 = access((top + controller + "/cgroup.procs").c_str(), F_OK) == 0;
        if (!is_v1) write_file(top + "cgroup.subtree_control", "+" + controller);
        for (const std::string& folder : cgroup_folders) {
            if (is_v1 == folder.starts_with(top + controller + "/")) path_ = folder;
        }
        made_ = mkdir(path_.c_str(), 0755) == 0;
        limited_ =
            made_ && write_file(path_ + "/" + (is_v1 ? v1_file : v2_file), std::to_string(limit));
    }
    ~Cgroup() {
        if (made_) wait_until([&] { return rmdir(path_.c_str()) == 0; });
    }
    Cgroup(const Cgroup&) = delete;
    Cgroup& operator=(const Cgroup&) = delete;
    [[nodiscard]] bool works() const { return limited_; }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
    bool made_ = false;
    bool limited_ = false;
};

// --- servers for the probes -----------------------------------------------------------------

constexpr int http_port = 8080;
constexpr std::string_view unix_name("\0probed", 7);  // abstract: of the network namespace

[[noreturn]] void serve(int listener) {
    constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    while (true) {
        const int peer = accept(listener, nullptr, nullptr);
        if (peer < 0) continue;
        char request[1024];
        if (read(peer, request, sizeof request) > 0 &&
            write(peer, answer.data(), answer.size()) < 0) {
            std::perror("races: answer");
        }
        close(peer);
    }
}

void start_server(const sockaddr* address, socklen_t size) {
    const int listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, address, size) != 0 || listen(listener, 64) != 0) {
        std::perror("races: listen");
        _exit(99);
    }
    if (fork() == 0) serve(listener);
    close(listener);
}

void start_servers() {
    // Nothing of the machine's network is touched.
    if (unshare(CLONE_NEWNET) != 0) std::perror("races: network namespace");
    const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    ioctl(any, SIOCSIFFLAGS, &request);
    close(any);
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(http_port);
    ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    start_server(reinterpret_cast<sockaddr*>(&ipv4), sizeof ipv4);
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    unix_name.copy(local.sun_path, unix_name.size());
    start_server(reinterpret_cast<sockaddr*>(&local),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + unix_name.size()));
}

// As an engine does it for a health check: a process of the container that is not PID 1's child.
int probe_inside(const Life& init, const char* check) {
    const pid_t pid = fork();
    if (pid == 0) {
        if (setns(init.pidfd, CLONE_NEWPID | CLONE_NEWNS) != 0) _exit(98);
        const pid_t inside = fork();
        if (inside == 0) {
            execl(options.usher.c_str(), "usher", "probe", "-q", "-t", "20s", check, nullptr);
            _exit(97);
        }
        int status = 0;
        waitpid(inside, &status, 0);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 96);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 95;
}

// Something on every core that wants to run as much as usher does, and more.
class Load {
  public:
    Load() {
        setpriority(PRIO_PROCESS, 0, 19);  // usher, too: it is our child
        const long cores = sysconf(_SC_NPROCESSORS_ONLN);
        for (long i = 0; i < 2 * cores; ++i) {
            const pid_t pid = fork();
            if (pid == 0) {
                setpriority(PRIO_PROCESS, 0, 10);
                for (;;) now();
            }
            pids_.push_back(pid);
        }
    }
    ~Load() {
        for (const pid_t pid : pids_) {
            ::kill(pid, SIGKILL);
            waitpid(pid, nullptr, 0);
        }
    }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

  private:
    std::vector<pid_t> pids_;
};

int size_of(int whole) { return options.percent > 0 ? whole / 100 * options.percent : whole; }

}  // namespace

void orphans() {
    Window window("orphans");
    const int count = size_of(1'000'000);
    while (window.next_once()) {
        const Setting setting{.init = {"-q"},
                              .program = role({"orphans", "1000", std::to_string(count)})};
        board->exit_on = bit(SIGTERM);
        window.about(setting, std::to_string(count) + " orphans");
        Life life = launch(setting);
        is_ready();
        // The first thousand show PID 1 what there is to do.
        wait_until([&] { return children_of(life.pid).size() == 1; });
        const Holding before = holding_of(life.pid);
        set(board->go, 1);
        while (board->over == 0) {
            const int born = board->count;
            if (!wait_until([&] { return board->count != born || board->over != 0; })) {
                window.fail("no more orphans after " + std::to_string(born));
                break;
            }
        }
        window.expect(board->count == count + 1000, "not all were born");
        if (!wait_until([&] { return children_of(life.pid).size() == 1; })) {
            window.fail("orphans are not reaped");
        }
        expect_flat(window, life, before);
        end_by_term(window, life);
    }
}

void signals() {
    Window window("signals");
    while (window.next_once()) {
        const Setting setting{.init = {"-q", "-f", "main"}, .program = role({"take"})};
        board->exit_on = bit(SIGTERM);
        window.about(setting, "real-time signals, each must come once");
        Life life = launch(setting);
        is_ready();
        warm_up(life);
        const Holding before = holding_of(life.pid);
        send_counted(window, life, size_of(1'000'000));
        expect_flat(window, life, before);
        end_by_term(window, life);
    }
}

void probes() {
    Window window("probes");
    const int count = size_of(10'000);
    start_servers();
    const std::string file = "file:" + options.usher + "?min-size=1";
    const char* const checks[] = {":8080/healthz",
                                  "http://127.0.0.1:8080/",
                                  "tcp://localhost:8080",
                                  "unix:@probed",
                                  file.c_str(),
                                  "pid:1",
                                  "ready:",
                                  "live:"};
    while (window.next_once()) {
        const Setting setting{.proc = true, .init = {"-q"}, .program = role({"take"})};
        board->exit_on = bit(SIGTERM);
        window.about(setting, std::to_string(count) + " probes");
        Life life = launch(setting);
        is_ready();
        warm_up(life);
        const Holding before = holding_of(life.pid);
        for (int i = 0; i < count; ++i) {
            const char* const check = checks[i % static_cast<int>(std::size(checks))];
            const int status = probe_inside(life, check);
            if (status != 0) {
                window.fail(std::string(check) + ": exit code " + std::to_string(status));
                break;
            }
        }
        expect_flat(window, life, before);
        send(life, SIGTERM);
        window.expect_status(wait_for_end(life), {exited(SIGTERM)});
    }
    ::kill(-1, SIGKILL);  // the servers
    while (waitpid(-1, nullptr, __WALL) > 0) {
    }
}

void lives() {
    Window window("lives");
    const int count = size_of(10'000);
    while (window.next(count)) {
        const bool dies = window.chance().below(2) == 0;
        const Setting setting{
            .proc = true, .init = {"-q"}, .program = role({dies ? "die" : "take"})};
        board->exit_on = bit(SIGTERM);
        window.about(setting, "a container's life");
        Life life = launch(setting);
        if (!is_ready()) window.fail("never ready");
        send(life, SIGTERM);
        window.expect_status(window.finish(life), {exited(dies ? 128 + SIGTERM : SIGTERM)});
    }
}

void memory() {
    Window window("memory");
    const Cgroup cgroup("memory", "memory.limit_in_bytes", "memory.max", 16L << 20);
    if (!cgroup.works()) {
        std::puts("memory: skipped: no memory cgroup can be made here");
        return;
    }
    while (window.next(size_of(500))) {
        const Setting setting{.cgroup = cgroup.path(), .init = {"-q"}, .program = role({"eat"})};
        window.about(setting, "the program eats all memory that the cgroup has");
        Life life = launch(setting);
        window.expect_status(window.finish(life), {exited(128 + SIGKILL)});
    }
}

void pids() {
    Window window("pids");
    const Cgroup cgroup("pids", "pids.max", "pids.max", 2);
    if (!cgroup.works()) {
        std::puts("pids: skipped: no pids cgroup can be made here");
        return;
    }
    while (window.next(size_of(2000))) {
        const Setting setting{
            .cgroup = cgroup.path(), .init = {"-q"}, .program = role({"no-fork"})};
        board->exit_on = bit(SIGTERM);
        window.about(setting, "no process more than usher and the program");
        Life life = launch(setting);
        if (!is_ready()) window.fail("never ready");
        window.expect(board->count == 0, "a third process was let in");
        for (int i = 0; i < 5; ++i) send(life, rtmin + i);
        if (!wait_until([] { return board->count == 5; })) window.fail("signals are lost");
        end_by_term(window, life);
    }
}

void starve() {
    Window window("starve");
    const Load load;
    while (window.next_once()) {
        const Setting setting{.init = {"-q", "-f", "main"}, .program = role({"take"})};
        board->exit_on = bit(SIGTERM);
        window.about(setting, "all cores busy, usher stopped and continued from outside");
        Life life = launch(setting);
        is_ready();
        warm_up(life);
        const Holding before = holding_of(life.pid);
        const pid_t tormentor = fork();
        if (tormentor == 0) {
            Chance chance(options.seed);
            while (board->over == 0) {
                send(life, SIGSTOP);
                sleep_until(now() + chance.below(2000) * us);
                send(life, SIGCONT);
                sleep_until(now() + chance.below(2000) * us);
            }
            _exit(0);
        }
        // The program gets the CONT as well, each time: only real-time signals are counted.
        int sent[65] = {};
        const int signals = size_of(20'000);
        const auto come = [&] {
            int count = 0;
            for (int sig = rtmin + 1; sig <= rtmax; ++sig) count += board->got[sig];
            return count;
        };
        for (int i = 0; i < signals; ++i) {
            const int sig = rtmin + 1 + i % 20;
            ++sent[sig];
            send(life, sig);
            if (!wait_until([&] { return i - come() < 64; })) {
                window.fail("signals are lost");
                break;
            }
        }
        if (!wait_until([&] { return come() == signals; })) window.fail("signals are lost");
        for (int sig = rtmin + 1; sig <= rtmax; ++sig) {
            window.expect(board->got[sig] == sent[sig], "a signal came too often, or not");
        }
        set(board->over, 1);
        waitpid(tormentor, nullptr, 0);
        send(life, SIGCONT);
        expect_flat(window, life, before);
        ::kill(life.pid, SIGTERM);
        const int status = wait_for_end(life);
        window.expect_status(status, {exited(SIGTERM)});
    }
}

}  // namespace races
