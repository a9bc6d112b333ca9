// SPDX-License-Identifier: MIT
// When a program counts as unhealthy: what is made of the rounds of checks that --heal asks for.
#pragma once

#include <optional>

#include "check_list.hpp"
#include "duration.hpp"
#include "signals.hpp"

namespace usher {

struct HealSettings {
    CheckList checks;                  ///< none: nothing is watched
    Duration interval = 10 * second;   ///< between rounds; at most a second until failures count
    Duration timeout = 3 * second;     ///< of a round
    int retries = 3;                   ///< so many failed rounds in a row are too many
    Duration start_period = infinite;  ///< from the start: no failure counts, unless one has passed
    Duration grace = 10 * second;      ///< from `signal` to SIGKILL; never infinite
    int signal = sig::term;            ///< what an unhealthy program is sent

    [[nodiscard]] bool is_on() const { return checks.count > 0; }
};

enum class Wellness : std::uint8_t { starting, healthy, failing };
/// "starting", "healthy", "failing".
Literal wellness_name(Wellness wellness);
/// The watcher's comm, "heal:starting" and so on, which every uid may read.
void add_watcher_name(Writer& line, Wellness wellness);
std::optional<Wellness> wellness_in(std::string_view comm);

/// One round of all checks.
struct Round {
    Time began = 0;
    Time ended = 0;
    bool has_passed = false;
    bool was_made = true;  ///< not where there was no descriptor or memory to make it with
};

class Rounds {
  public:
    /// `settings` must outlive it. `started`: when the program was; `has_passed`: the checks have
    /// passed since then.
    Rounds(const HealSettings& settings, Time started, bool has_passed, Time now)
        : settings_(settings),
          counts_from_(has_passed ? started : after(started, settings.start_period)),
          due_(now) {}

    /// When the next round is to begin.
    [[nodiscard]] Time due() const { return due_; }
    void note(const Round& round);
    [[nodiscard]] Wellness wellness() const { return wellness_; }
    /// How many counted rounds in a row have failed, up to settings.retries.
    [[nodiscard]] int failures() const { return failures_; }
    [[nodiscard]] bool is_unhealthy() const { return failures_ >= settings_.retries; }

  private:
    const HealSettings& settings_;
    Time counts_from_;
    Time due_;
    Wellness wellness_ = Wellness::starting;
    int failures_ = 0;
};

}  // namespace usher
