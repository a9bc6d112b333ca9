// SPDX-License-Identifier: MIT
// Runs all checks of one call at the same time, in one poll loop, under one deadline.
#pragma once

#include <array>

#include "check.hpp"
#include "commands.hpp"
#include "network_check.hpp"
#include "outcome.hpp"
#include "probe_settings.hpp"
#include "program_check.hpp"

namespace usher::cmd {

class Prober {
  public:
    static constexpr std::size_t most_checks = 16;

    /// Both must outlive the prober. All signals must be blocked; from here on only those that the
    /// prober waits for are.
    Prober(const Invocation& invocation, const ProbeSettings& settings);
    /// The only one of this process, in room of its own.
    static Prober& make(const Invocation& invocation, const ProbeSettings& settings);
    Prober(const Prober&) = delete;
    Prober& operator=(const Prober&) = delete;
    ~Prober() = delete;  ///< it ends with the process

    /// False: too many; `bad` says so. What the check points to must outlive the prober.
    bool add(const Check& check, BadInput& bad);
    bool add_program(char* const* argv, BadInput& bad);
    [[nodiscard]] std::size_t count() const { return count_; }
    [[nodiscard]] CheckNeeds needs() const;
    [[nodiscard]] const Check& check(std::size_t index) const { return slots_[index].check; }

    /// One try of all checks. Returns 0 once all are settled, or the signal that ended it
    /// (ends_command).
    int run(Time deadline);
    /// Reads what servers have yet to say of the replies that run() judged, within
    /// NetworkCheck::drain_time. A signal ends it, and is left for pause() to take.
    void drain();
    /// Until `end`, or a signal, which is returned.
    int pause(Time end);

    [[nodiscard]] bool is_healthy(std::size_t index) const;
    [[nodiscard]] bool all_healthy() const;
    [[nodiscard]] bool is_misused(std::size_t index) const {
        return slots_[index].outcome.health == Health::misused;
    }
    [[nodiscard]] bool any_misused() const;
    /// Whether there was a descriptor and memory for each check.
    [[nodiscard]] bool all_made() const;
    /// "healthy CHECK ..." or "unhealthy CHECK: ...", with a newline, at most 256 bytes.
    void add_result(Writer& line, std::size_t index) const;
    /// Whether this check's result is another than the last time this was asked. A file's age and
    /// size do not count, for they change all the time.
    bool has_changed(std::size_t index);
    /// What the deadline of the last try cut off fails for the reason of the try before.
    void restore_complete();

  private:
    struct Slot {
        Check check;
        Outcome outcome;
        NetworkCheck network;
        std::uint32_t last_told = 0;
        bool was_cut = false;
        char before_room[sizeof(Outcome::room)];
        Writer before{before_room};  ///< why the try before failed; may be empty
    };

    void start(Slot& slot, Time now, Time deadline);
    static void settle_file(Slot& slot);
    static void settle_pid(Slot& slot);
    static void settle_state(Slot& slot);
    /// What to poll for: all checks' descriptors behind the signals', and when to wake.
    struct Interests {
        std::array<sys::PollFd, 1 + most_checks * NetworkCheck::most_fds> fds;
        std::size_t first[most_checks + 1];  ///< of each check's; at the end, how many there are
        Time wake = infinite;
    };
    void gather(Interests& interests) const;
    void wait_for(Interests& interests, Time now, Time deadline) const;
    void step(const Interests& interests, Time now);
    [[nodiscard]] bool any_pending() const;
    void note_ends(Duration took);
    int take_signals();
    Result<Done> poll(std::span<sys::PollFd> fds, Duration timeout) const;

    const Invocation& invocation_;
    const ProbeSettings& settings_;
    char* const* program_ = nullptr;
    ProgramCheck program_check_;
    int signals_ = -1;
    bool has_run_ = false;
    std::size_t count_ = 0;
    union {
        std::array<Slot, most_checks> slots_;  ///< made one by one, as checks are added
    };
};

}  // namespace usher::cmd
