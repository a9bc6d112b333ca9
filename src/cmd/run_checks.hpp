// SPDX-License-Identifier: MIT
// The checks of the run form, --wait-for and --heal, and its options that concern them.
#pragma once

#include "given_check.hpp"
#include "log.hpp"
#include "run_settings.hpp"

namespace usher::cmd {

/// Before anything is started: whether the checks are such that usher may wait for them, and judge
/// this container by them, and the options of use. Warns of a password. False: `bad` says what was
/// wrong.
bool accept_checks(const RunSettings& settings, const Invocation& invocation, sys::Log& log,
                   BadInput& bad);

/// Accepted checks in the process that makes them, a child of usher, which takes no signal but as
/// the prober does. What the prober points to is in here.
class RunChecks {
  public:
    RunChecks(const Invocation& invocation, Command like, Duration timeout)
        : invocation_(invocation), settings_(like) {
        invocation_.mask = all_signals;
        settings_.timeout = timeout;
    }
    [[nodiscard]] const ProbeSettings& settings() const { return settings_; }
    /// Null: they are not what was accepted.
    Prober* make_prober(const CheckList& checks);

  private:
    Invocation invocation_;
    ProbeSettings settings_;
    Arena arena_;
};

}  // namespace usher::cmd
