// SPDX-License-Identifier: MIT
#include "become_user.hpp"

#include <new>

#include "change_user.hpp"
#include "error_text.hpp"
#include "exit_status.hpp"
#include "find_account.hpp"
#include "memory.hpp"
#include "own_tree.hpp"

namespace usher::cmd {

namespace {

constexpr std::size_t longest_shown = 160;

// As runc does it for the user of a container: /dev/stdout and /proc/self/fd/1 can then be opened.
// Not a file, which may be anybody's.
void give_stdio(AccountId user) {
    for (const int fd : {sys::stdin_fd, sys::stdout_fd, sys::stderr_fd}) {
        const auto facts = sys::statx(fd);
        const bool is_pipe = facts && facts.value.kind == sys::FileKind::fifo;
        if (is_pipe || sys::is_terminal(fd)) (void)sys::fchownat(fd, user, no_id);
    }
}

Literal sentence_of(AccountProblem problem) {
    switch (problem) {
        case AccountProblem::none: break;
        case AccountProblem::no_user:
            return "{name}: /etc/passwd has no such user; write a number, such as 1000:1000";
        case AccountProblem::no_group: return "{name}: /etc/group has no such group";
        case AccountProblem::needs_group:
            return "{name}: /etc/passwd has no such user; write its group, too: {name}:GROUP";
        case AccountProblem::too_many_groups: return "{name}: is in more than 1024 groups";
        case AccountProblem::home_too_long: return "{name}: its home has more than 250 bytes";
        case AccountProblem::no_passwd_file: return "{name}: cannot read /etc/passwd: {reason}";
        case AccountProblem::no_group_file: return "{name}: cannot read /etc/group: {reason}";
    }
    return {};
}

// Returns the exit code of a failure.
[[gnu::noinline]] int tell(const UserSettings& user, sys::Log& log, Level level, Literal sentence,
                           const ChangeFailure& failure) {
    char reason_room[64];
    Writer reason(reason_room);
    if (failure.number != 0) sys::add_error(reason, failure.number);
    char room[512];
    Writer text(room);
    text.add(user.is_variable ? Literal("USHER_USER ") : Literal("--user "));
    add_sentence(text, sentence,
                 {.name = slice(user.spec.text, 0, longest_shown),
                  .stage = failure.stage,
                  .reason = reason.view()});
    add_advice(text, failure);
    log.write({.level = level, .event = "user", .text = text.view()});
    return to_int(ExitCode::usher_failed);
}

void add_left_alone(Writer& text, std::uint64_t count, Literal what) {
    if (count > 0) text.add("; left alone: ").add(count).add(what);
}

// Returns the exit code; 0: the tree is the user's.
int own(std::string_view path, ChangeRoom& room, const RunSettings& settings, sys::Log& log) {
    const Account& account = room.account;
    // The place may be long, and what is wrong with it must fit behind it.
    Writer place(std::span(room.text).first(600));
    const Owned owned = own_tree(path, account, settings, place);
    if (owned.signal != 0) return code_of_signal(owned.signal);
    const bool has_failed = !owned.failure.stage.empty();
    if (!has_failed && owned.given == 0) return 0;
    Writer text(std::span(room.text).subspan(600, 800));
    text.add("--own ").add_raw(place.view()).add(": ").add(owned.failure.stage);
    if (owned.failure.number != 0) sys::add_error(text.add(": "), owned.failure.number);
    add_advice(text, owned.failure);
    if (!has_failed) {
        text.add("gave ").add(owned.given).add(" entries to ");
        text.add(account.user).add(':').add(account.group);
        add_left_alone(text, owned.mounts, " of other file systems");
        add_left_alone(text, owned.links, " with several names (fs.protected_hardlinks is off)");
    }
    const Level level = has_failed ? Level::error : owned.links > 0 ? Level::warning : Level::info;
    log.write({.level = level, .event = "own", .text = text.view()});
    return has_failed ? to_int(ExitCode::usher_failed) : 0;
}

Became become(const RunSettings& settings, char** environment, ChangeRoom& room, sys::Log& log) {
    Account& account = room.account;
    static char home[home_room];
    const UserSettings& user = settings.user;
    const auto fail = [&](Literal sentence, const ChangeFailure& failure) {
        return Became{.code = tell(user, log, Level::error, sentence, failure)};
    };
    if (sys::is_secure_execution()) return fail("{name}: not as a set-uid program", {});
    const auto self = sys::getresuid();
    const auto self_group = sys::getresgid();
    if (!self || !self_group) return fail("{name}: getresuid", {});
    const bool is_root = self.value.effective == 0;  // maybe of a user namespace
    // Who is that user already has a group.
    const AccountId otherwise =
        user.spec.user.id == self.value.effective ? self_group.value.effective : no_id;
    // Its numbers need no file, which may not be there for it to read.
    account.user = user.spec.user.id;
    account.group = user.spec.group.id;
    if (is_already(account)) return {};
    const auto failure = sys::find_account(user.spec, otherwise, account, room.text);
    const bool is_found = failure.problem == AccountProblem::none;
    if (is_found && is_already(account)) return {};
    if (!is_root && user.is_variable) {
        (void)tell(user, log, Level::warning, "{name}: usher is not root and stays who it is", {});
        return {};
    }
    if (!is_found) return fail(sentence_of(failure.problem), {.number = failure.number});
    if (!is_root) return fail("{name}: usher is not root", {});

    give_stdio(account.user);
    for (std::size_t i = 0; i < user.owned_count; ++i) {
        const int code = own(user.owned[i], room, settings, log);
        if (code != 0) return {.code = code};
    }
    const ChangeFailure change = change_user(account);
    if (!change.stage.empty()) {
        return fail(
            change.number != 0 ? Literal("{name}: {stage}: {reason}") : Literal("{name}: {stage}"),
            change);
    }
    // What others may see of this process in /proc is root's, else.
    (void)sys::set_dumpable();
    return {.extra_variable = set_home(environment, account.home, home)};
}

}  // namespace

Became become_user(const RunSettings& settings, const Invocation& invocation, sys::Log& log) {
    if (settings.user.spec.text.empty()) return {};
    const auto pages = sys::allocate_pages(sizeof(ChangeRoom));
    if (!pages) {
        return {.code = tell(settings.user, log, Level::error, "{name}: mmap: {reason}",
                             {.number = pages.error.number})};
    }
    const Became became =
        become(settings, invocation.environment, *new (pages.value.data()) ChangeRoom, log);
    sys::free_pages(pages.value);
    return became;
}

}  // namespace usher::cmd
