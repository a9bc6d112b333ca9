// SPDX-License-Identifier: MIT
// What every race needs: an init that lives for one round, the words that its programs and the
// driver share, offsets to the microsecond, and an account of what came out.
//
// The driver is PID 1 of a sandbox of its own (sandbox.cpp). Whatever a round leaves behind becomes
// its child, is seen, and is ended.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

using Mask = std::uint64_t;
constexpr Mask all_signals = ~Mask{0};
constexpr Mask bit(int sig) { return Mask{1} << (sig - 1); }
constexpr int rtmin = 34;
constexpr int rtmax = 64;

using Word = std::atomic<int>;

/// The memory that the driver and all programs of a round share. Programs find it on board_fd.
struct Board {
    Word ready;            ///< the program has come to where it waits for what the round does
    Word go;               ///< the driver's word to the programs
    Word over;             ///< the driver's last word: end
    Word got[65];          ///< how often the main process received each signal
    Word count;            ///< whatever a role counts
    Word stranger;         ///< a stranger has the pid that was the program's: that pid
    Word stranger_got;     ///< signals that a stranger received,
    Word stranger_signal;  ///< the last of them,
    Word stranger_sender;  ///< and its si_pid
    Word turn;             ///< whose children may have the pid that is used by turns
    Word stopped;          ///< stops that the shell of a terminal saw
    Word ended;            ///< that shell has seen the end; `status` and `foreground` count
    Word status;
    Word foreground;            ///< whose the terminal was at the end: 1 the init's or 0 another's
    std::atomic<Mask> exit_on;  ///< the program ends with code N when signal N of this set comes
    std::atomic<std::int64_t> moment;  ///< when something is due, CLOCK_MONOTONIC, in ns
};
constexpr int board_fd = 3;
extern Board* board;

// --- time and chance ------------------------------------------------------------------------

constexpr std::int64_t us = 1000;
constexpr std::int64_t ms = 1000 * us;
constexpr std::int64_t s = 1000 * ms;
/// A round that takes longer than this hangs. The machine may be slow; nothing else is timed.
inline std::int64_t patience = 30 * s;

std::int64_t now();
void spin_until(std::int64_t moment);
void sleep_until(std::int64_t moment);

/// Chance that a seed repeats.
class Chance {
  public:
    explicit Chance(std::uint64_t seed) : state_(seed * 2654435761U + 88172645463325252U) {}
    std::uint64_t next();
    /// 0 to below - 1.
    int below(int below) { return static_cast<int>(next() % static_cast<std::uint64_t>(below)); }
    template <class T, std::size_t N>
    const T& one_of(const T (&list)[N]) {
        return list[below(static_cast<int>(N))];
    }

  private:
    std::uint64_t state_;
};

// --- words and waiting ----------------------------------------------------------------------

void set(Word& word, int value);       ///< and wakes who waits for it
void wait_for_word(const Word& word);  ///< until it is not 0
void wait_while(const Word& word, int value);

/// Polls until `condition()`; false after `patience`.
template <class Condition>
bool wait_until(Condition condition) {
    const std::int64_t end = now() + patience;
    while (!condition()) {
        if (now() > end) return false;
        sleep_until(now() + 50 * us);
    }
    return true;
}

// --- the init of one round ------------------------------------------------------------------

struct Options {
    std::string usher;
    std::uint64_t seed = 1;
    int rounds = 0;      ///< of each window; 0: the short form's
    int percent = 0;     ///< of the sizes of the long runs; 0: all of them
    bool plain = false;  ///< the init is not usher: give it no option
};
extern Options options;

using Words = std::vector<std::string>;

struct Setting {
    bool pid1 = true;
    bool blocked = true;  ///< the init inherits every signal blocked, so that the kernel drops none
    bool proc = false;    ///< a /proc of its own, where usher can see the processes
    int terminal = -1;    ///< the slave side of a pty: its controlling terminal, and its stdio
    std::string cgroup{};  ///< the init is born in this cgroup
    Words init{};          ///< the init's options; `plain` drops them
    Words program{};
};

struct Life {
    pid_t pid = -1;
    int pidfd = -1;
    std::int64_t begin = 0;
};

/// The init's own words and the program behind them.
Words command_of(const Setting& setting);
/// Replaces this process by the init; for who makes its own processes.
[[noreturn]] void become_init(const Setting& setting);
/// `races act ROLE ARG...`, the program of a round.
Words role(std::initializer_list<std::string> words);

Life launch(const Setting& setting);
/// The wait status; -1: it hangs.
int wait_for_end(const Life& life);
bool has_ended(const Life& life);  ///< nothing is reaped
inline void send(const Life& life, int sig) { ::kill(life.pid, sig); }

constexpr int exited(int code) { return code << 8; }
constexpr int is_open = -2;
std::string tell_status(int status);

// --- the account ----------------------------------------------------------------------------

/// One window: its rounds, its failures, what came out how often.
class Window {
  public:
    explicit Window(std::string name);
    ~Window();
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;

    /// False when there are enough of them, or of failures.
    bool next(int short_form);
    bool next_once() { return next_of(1); }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] int round() const { return round_; }
    /// An offset in [from, to): every microsecond of it comes, in an order that spreads, and again.
    [[nodiscard]] std::int64_t offset(std::int64_t from, std::int64_t to) const;
    Chance& chance() { return chance_; }

    /// What the round is about, told when it fails.
    void about(const Setting& setting, std::string text);
    void tally(const std::string& what);
    void fail(const std::string& what);
    void expect(bool holds, const std::string& what) {
        if (!holds) fail(what);
    }

    /// Waits for the end and that nothing is left. -1: it hangs, that has been told, and all ended.
    int finish(Life& life);
    bool expect_status(int status, std::initializer_list<int> allowed);

  private:
    bool next_of(int rounds);
    void tell_processes();
    void begin_round();

    std::string name_;
    Chance chance_{0};
    int round_ = -1;
    int failures_ = 0;
    bool failed_ = false;
    std::int64_t begin_ = 0;
    std::string command_;
    std::string about_;
    std::vector<std::pair<std::string, int>> tallies_;
};
extern int failures;  ///< of all windows

// --- /proc, the kernel's calls --------------------------------------------------------------

std::string read_file(const std::string& path);
/// The value of "NAME:" in /proc/PID/status or smaps_rollup, in its unit; -1 without one.
long field(const std::string& text, std::string_view name);
bool blocks_everything(pid_t pid);
std::vector<pid_t> children_of(pid_t pid);
bool is_zombie(pid_t pid);

Mask change_mask(int how, Mask mask);
/// The next signal of `set`, or -1 after `timeout` (negative: no limit).
int next_signal(Mask set, std::int64_t timeout, siginfo_t* info = nullptr);
/// fork; the child gets exactly this pid in its namespace. -1 and EEXIST while another has it.
pid_t fork_as(pid_t pid);
int open_pidfd(pid_t pid);

/// Until the round is over: a child with this pid that does `life`; then it is the other's turn.
constexpr int nurse = 1;
constexpr int outsider = 2;
constexpr std::int64_t turn = 200 * us;
void take_turns(pid_t pid, int others, void (*life)());

/// Runs `body` in a PID and mount namespace of its own, which dies with this process. Then removes
/// the cgroup folders that it may have left.
int in_sandbox(int (*body)());
extern std::vector<std::string> cgroup_folders;  ///< of the memory, the pids controller; of v2

int act(char** words);  // roles.cpp

}  // namespace lab
