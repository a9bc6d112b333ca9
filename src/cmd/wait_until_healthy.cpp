// SPDX-License-Identifier: MIT
#include "wait_until_healthy.hpp"

#include <algorithm>

#include "exit_status.hpp"
#include "file.hpp"

namespace usher::cmd {

namespace {

// As a part of a line: without the newline.
void add_result(Writer& text, const Prober& prober, std::size_t index) {
    prober.add_result(text, index);
    text.cut(text.size() - 1);
}

// What is said on stderr meanwhile: the first failure, every change of the reason, how it ends, and
// on a terminal how long it has been.
class Progress {
  public:
    explicit Progress(sys::Log& log)
        : log_(log),
          on_terminal_(log.enabled(Level::info) && log.format() == LogFormat::text &&
                       sys::tcgetpgrp(sys::stderr_fd)) {}
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() { clear(); }

    void waiting(Prober& prober, Duration waited) {
        for (std::size_t i = 0; i < prober.count(); ++i) {
            if (prober.has_changed(i)) tell(Level::info, "waiting", "waiting: ", prober, i);
        }
        if (!on_terminal_) return;
        clear();
        char room[64];
        Writer line(room);
        line.add("waiting for ").add(waited / second).add('s');
        log_.put(line.view());
    }
    void gave_up(const Prober& prober, Duration timeout) {
        char room[64];
        Writer begin(room);
        add_duration(begin.add("gave up after "), timeout);
        begin.add(": ");
        for (std::size_t i = 0; i < prober.count(); ++i) {
            if (!prober.is_healthy(i)) tell(Level::error, "gave-up", begin.view(), prober, i);
        }
    }
    void goes_on(Duration waited) {
        if (!has_told_) return;
        char room[64];
        Writer text(room);
        add_duration(text.add("healthy after "), waited / millisecond * millisecond);
        clear();
        log_.write({.event = "healthy", .text = text.view()});
    }

  private:
    void tell(Level level, Literal event, std::string_view begin, const Prober& prober,
              std::size_t index) {
        char room[512];
        Writer text(room);
        text.add_raw(begin);
        add_result(text, prober, index);
        clear();
        log_.write({.level = level,
                    .event = event,
                    .text = text.view(),
                    .check = prober.check(index).text});
        has_told_ = true;
    }
    // Takes back the line that tells how long it has been.
    void clear() {
        if (on_terminal_) log_.put("\r\x1b[K");
    }

    sys::Log& log_;
    bool on_terminal_;
    bool has_told_ = false;
};

}  // namespace

int wait_until_healthy(Prober& prober, const ProbeSettings& settings, sys::Log& log) {
    Progress progress(log);
    const Time begin = sys::monotonic_clock();
    const Time deadline = after(begin, settings.timeout);
    while (true) {
        const Time try_end =
            std::min(deadline, after(sys::monotonic_clock(), settings.try_timeout));
        if (const int signal = prober.run(try_end); signal != 0) return code_of_signal(signal);
        // No try will make a request of what is none.
        if (prober.any_misused()) return to_int(ExitCode::usher_failed);
        const Time now = sys::monotonic_clock();
        if (prober.all_healthy()) {
            progress.goes_on(now - begin);
            return to_int(ExitCode::success);
        }
        if (try_end == deadline) prober.restore_complete();
        progress.waiting(prober, now - begin);
        prober.drain();
        const Time next = std::min(deadline, after(now, settings.interval));
        if (const int signal = prober.pause(next); signal != 0) return code_of_signal(signal);
        if (next < deadline) continue;
        progress.gave_up(prober, settings.timeout);
        return to_int(ExitCode::timed_out);
    }
}

void tell_misuse(const Prober& prober, sys::Log& log) {
    for (std::size_t i = 0; i < prober.count(); ++i) {
        if (!prober.is_misused(i)) continue;
        char room[256];
        Writer text(room);
        add_result(text, prober, i);
        log.write({.level = Level::error,
                   .event = "usage",
                   .text = text.view(),
                   .check = prober.check(i).text});
    }
}

}  // namespace usher::cmd
