// SPDX-License-Identifier: MIT
//
// side_by_side --programs DIR [OPTIONS] NAME=PATH...: the inits against each other, in one run.
//
//   --programs DIR    where `empty` and `program` are
//   --only A,B,...    only these figures (see `figures` below)
//   --full            more rounds
//   --cpu N           the CPU on which all of it runs (default: the last)
//   NAME=PATH         an init, called as PATH PROGRAM ARG...
//
// Each init is PID 1 of a PID namespace of its own. In every round each takes its turn, so that
// what else the machine does meets all of them alike. Prints JSON, one line a figure and init.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <sstream>
#include <string_view>

#include "measure.hpp"
#include "trace.hpp"

namespace bench {
namespace {

struct Init {
    std::string name;
    std::string path;
};

struct Options {
    std::vector<Init> inits;
    std::string programs;
    std::vector<std::string> only;  // empty: all
    bool full = false;
    int cpu = -1;

    [[nodiscard]] std::vector<std::string> command(const Init& init,
                                                   const std::string& mode) const {
        if (mode == "empty") return {init.path, programs + "/empty"};
        return {init.path, programs + "/program", "3", mode};
    }
    [[nodiscard]] int rounds(int short_run, int full_run) const {
        return full ? full_run : short_run;
    }
};

// An init with `program` in one of its modes, ready.
struct Container {
    SharedMemory memory;
    Running init;

    Container(const Options& o, const Init& which, const std::string& mode, Running::How how = {})
        : init(o.command(which, mode), with(how, memory.fd())) {
        if (how.traced) return;
        if (!SharedMemory::passes(memory->step, 0))
            give_up(which.name + " did not start the program");
        init.settle();
    }
    static Running::How with(Running::How how, int fd) {
        how.shared_fd = fd;
        return how;
    }
};

// The rounds of all inits, in turn.
using Samples = std::vector<std::vector<double>>;
Samples in_turn(const Options& o, int rounds, const std::function<double(std::size_t)>& measure) {
    Samples samples(o.inits.size());
    for (int round = 0; round < rounds; ++round) {
        for (const std::size_t which : turns(o.inits.size(), round)) {
            const double value = measure(which);
            if (value >= 0) samples[which].push_back(value);
        }
    }
    return samples;
}

void report_all(const Options& o, const char* figure, const char* unit, const Samples& samples) {
    for (std::size_t i = 0; i < o.inits.size(); ++i) {
        report(figure, o.inits[i].name, unit, samples[i]);
    }
}

// --- launch ------------------------------------------------------------------------------------

double launch_us(const Options& o, const Init& init, bool pid_namespace) {
    Running run(o.command(init, "empty"), {.pid_namespace = pid_namespace});
    const std::int64_t end = run.wait();
    if (run.status() != 0) give_up(init.name + " did not run the empty program");
    return static_cast<double>(end - run.began()) / 1e3;
}

// From the exec of the init until it is gone with its namespace.
void launch(const Options& o) {
    report_all(o, "launch", "us", in_turn(o, o.rounds(600, 4000), [&](std::size_t i) {
                   return launch_us(o, o.inits[i], true);
               }));
}

// The same where the init is not PID 1: without what the kernel does to end a namespace.
void launch_plain(const Options& o) {
    report_all(o, "launch_plain", "us", in_turn(o, o.rounds(600, 4000), [&](std::size_t i) {
                   return launch_us(o, o.inits[i], false);
               }));
}

// --- signals -----------------------------------------------------------------------------------

using Containers = std::vector<std::unique_ptr<Container>>;
Containers containers(const Options& o, const std::string& mode) {
    Containers all;
    for (const Init& init : o.inits) all.push_back(std::make_unique<Container>(o, init, mode));
    return all;
}

// From kill(PID 1) until the handler in the program runs.
void signal_latency(const Options& o) {
    const Containers all = containers(o, "signals");
    report_all(o, "signal", "us", in_turn(o, o.rounds(4000, 20000), [&](std::size_t i) {
                   Shared& shared = *all[i]->memory.operator->();
                   const std::uint32_t before = shared.step.load();
                   const std::int64_t begin = now_ns();
                   kill(all[i]->init.pid(), SIGUSR1);
                   if (!SharedMemory::passes(shared.step, before)) give_up("a signal was lost");
                   return static_cast<double>(shared.when - begin) / 1e3;
               }));
}

struct Storm {
    std::uint32_t sent = 0;
    std::uint32_t lost = 0;
};

// Sends `count` signals of all kinds in turn, in bursts that fit into the kernel's queue. An init
// that goes on losing signals does not get all of them.
Storm send_storm(Container& container, std::uint32_t count) {
    constexpr std::uint32_t burst = 256;
    Storm storm;
    Shared& shared = *container.memory.operator->();
    std::array<std::int64_t, 65> sent_at{};
    while (storm.sent < count && storm.lost < 10 && !container.init.ended()) {
        const std::uint32_t before = shared.queued.load();
        std::uint32_t expected = before;
        for (std::uint32_t i = 0; i < burst; ++i) {
            expected += sent_signals[i % sent_signals.size()] >= first_queued ? 1 : 0;
        }
        shared.wake_at.store(expected);
        for (std::uint32_t i = 0; i < burst; ++i) {
            const int signal = sent_signals[i % sent_signals.size()];
            sent_at[static_cast<std::size_t>(signal)] = now_ns();
            kill(container.init.pid(), signal);
        }
        storm.sent += burst;
        SharedMemory::passes(shared.queued, expected - 1, 0.5);
        storm.lost += expected - shared.queued.load();
    }
    // One that does not queue must have come at least once after it was last sent.
    for (const int signal : sent_signals) {
        const auto at = static_cast<std::size_t>(signal);
        if (signal >= first_queued) continue;
        for (int i = 0; i < 200 && shared.last[at] < sent_at[at]; ++i) usleep(1000);
        if (shared.last[at] < sent_at[at]) ++storm.lost;
    }
    return storm;
}

void storm(const Options& o) {
    const Containers all = containers(o, "signals");
    Samples lost(o.inits.size());
    const auto cost = in_turn(o, 5, [&](std::size_t i) {
        Container& container = *all[i];
        if (container.init.ended()) return -1.0;
        Shared& shared = *container.memory.operator->();
        const auto came = [&] {
            std::uint32_t sum = 0;
            for (const Counter& counter : shared.came) sum += counter.load();
            return sum;
        };
        const std::uint32_t came_before = came();
        const std::int64_t cpu = container.init.cpu_ns();
        const Storm sent = send_storm(container, o.full ? 100000 : 20000);
        if (container.init.ended() || came() == came_before) {
            report_failure("storm_cpu", o.inits[i].name, "ended by the storm");
            return -1.0;
        }
        lost[i].push_back(sent.lost);
        return static_cast<double>(container.init.cpu_ns() - cpu) / 1e3 / (came() - came_before);
    });
    report_all(o, "storm_cpu", "us", cost);
    report_all(o, "storm_lost", "signals", lost);
}

// --- orphans -----------------------------------------------------------------------------------

struct Reaped {
    double cpu_us;  // both for each orphan; from when they lose their parent until none is left
    double wall_us;
    double growth_kib;
};

Reaped reap(Container& container, std::uint32_t count, std::uint32_t wave) {
    const auto rss = [&] {
        return static_cast<double>(field(container.init.proc("smaps_rollup"), "Rss:"));
    };
    Shared& shared = *container.memory.operator->();
    const double before = rss();
    const std::int64_t cpu = container.init.cpu_ns();
    const std::uint32_t step = shared.step.load();
    shared.wave = wave;
    shared.order.store(count);
    wake(shared.order);
    if (!SharedMemory::passes(shared.step, step, 60)) give_up("orphans were not reaped");
    container.init.settle();
    return {static_cast<double>(container.init.cpu_ns() - cpu) / 1e3 / count,
            static_cast<double>(shared.wall) / 1e3 / count, rss() - before};
}

using ReapedSamples = std::vector<std::vector<Reaped>>;
ReapedSamples reap_in_turn(const Options& o, std::uint32_t count, std::uint32_t wave, int rounds) {
    const Containers all = containers(o, "orphans");
    for (const auto& c : all) reap(*c, 10, 1);  // what is touched the first time is no growth
    ReapedSamples samples(o.inits.size());
    in_turn(o, rounds, [&](std::size_t i) {
        samples[i].push_back(reap(*all[i], count, wave));
        return -1.0;
    });
    return samples;
}

void report_reaped(const Options& o, const std::string& name, const ReapedSamples& samples) {
    for (std::size_t i = 0; i < o.inits.size(); ++i) {
        std::vector<double> cpu, wall;
        double growth = 0;
        for (const Reaped& reaped : samples[i]) {
            cpu.push_back(reaped.cpu_us);
            wall.push_back(reaped.wall_us);
            growth += reaped.growth_kib;
        }
        report("orphan_cpu_" + name, o.inits[i].name, "us", cpu);
        report("orphan_wall_" + name, o.inits[i].name, "us", wall);
        report("orphan_growth_" + name, o.inits[i].name, "KiB", {growth});
    }
}

// Whether an orphan costs more when the init has reaped many: the CPU for those of the last two
// rounds by that for those of the first two.
void report_drift(const Options& o, const ReapedSamples& samples) {
    for (std::size_t i = 0; i < o.inits.size(); ++i) {
        const std::vector<Reaped>& all = samples[i];
        const double first = all[0].cpu_us + all[1].cpu_us;
        const double last = all[all.size() - 2].cpu_us + all[all.size() - 1].cpu_us;
        report("orphan_drift", o.inits[i].name, "times", {last / first});
    }
}

// The last are 100,000 in all (with --full half a million), reaped by the same init.
void orphans(const Options& o) {
    report_reaped(o, "single", reap_in_turn(o, 200, 1, o.rounds(40, 200)));
    report_reaped(o, "1000", reap_in_turn(o, 1000, 1000, o.rounds(40, 200)));
    const ReapedSamples many = reap_in_turn(o, largest_wave, largest_wave, o.rounds(10, 50));
    report_reaped(o, "10000", many);
    report_drift(o, many);
}

// --- stop --------------------------------------------------------------------------------------

// From TERM until 1,000 processes, the program and the init are gone.
void tree_stop(const Options& o) {
    report_all(o, "tree_stop", "ms", in_turn(o, o.rounds(7, 40), [&](std::size_t i) {
                   Container container(o, o.inits[i], "tree");
                   const std::int64_t begin = now_ns();
                   kill(container.init.pid(), SIGTERM);
                   return static_cast<double>(container.init.wait() - begin) / 1e6;
               }));
}

// --- idle --------------------------------------------------------------------------------------

void idle(const Options& o) {
    const Containers all = containers(o, "pause");
    const auto wake_ups = [](const Running& init) {
        const std::string status = init.proc("status");
        return field(status, "voluntary_ctxt_switches:") +
               field(status, "nonvoluntary_ctxt_switches:");
    };
    std::vector<long> before;
    std::vector<std::int64_t> cpu;
    for (const auto& c : all) before.push_back(wake_ups(c->init));
    for (const auto& c : all) cpu.push_back(c->init.cpu_ns());
    const std::int64_t end = now_ns() + 30'000'000'000;
    while (now_ns() < end) usleep(100'000);
    for (std::size_t i = 0; i < all.size(); ++i) {
        const Running& init = all[i]->init;
        report("idle_cpu", o.inits[i].name, "us",
               {static_cast<double>(init.cpu_ns() - cpu[i]) / 1e3});
        report("idle_wake_ups", o.inits[i].name, "in 30 s",
               {static_cast<double>(wake_ups(init) - before[i])});
    }
}

// --- memory ------------------------------------------------------------------------------------

void memory(const Options& o) {
    struct Seen {
        const char* figure;
        const char* file;
        const char* key;
        Samples samples;
    };
    std::vector<Seen> seen = {{"rss", "smaps_rollup", "Rss:", {}},
                              {"pss", "smaps_rollup", "Pss:", {}},
                              {"private_dirty", "smaps_rollup", "Private_Dirty:", {}},
                              {"page_tables", "status", "VmPTE:", {}}};
    for (Seen& s : seen) s.samples.resize(o.inits.size());
    sync();  // pages that are not written back count as dirty
    for (const Init& init : o.inits) {
        struct statfs where {};
        constexpr long tmpfs = 0x01021994;
        if (statfs(init.path.c_str(), &where) == 0 && where.f_type == tmpfs) {
            report_failure("rss", init.name, "its file is in memory");
        }
    }
    in_turn(o, 30, [&](std::size_t i) {
        const Container container(o, o.inits[i], "pause");
        for (Seen& s : seen) {
            const long value = field(container.init.proc(s.file), s.key);
            if (value >= 0) s.samples[i].push_back(static_cast<double>(value));
        }
        return -1.0;
    });
    for (const Seen& s : seen) report_all(o, s.figure, "KiB", s.samples);
}

// 50 containers, started one after the other without waiting. Their memory is what their control
// group is charged: the init, a program that only waits, and what the kernel needs for both. (One
// container alone cannot be told so: the kernel charges 256 KiB at a time.)
void fifty(const Options& o) {
    constexpr int count = 50;
    Samples usage(o.inits.size());
    Samples peak(o.inits.size());
    const auto time = in_turn(o, o.rounds(7, 30), [&](std::size_t i) {
        const MemoryGroup group;
        std::vector<std::unique_ptr<SharedMemory>> memories;
        std::vector<std::unique_ptr<Running>> inits;
        for (int k = 0; k < count; ++k) memories.push_back(std::make_unique<SharedMemory>());
        const std::int64_t begin = now_ns();
        for (const auto& m : memories) {
            inits.push_back(std::make_unique<Running>(
                o.command(o.inits[i], "pause"),
                Running::How{.shared_fd = m->fd(),
                             .cgroup = group.usable() ? group.members() : std::string()}));
        }
        for (const auto& m : memories) {
            if (!SharedMemory::passes((*m)->step, 0)) give_up(o.inits[i].name + " did not start");
        }
        const std::int64_t end = now_ns();
        for (const auto& init : inits) init->settle();
        if (group.usable()) {
            usage[i].push_back(group.usage_kib() / count);
            peak[i].push_back(group.peak_kib() / count);
        }
        return static_cast<double>(end - begin) / 1e6;
    });
    report_all(o, "fifty_start", "ms", time);
    report_all(o, "cgroup_memory", "KiB", usage);
    report_all(o, "cgroup_peak", "KiB", peak);
}

// --- size and system calls ---------------------------------------------------------------------

void size(const Options& o) {
    for (const Init& init : o.inits) {
        struct stat file {};
        if (stat(init.path.c_str(), &file) != 0) fail(init.path);
        report("size", init.name, "bytes", {static_cast<double>(file.st_size)});
    }
}

// The system calls of the init alone: from its exec until it waits, then for each signal and orphan
// that comes when it is idle.
void calls_of(const Options& o, const Init& init) {
    constexpr int times = 40;
    constexpr int quiet_ms = 8;
    {
        Container container(o, init, "signals", {.traced = true});
        Shared& shared = *container.memory.operator->();
        Tracer tracer(container.init.pid(), false);
        container.init.release();
        tracer.run_until_quiet(150);
        if (shared.step.load() != 1) give_up(init.name + " did not start the program under ptrace");
        // The last is the one in which it waits.
        report("calls_launch", init.name, "calls", {static_cast<double>(tracer.calls() - 1)});
        report("heap_calls", init.name, "calls", {static_cast<double>(tracer.heap_calls())});
        std::vector<double> calls;
        for (int i = 0; i < times; ++i) {
            const long before = tracer.calls();
            kill(container.init.pid(), SIGUSR1);
            tracer.run_until_quiet(quiet_ms);
            calls.push_back(static_cast<double>(tracer.calls() - before));
        }
        report("calls_signal", init.name, "calls", calls);
    }
    Container container(o, init, "orphans", {.traced = true});
    Shared& shared = *container.memory.operator->();
    Tracer tracer(container.init.pid(), false);
    container.init.release();
    tracer.run_until_quiet(150);
    std::vector<double> calls;
    for (int i = 0; i < times; ++i) {
        const long before = tracer.calls();
        shared.order.store(1);
        wake(shared.order);
        tracer.run_until_quiet(quiet_ms);
        calls.push_back(static_cast<double>(tracer.calls() - before));
    }
    report("calls_orphan", init.name, "calls", calls);
}

void calls(const Options& o) {
    for (const Init& init : o.inits) calls_of(o, init);
}

// --- which -------------------------------------------------------------------------------------

struct Figure {
    const char* name;
    void (*measure)(const Options&);
};

constexpr std::array figures = {
    Figure{"size", size},
    Figure{"calls", calls},
    Figure{"launch", launch},
    Figure{"launch_plain", launch_plain},
    Figure{"signal", signal_latency},
    Figure{"storm", storm},
    Figure{"orphans", orphans},
    Figure{"tree_stop", tree_stop},
    Figure{"memory", memory},
    Figure{"fifty", fifty},
    Figure{"idle", idle},
};

[[noreturn]] void usage() {
    std::fputs(
        "side_by_side --programs DIR [--only FIGURE,...] [--full] [--cpu N] NAME=PATH...\n"
        "figures:",
        stderr);
    for (const Figure& figure : figures) std::fprintf(stderr, " %s", figure.name);
    std::fputs("\n", stderr);
    std::exit(2);
}

Options parse(int argc, char** argv) {
    Options o;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const std::size_t equals = word.find('=');
        if (word == "--full") {
            o.full = true;
        } else if (word.starts_with("--") && i + 1 < argc) {
            const std::string value = argv[++i];
            if (word == "--programs") {
                o.programs = value;
            } else if (word == "--only") {
                std::istringstream words(value);
                for (std::string name; std::getline(words, name, ',');) o.only.push_back(name);
            } else if (word == "--cpu") {
                o.cpu = std::atoi(value.c_str());
            } else {
                usage();
            }
        } else if (equals != std::string::npos) {
            o.inits.push_back({word.substr(0, equals), word.substr(equals + 1)});
        } else {
            usage();
        }
    }
    if (o.inits.empty() || o.programs.empty()) usage();
    return o;
}

bool is_figure(const std::string& name) {
    return std::any_of(figures.begin(), figures.end(),
                       [&](const Figure& figure) { return figure.name == name; });
}

bool is_wanted(const Options& o, const std::string& name) {
    return o.only.empty() || std::find(o.only.begin(), o.only.end(), name) != o.only.end();
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
    using namespace bench;
    const Options o = parse(argc, argv);
    if (!std::all_of(o.only.begin(), o.only.end(), is_figure)) usage();
    take_cpu(o.cpu);
    for (const Figure& figure : figures) {
        if (is_wanted(o, figure.name)) figure.measure(o);
    }
}
