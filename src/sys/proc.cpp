// SPDX-License-Identifier: MIT
#include "proc.hpp"

#include <errno.h>

#include <algorithm>
#include <cstring>

#include "file.hpp"
#include "number.hpp"
#include "text.hpp"

namespace usher::sys {

namespace {

// One entry of getdents64(2): inode and offset (8 bytes each), its length, its type, its name.
constexpr std::size_t length_at = 16;
constexpr std::size_t name_at = 19;

// A parent chain is never this long; a loop in what we read (pids are reused) must still end.
constexpr int longest_chain = 4096;

std::uint64_t take_field(std::string_view& fields) {
    return parse_number(take_until(fields, ' '), UINT64_MAX).value_or(0);
}

}  // namespace

const char* entry_name(const std::byte* entry) {
    return reinterpret_cast<const char*>(entry + name_at);  // NOLINT(*-reinterpret-cast)
}

std::size_t entry_length(const std::byte* entry) {
    std::uint16_t length = 0;
    std::memcpy(&length, entry + length_at, sizeof length);
    return length;
}

bool proc_is_ours() {
    char room[16];
    const auto length = readlink("/proc/self", room);
    return length &&
           parse_number({room, length.value}, INT32_MAX) == static_cast<unsigned>(getpid());
}

const char* proc_path(std::span<char> room, int pid, std::string_view name) {
    Writer(room).add("/proc/").add(pid).add('/').add_raw(name).add('\0');
    return room.data();
}

Result<std::size_t> read_file(const char* path, std::span<char> room) {
    const auto fd = open(path, OpenMode::read);
    if (!fd) return fd.error;
    std::size_t used = 0;
    while (used < room.size()) {
        const auto got = read(fd.value, room.subspan(used));
        if (!got) {
            close(fd.value);
            return got.error;
        }
        if (got.value == 0) break;
        used += got.value;
    }
    close(fd.value);
    return used;
}

Result<ProcessStat> read_stat(int pid) {
    char path[40];
    char room[512];
    const auto length = read_file(proc_path(path, pid, "stat"), room);
    if (!length) return length.error;
    const std::string_view text(room, length.value);
    // "PID (NAME) STATE PPID ...": the name may hold anything, also ") Z 1".
    const std::size_t open_at = find(text, '(');
    const std::size_t close_at = text.rfind(')');
    if (close_at == std::string_view::npos || close_at < open_at || close_at + 4 > text.size()) {
        return Error{.number = EINVAL};
    }
    ProcessStat stat;
    stat.pid = pid;
    const std::string_view name = slice(text, open_at + 1, close_at - open_at - 1);
    Writer(std::span(stat.name, sizeof stat.name - 1)).add_raw(name);
    stat.state = text[close_at + 2];
    std::string_view fields = slice(text, close_at + 4);
    stat.parent = static_cast<int>(take_field(fields));
    stat.group = static_cast<int>(take_field(fields));
    constexpr int threads_field = 20;
    for (int field = 6; field < threads_field; ++field) take_until(fields, ' ');
    stat.threads = take_field(fields);
    take_until(fields, ' ');
    stat.start_time = take_field(fields);
    return stat;
}

Result<SignalFacts> read_signal_facts(int pid) {
    char path[40];
    char room[4096];
    const auto length = read_file(proc_path(path, pid, "status"), room);
    if (!length) return length.error;
    return parse_signal_facts({room, length.value});
}

Result<ThreadStatus> read_thread_status(int id) {
    char path[40];
    char room[256];  // what is asked for is at its beginning
    const auto length = read_file(proc_path(path, id, "status"), room);
    if (!length) return length.error;
    ThreadStatus status{.process = id};
    // "Name:\tsh\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t7\n"; a newline in the name is
    // escaped.
    std::string_view rest(room, length.value);
    while (!rest.empty()) {
        std::string_view line = take_until(rest, '\n');
        if (take_prefix(line, "State:\t") && !line.empty()) status.state = line[0];
        if (!take_prefix(line, "Tgid:\t")) continue;
        const auto process = parse_number(line, INT32_MAX);
        if (process) status.process = static_cast<int>(*process);
        break;
    }
    return status;
}

Result<Done> for_each_number(int directory, Visit visit, void* context) {
    alignas(8) std::byte room[1024];
    while (true) {
        const auto got = getdents64(directory, room);
        if (!got) return got.error;
        if (got.value == 0) return Done{};
        for (std::size_t at = 0; at < got.value; at += entry_length(room + at)) {
            const auto number = parse_number(entry_name(room + at), INT32_MAX);
            if (number) visit(context, static_cast<int>(*number));
        }
    }
}

Result<Done> for_each_process(Visit visit, void* context) {
    const auto directory = open("/proc", OpenMode::directory);
    if (!directory) return directory.error;
    const auto visited = for_each_number(directory.value, visit, context);
    close(directory.value);
    return visited;
}

bool Descendants::know(const ProcessStat& stat) const {
    return std::ranges::any_of(known_, [&](const Known& one) {
        return one.pid == stat.pid && one.start_time == stat.start_time;
    });
}

bool Descendants::include(int pid) {
    const int self = getpid();
    Known found{.pid = pid, .start_time = 0};
    int steps = 0;
    for (int at = pid; at > 1 && steps < longest_chain; ++steps) {
        const auto stat = read_stat(at);
        if (!stat) {
            // The parent ended under our eyes, and its child has a new one: look again from below.
            if (at == pid) return false;
            // But not for long: it may as well be one that we may not see (hidepid, proc(5)).
            at = pid;
            steps += longest_chain / 8;
            continue;
        }
        if (at == pid) found.start_time = stat.value.start_time;
        if (stat.value.parent == self || know(stat.value)) {
            known_[next_++ % std::size(known_)] = found;
            return true;
        }
        at = stat.value.parent;
    }
    return false;
}

}  // namespace usher::sys
