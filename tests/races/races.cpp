// SPDX-License-Identifier: MIT
//
// races [OPTIONS] [WINDOW...]: the moments in which an init could lose a signal, hit a stranger,
// hang, or leave something behind. Each window is hit at every microsecond, round after round.
//
//   --usher PATH   the init under test
//   --rounds N     of each window (default: a short form)
//   --percent N    of the sizes of the long runs
//   --seed S       another seed hits other moments, and chance falls otherwise
//   --patience S   a round that takes longer hangs (default: 30 seconds)
//   --plain        the init is not usher: it gets no options (window start only)
//   --list         tell the windows
//
// Without WINDOW: all but the long runs (orphans signals probes lives memory pids starve). Needs
// root: a round is a PID namespace. The exit code is 1 if a round failed.
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "windows.hpp"

namespace {

using namespace lab;

struct Part {
    std::string_view name;
    void (*run)();
    bool is_long;
};
constexpr Part parts[] = {
    {"start", races::start, false},       {"end", races::end, false},
    {"stranger", races::stranger, false}, {"outsider", races::outsider, false},
    {"stop", races::stop, false},         {"drain", races::drain, false},
    {"grace", races::grace, false},       {"storm", races::storm, false},
    {"tty", races::tty, false},           {"orphans", races::orphans, true},
    {"signals", races::signals, true},    {"probes", races::probes, true},
    {"lives", races::lives, true},        {"memory", races::memory, true},
    {"pids", races::pids, true},          {"starve", races::starve, true},
};
std::vector<std::string_view> chosen;

int run_parts() {
    for (const Part& part : parts) {
        bool wanted = chosen.empty() && !part.is_long;
        for (const std::string_view name : chosen) wanted = wanted || name == part.name;
        if (wanted) part.run();
    }
    return failures == 0 ? 0 : 1;
}

[[noreturn]] void usage(const char* word) {
    std::fprintf(stderr, "races: '%s'? See the top of races.cpp\n", word);
    std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 2 && std::strcmp(argv[1], "act") == 0) return act(argv + 2);
    options.usher = "build/release/usher";
    for (char** word = argv + 1; *word != nullptr; ++word) {
        const std::string_view name = *word;
        const bool has_value = word[1] != nullptr;
        if (name == "--plain") {
            options.plain = true;
        } else if (name == "--list") {
            for (const Part& part : parts) std::puts(part.name.data());
            return 0;
        } else if (name == "--usher" && has_value) {
            options.usher = *++word;
        } else if (name == "--rounds" && has_value) {
            options.rounds = std::atoi(*++word);
        } else if (name == "--percent" && has_value) {
            options.percent = std::atoi(*++word);
        } else if (name == "--patience" && has_value) {
            patience = std::atoi(*++word) * s;
        } else if (name == "--seed" && has_value) {
            options.seed = std::strtoull(*++word, nullptr, 10);
        } else {
            bool known = false;
            for (const Part& part : parts) known = known || part.name == name;
            if (!known) usage(*word);
            chosen.push_back(name);
        }
    }
    char path[4096];
    if (realpath(options.usher.c_str(), path) == nullptr) usage(options.usher.c_str());
    options.usher = path;
    return in_sandbox(run_parts);
}
