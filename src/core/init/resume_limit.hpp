// SPDX-License-Identifier: MIT
// How often a program that is stopped again and again is continued: it may be at it for as long as
// the container lives, and must not keep PID 1 and a processor busy.
#pragma once

#include "duration.hpp"

namespace usher {

class ResumeLimit {
  public:
    static constexpr int most_a_second = 8;

    /// Whether it may be continued now. If not, it is due when the second is over.
    bool allows(Time now) {
        if (now >= second_ends_) {
            second_ends_ = after(now, second);
            count_ = 0;
        }
        const bool allowed = count_ < most_a_second;
        if (allowed) ++count_;
        due_ = allowed ? infinite : second_ends_;
        return allowed;
    }
    /// When a put-off continuation is due; `infinite`: none is.
    [[nodiscard]] Time due() const { return due_; }
    /// The program runs again, or has ended.
    void forget() { due_ = infinite; }

  private:
    Time second_ends_ = 0;
    Time due_ = infinite;
    int count_ = 0;
};

}  // namespace usher
