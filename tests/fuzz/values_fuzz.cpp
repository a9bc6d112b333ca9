// SPDX-License-Identifier: MIT
// The same text as each kind of value: number, duration, signal, switch, list of statuses, name
// that may be misspelt; and as the content of a pid file that a real check reads.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <new>

#include "edit_distance.hpp"
#include "log_record.hpp"
#include "number.hpp"
#include "options.hpp"
#include "probe_settings.hpp"
#include "prober.hpp"
#include "signals.hpp"
#include "words.hpp"

using namespace usher;

namespace {

void number(std::string_view text) {
    for (const uint64_t most : {uint64_t{0}, uint64_t{255}, uint64_t{INT32_MAX}, UINT64_MAX}) {
        const auto number = parse_number(text, most);
        if (!number) continue;
        require(*number <= most);
        require(text.find_first_not_of("0123456789") == std::string_view::npos);
        const std::size_t first = text.find_first_not_of('0');
        const std::string_view digits =
            first == std::string_view::npos ? text.substr(text.size() - 1) : text.substr(first);
        require(std::to_string(*number) == digits);
    }
}

void duration(std::string_view text) {
    const auto finite = parse_duration(text, false);
    const auto any = parse_duration(text, true);
    const auto sleep = parse_sleep_time(text);
    require(!finite || (*finite >= 0 && *finite < infinite && any == finite));
    require(!any || (*any >= 0 && sleep == any));
    require(!sleep || *sleep >= 0);
    if (!sleep) return;
    // What is told of it means the same, to the millisecond.
    char room[64];
    Writer line(room);
    add_duration(line, *sleep);
    const auto again = parse_duration(line.view(), true);
    require(again && *again <= *sleep && (*sleep - *again < millisecond));
}

void signal(std::string_view text) {
    const auto signal = parse_signal(text);
    if (!signal) return;
    require(*signal >= 1 && *signal <= signal_count);
    char room[16];
    Writer line(room);
    add_signal_name(line, *signal);
    require(parse_signal(line.view()) == signal);
    require(!concerns_program(*signal, {.code = 1}) || concerns_program(*signal, {}));
}

void statuses(std::string_view text) {
    const auto set = parse_status_list(text);
    if (!set) return;
    bool any = false;
    for (int status = -1; status <= 700; ++status) {
        if (!set->has(status)) continue;
        require(status >= 100 && status <= 599);
        any = true;
    }
    require(any);
}

void misspelt(std::string_view text) {
    const std::size_t half = text.size() / 2;
    const std::string_view a = text.substr(0, half), b = text.substr(half);
    const int distance = edit_distance(a, b);
    require(distance == edit_distance(b, a));
    require(distance >= 0 && distance <= 23);
    require(edit_distance(a, a) == 0);
    (void)nearest_option(Command::run, text);
    char room[32];
    Writer line(room);
    add_nearest_variable(line, text);
    require(line.fits());
}

// The prober keeps its descriptors, as it lives as long as its process.
class PidFile {
  public:
    PidFile() : fd_(memfd_create("pid-file", 0)) {
        Writer(path_).add("pid:/proc/self/fd/").add(fd_).add('\0');
        BadInput bad;
        Check check;
        require(fd_ >= 0 && parse_check(path_, check, bad) && prober_.add(check, bad));
    }
    void check(std::string_view content) {
        require(ftruncate(fd_, 0) == 0);
        const auto length = static_cast<ssize_t>(content.size());
        require(pwrite(fd_, content.data(), content.size(), 0) == length);
        require(prober_.run(infinite) == 0);
        char room[256];
        Writer line(room);
        prober_.add_result(line, 0);
        require(line.view().ends_with('\n'));
        require_clean(line.view().substr(0, line.size() - 1));
        if (prober_.all_healthy()) require(content.find_first_of("123456789") != content.npos);
    }

  private:
    cmd::Invocation invocation_{};
    ProbeSettings settings_{Command::probe};
    char path_[64] = {};
    alignas(cmd::Prober) std::byte room_[sizeof(cmd::Prober)];
    cmd::Prober& prober_ = *new (room_) cmd::Prober(invocation_, settings_);
    int fd_;
};

// MSan does not see what a raw system call writes, and takes it for not set.
#if __has_feature(memory_sanitizer)
constexpr bool reads_pid_files = false;
#else
constexpr bool reads_pid_files = true;
#endif

void pid_file(std::string_view text) {
    static PidFile& file = *new PidFile;
    file.check(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    number(text);
    duration(text);
    signal(text);
    statuses(text);
    misspelt(text);
    (void)parse_boolean(text);
    // Ten times slower than all of the above together, and more than it reads teaches nothing.
    if (reads_pid_files && size <= 40) pid_file(text);
    return 0;
}
