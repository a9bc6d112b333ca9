// SPDX-License-Identifier: MIT
// Log lines on stderr (tini's also on stdout) that never block: what does not fit is lost, counted,
// and told later.
#pragma once

#include <string_view>

#include "log_record.hpp"
#include "result.hpp"

namespace usher::sys {

class Log {
  public:
    explicit Log(int fd = 2);
    /// On stderr, in usher's own words; `verbosity` as in RunSettings.
    Log(LogFormat format, int verbosity);

    /// `verbosity` as in RunSettings: 0 lets warnings and errors pass.
    void set(const LogStyle& style, int verbosity) {
        style_ = style;
        verbosity_ = verbosity;
    }
    [[nodiscard]] LogFormat format() const { return style_.format; }
    [[nodiscard]] bool enabled(Level level) const {
        return static_cast<int>(level) <= static_cast<int>(Level::warning) + verbosity_;
    }
    void write(const Record& record);
    /// Writes `text` as it is, whole or not at all. False: it is lost.
    bool put(std::string_view text);
    /// All descriptors from 3 up have been closed, the log's own among them.
    void reopen() { reopened_ = -1; }
    /// How many lines are lost and not yet told of.
    [[nodiscard]] int lost() const { return lost_; }

  private:
    // How this stderr can be written to without blocking. They are tried in this order; one that
    // the kernel or the descriptor does not support gives way to the next for good.
    enum class Way : unsigned char { file, socket, nowait, reopened, splice, terminal, none };
    void use(int fd);
    Result<std::size_t> try_way(std::string_view text);

    int fd_;
    LogStyle style_{};
    int verbosity_ = 0;
    Way way_ = Way::file;
    int reopened_ = -1;
    int lost_ = 0;
};

}  // namespace usher::sys
