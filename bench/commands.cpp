// SPDX-License-Identifier: MIT
//
// commands FIGURE [--rounds N] [--seconds N] [--cpu N] [--environment NAME=VALUE]... <COMMANDS
//
// Whole processes against each other: each line of the input is a name and a command, separated by
// tabs. In every round each takes its turn, from its exec until its parent has it. All must
// succeed. Prints JSON, one line a figure and command: FIGURE_wall and FIGURE_cpu; FIGURE_peak and
// FIGURE_calls, seen by ptrace in runs of their own; with --seconds FIGURE_load, the share of a CPU
// that it takes to run the command 100 times a second.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "measure.hpp"
#include "trace.hpp"

namespace bench {
namespace {

struct Command {
    std::string name;
    std::vector<std::string> words;
    bool works = true;
    std::vector<double> wall_us, cpu_us, peak_kib, calls, load;
};

struct Options {
    std::string figure;
    int rounds = 20;
    int seconds = 0;
    int cpu = -1;
    Running::How how{.pid_namespace = false};
};

[[noreturn]] void usage() {
    std::fputs("commands: see the top of commands.cpp\n", stderr);
    std::exit(2);
}

Options parse(int argc, char** argv) {
    Options o;
    if (argc < 2) usage();
    o.figure = argv[1];
    for (int i = 2; i + 1 < argc; i += 2) {
        const std::string word = argv[i];
        if (word == "--rounds") {
            o.rounds = std::atoi(argv[i + 1]);
        } else if (word == "--seconds") {
            o.seconds = std::atoi(argv[i + 1]);
        } else if (word == "--cpu") {
            o.cpu = std::atoi(argv[i + 1]);
        } else if (word == "--environment") {
            o.how.environment.emplace_back(argv[i + 1]);
        } else {
            usage();
        }
    }
    return o;
}

std::vector<Command> read_commands() {
    std::vector<Command> commands;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words(line);
        Command command;
        std::getline(words, command.name, '\t');
        for (std::string word; std::getline(words, word, '\t');) command.words.push_back(word);
        if (!command.words.empty()) commands.push_back(command);
    }
    return commands;
}

double run_once(const Options& o, Command& command) {
    Running run(command.words, o.how);
    const std::int64_t end = run.wait();
    command.works = command.works && run.status() == 0;
    command.cpu_us.push_back(run.cpu_us());
    return static_cast<double>(end - run.began()) / 1e3;
}

void trace_once(const Options& o, Command& command) {
    Running::How how = o.how;
    how.traced = true;
    Running run(command.words, how);
    Tracer tracer(run.pid(), true);
    run.release();
    tracer.run_to_end();
    run.forget();
    command.calls.push_back(static_cast<double>(tracer.calls()));
    command.peak_kib.push_back(static_cast<double>(tracer.peak_kib()));
}

// One sample a second. A command that takes longer than its 10 ms cannot keep up.
void run_at_rate(const Options& o, Command& command) {
    constexpr int rate = 100;
    constexpr std::int64_t period = 1'000'000'000 / rate;
    std::int64_t next = now_ns();
    for (int second = 0; second < o.seconds; ++second) {
        const std::size_t first = command.cpu_us.size();
        for (int i = 0; i < rate; ++i) {
            run_once(o, command);
            next += period;
            const std::int64_t left = next - now_ns();
            if (left < -2 * std::int64_t{1'000'000'000}) return;
            if (left > 0) usleep(static_cast<useconds_t>(left / 1000));
        }
        double cpu = 0;
        for (std::size_t i = first; i < command.cpu_us.size(); ++i) cpu += command.cpu_us[i];
        command.load.push_back(cpu / 1e6 * 100);
    }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
    using namespace bench;
    const Options o = parse(argc, argv);
    std::vector<Command> commands = read_commands();
    take_cpu(o.cpu);
    for (Command& c : commands) {
        for (int i = 0; i < 3 && c.works; ++i) run_once(o, c);  // warms up
        c.cpu_us.clear();
        if (!c.works) report_failure(o.figure + "_wall", c.name, "it fails here");
    }
    std::erase_if(commands, [](const Command& c) { return !c.works; });
    for (int round = 0; round < o.rounds; ++round) {
        for (const std::size_t which : turns(commands.size(), round)) {
            commands[which].wall_us.push_back(run_once(o, commands[which]));
        }
    }
    for (Command& c : commands) {
        if (!c.works) report_failure(o.figure + "_wall", c.name, "it failed in some rounds");
        report(o.figure + "_wall", c.name, "us", c.wall_us);
        report(o.figure + "_cpu", c.name, "us", c.cpu_us);
        for (int i = 0; i < 5; ++i) trace_once(o, c);
        report(o.figure + "_peak", c.name, "KiB", c.peak_kib);
        report(o.figure + "_calls", c.name, "calls", c.calls);
        if (o.seconds == 0) continue;
        run_at_rate(o, c);
        if (c.load.empty()) {
            report_failure(o.figure + "_load", c.name, "cannot keep up");
        } else {
            report(o.figure + "_load", c.name, "% CPU", c.load);
        }
    }
}
