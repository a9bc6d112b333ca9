// SPDX-License-Identifier: MIT
#include "find_usher.hpp"

#include <errno.h>

#include "proc.hpp"

namespace usher::sys {

namespace {

constexpr char comm_prefix[] = "usher:";

std::optional<State> state_in(std::string_view comm) {
    if (!take_prefix(comm, comm_prefix)) return std::nullopt;
    for (int i = 0; i < static_cast<int>(State::ended); ++i) {
        if (comm == state_name(static_cast<State>(i)).view()) return static_cast<State>(i);
    }
    return std::nullopt;
}

struct Search {
    char own_cgroup[1024];
    std::string_view own{};
    std::optional<FoundUsher> best;
    std::uint64_t best_start = 0;
};

bool in_own_cgroup(const Search& search, int pid) {
    char path[40];
    char room[sizeof search.own_cgroup];
    const auto length = read_file(proc_path(path, pid, "cgroup"), room);
    return length && std::string_view(room, length.value) == search.own;
}

void look_at(void* context, int pid) {
    Search& search = *static_cast<Search*>(context);
    const auto stat = read_stat(pid);
    if (!stat || stat.value.is_dead()) return;
    const auto state = state_in(stat.value.name);
    if (!state || !in_own_cgroup(search, pid)) return;
    if (search.best && search.best_start <= stat.value.start_time) return;
    search.best = FoundUsher{.pid = pid, .state = *state};
    search.best_start = stat.value.start_time;
}

std::optional<FoundUsher> look_at_init() {
    const auto stat = read_stat(1);
    const auto state = stat ? state_in(stat.value.name) : std::nullopt;
    if (!state) return std::nullopt;
    return FoundUsher{.pid = 1, .state = *state};
}

struct WatcherSearch {
    int parent;
    std::optional<Wellness> found;
};

void look_for_watcher(void* context, int pid) {
    WatcherSearch& search = *static_cast<WatcherSearch*>(context);
    const auto stat = read_stat(pid);
    if (!stat || stat.value.is_dead() || stat.value.parent != search.parent) return;
    const auto wellness = wellness_in(stat.value.name);
    if (wellness) search.found = wellness;
}

}  // namespace

std::optional<Wellness> find_wellness(int usher) {
    WatcherSearch search{.parent = usher, .found = std::nullopt};
    (void)for_each_process(look_for_watcher, &search);
    return search.found;
}

Literal why_not_found(Error error) {
    if (error.number == ENOENT) return "/proc is not mounted here, or not this container's";
    return "no usher is the init of this container";
}

Result<FoundUsher> find_usher() {
    if (!proc_is_ours()) return Error{.number = ENOENT};
    Search search{};
    const auto length = read_file("/proc/self/cgroup", search.own_cgroup);
    if (length) search.own = {search.own_cgroup, length.value};
    const auto init = look_at_init();
    if (init && in_own_cgroup(search, 1)) return *init;
    (void)for_each_process(look_at, &search);
    if (search.best) return *search.best;
    if (init) return *init;
    return Error{.number = ESRCH};
}

}  // namespace usher::sys
