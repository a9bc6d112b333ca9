// SPDX-License-Identifier: MIT
// The programs that a fuzzed usher may start, by their names: exits CODE, dies SIGNAL, stays (a
// moment), forks (and leaves a child that stays, too). All others do nothing.
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

int main(int argc, char** argv) {
    std::string_view name = argc > 0 ? argv[0] : "";
    name = name.substr(name.rfind('/') + 1);
    const int number = argc > 1 ? std::atoi(argv[1]) : 0;
    constexpr unsigned moment = 50'000;
    if (name == "exits") return number;
    if (name == "dies") raise(number);
    if (name == "stays") usleep(moment);
    if (name == "forks" && fork() == 0) usleep(moment);
    return 0;
}
