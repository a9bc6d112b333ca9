// SPDX-License-Identifier: MIT
// The memory that side_by_side and the program in the container share (a memfd, mapped by both).
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <ctime>

namespace bench {

// musl alone brings no <linux/futex.h>.
inline constexpr int futex_wait = 0;
inline constexpr int futex_wake = 1;

inline constexpr std::uint32_t largest_wave = 10000;  // orphans at the same time
inline constexpr int first_queued = 35;  // signals from here on are real-time ones, which queue;
inline constexpr std::array sent_signals = {
    SIGHUP,           SIGUSR1,          SIGUSR2,         SIGWINCH, first_queued,
    first_queued + 1, first_queued + 2, first_queued + 3};  // musl keeps 32 to 34 for itself

// Also a futex word. Not std::atomic: its header needs more of a C++ library than there is on musl.
class Counter {
  public:
    [[nodiscard]] std::uint32_t load() const { return __atomic_load_n(&value_, __ATOMIC_SEQ_CST); }
    void store(std::uint32_t value) { __atomic_store_n(&value_, value, __ATOMIC_SEQ_CST); }
    // Returns the new value.
    std::uint32_t add(std::uint32_t n) { return __atomic_add_fetch(&value_, n, __ATOMIC_SEQ_CST); }
    std::uint32_t* word() { return &value_; }

  private:
    std::uint32_t value_ = 0;
};

struct Shared {
    Counter step{};          // the program's: what it was told to do is done
    Counter order{};         // orphans: make this many, then back to 0
    Counter queued{};        // real-time signals that came
    Counter wake_at{};       // when `queued` is this, wake who waits for it; 0: each signal wakes
    std::int64_t when{};     // ns: the last signal came
    std::uint32_t wave = 1;  // so many of the orphans at once
    std::int64_t begin{};    // ns: they lose their parent
    std::int64_t wall{};     // ns: from then until they are gone, of all waves
    std::array<Counter, 65> came{};
    std::array<std::int64_t, 65> last{};  // ns: the last of each
    std::array<std::int32_t, largest_wave> orphans{};
};

inline std::int64_t now_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

inline void wake(Counter& word) { syscall(SYS_futex, word.word(), futex_wake, 1 << 30, 0, 0, 0); }

inline void post(Counter& word) {
    word.add(1);
    wake(word);
}

// Returns when `word` is no longer `old`, or after a while.
inline void wait_while(Counter& word, std::uint32_t old) {
    const timespec most{0, 20'000'000};
    if (word.load() == old) syscall(SYS_futex, word.word(), futex_wait, old, &most, 0, 0);
}

}  // namespace bench
