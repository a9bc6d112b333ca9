// SPDX-License-Identifier: MIT
#include "own_tree.hpp"

#include <errno.h>
#include <string.h>

#include "ending_signals.hpp"
#include "memory.hpp"
#include "proc.hpp"

namespace usher::cmd {

namespace {

// Each costs a descriptor while it is open.
constexpr std::size_t most_levels = 256;
constexpr unsigned entries_between_looks = 64;

// A folder that is walked, and the entry of it that is looked at.
struct Level {
    int fd;
    bool is_given;  // it is the user's already
    std::uint16_t at;
    std::uint16_t end;
    alignas(8) std::byte room[4096 - 16];  // getdents64(2)

    [[nodiscard]] const char* name() const { return sys::entry_name(room + at); }
    void next() { at = static_cast<std::uint16_t>(at + sys::entry_length(room + at)); }
};
static_assert(sizeof(Level) == 4096);

class Walk {
  public:
    Walk(const Account& account, const RunSettings& settings, std::span<char> pages)
        // NOLINTNEXTLINE(*-reinterpret-cast)
        : account_(account), settings_(settings), levels_(reinterpret_cast<Level*>(pages.data())) {}

    void own(const char* path) {
        const auto top = sys::open(path, sys::OpenMode::place);
        if (!top) return fail("open", top.error);
        const auto facts = sys::statx(top.value);
        if (!facts) return fail("stat", facts.error);
        if (facts.value.kind == sys::FileKind::link) return fail("is a link", {});
        if (facts.value.user != account_.user) {
            device_ = facts.value.device;
            if (facts.value.kind == sys::FileKind::folder) enter(top.value, facts.value);
            walk();
            if (!is_over()) give(top.value, sys::working_folder, path);
        }
        sys::close(top.value);
    }
    [[nodiscard]] const Owned& result() const { return result_; }

    void add_place(Writer& where) const {
        for (std::size_t i = 0; i < depth_; ++i) {
            if (levels_[i].at == levels_[i].end) continue;
            where.add('/').add_untrusted(levels_[i].name());
        }
    }

  private:
    void fail(Literal stage, const Error& error) {
        result_.failure = {stage, error.number, "CAP_CHOWN"};
    }
    [[nodiscard]] bool is_over() const {
        return !result_.failure.stage.empty() || result_.signal != 0;
    }

    bool is_owned(const sys::FileFacts& facts) const {
        return facts.user == account_.user && facts.group == account_.group;
    }

    // gVisor gives nothing away by a place. There the name must do, which is not followed either.
    void give(int fd, int folder, const char* name) {
        auto given = sys::fchownat(fd, account_.user, account_.group);
        if (!given && given.error.number == EBADF) {
            given = sys::fchownat(folder, name, account_.user, account_.group);
        }
        if (!given) {
            fail("chown", given.error);
        } else {
            ++result_.given;
        }
    }

    void enter(int place, const sys::FileFacts& facts) {
        if (depth_ == most_levels) return fail("more than 256 folders deep", {});
        const auto fd = sys::openat(place, ".", sys::OpenMode::directory);
        if (!fd) return fail("open", fd.error);
        Level& level = levels_[depth_++];
        level.fd = fd.value;
        level.is_given = is_owned(facts);
        level.at = level.end = 0;
    }

    void walk() {
        while (depth_ > 0 && !is_over()) {
            Level& level = levels_[depth_ - 1];
            if (level.at == level.end) {
                read(level);
            } else {
                look_for_signals();
                if (!is_over()) visit(level);
            }
        }
    }

    void read(Level& level) {
        const auto got = sys::getdents64(level.fd, level.room);
        // A folder that was removed meanwhile.
        const bool is_gone = !got && got.error.number == ENOENT;
        level.at = 0;
        level.end = static_cast<std::uint16_t>(got ? got.value : 0);
        if (!got && !is_gone) {
            fail("read", got.error);
        } else if (level.end == 0) {
            leave();
        }
    }

    // What was in it is done.
    void leave() {
        const Level& level = levels_[--depth_];
        // Of the top of the tree later.
        if (depth_ > 0 && !level.is_given) give(level.fd, level.fd, ".");
        sys::close(level.fd);
        if (depth_ > 0 && !is_over()) levels_[depth_ - 1].next();
    }

    void visit(Level& level) {
        const std::string_view name = level.name();
        if (name == "." || name == "..") return level.next();
        const auto place = sys::openat(level.fd, level.name(), sys::OpenMode::place);
        if (!place && place.error.number == ENOENT) return level.next();  // removed meanwhile
        if (!place) return fail("open", place.error);
        const auto facts = sys::statx(place.value);
        if (!facts) return fail("stat", facts.error);
        const bool is_folder = facts.value.kind == sys::FileKind::folder;
        if (is_foreign(facts.value)) {
            ++result_.mounts;
        } else if (is_folder) {
            enter(place.value, facts.value);
        } else if (is_owned(facts.value)) {
            // A chown would take its set-uid bit.
        } else if (facts.value.links > 1 && !links_are_safe()) {
            ++result_.links;
        } else {
            give(place.value, level.fd, level.name());
        }
        if (is_over()) return;
        sys::close(place.value);
        if (&level == &levels_[depth_ - 1]) level.next();
    }

    // Files of an overlay may tell another device than their folder; where the kernel knows what is
    // mounted, that does not count.
    bool is_foreign(const sys::FileFacts& facts) const {
        const bool is_elsewhere = facts.device != device_;
        const bool may_differ = facts.kind != sys::FileKind::folder && facts.knows_mounts;
        return facts.is_mounted || (is_elsewhere && !may_differ);
    }

    bool links_are_safe() {
        if (!knows_links_) {
            char room[4];
            const auto got = sys::read_file("/proc/sys/fs/protected_hardlinks", room);
            links_are_safe_ = got && got.value > 0 && room[0] == '1';
            knows_links_ = true;
        }
        return links_are_safe_;
    }

    void look_for_signals() {
        if (++looked_at_ % entries_between_looks != 0) return;
        const SignalSet set = settings_.stop_signals | ending_signals;
        const auto received = sys::rt_sigtimedwait(set, 0);
        if (received && ends_waiting(settings_, received.value)) {
            result_.signal = received.value.signal;
        }
    }

    const Account& account_;
    const RunSettings& settings_;
    Level* levels_;
    std::size_t depth_ = 0;
    std::uint64_t device_ = 0;
    unsigned looked_at_ = 0;
    bool knows_links_ = false;
    bool links_are_safe_ = false;
    Owned result_;
};

}  // namespace

Owned own_tree(std::string_view path, const Account& account, const RunSettings& settings,
               Writer& where) {
    constexpr std::size_t size = most_levels * sizeof(Level) + sys::path_max;
    const auto pages = sys::allocate_pages(size);
    if (!pages) return {.failure = {"mmap", pages.error.number}};
    // The path with a NUL behind it, which one of a list does not have.
    const std::span name = pages.value.last(sys::path_max);
    where.add_untrusted(path);
    if (path.size() >= name.size()) return {.failure = {"open", ENAMETOOLONG}};
    memcpy(name.data(), path.data(), path.size());
    Walk walk(account, settings, pages.value);
    walk.own(name.data());
    const Owned owned = walk.result();
    walk.add_place(where);
    sys::free_pages(pages.value);
    return owned;
}

}  // namespace usher::cmd
