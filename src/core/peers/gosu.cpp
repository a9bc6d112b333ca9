// SPDX-License-Identifier: MIT
// gosu 1.14, and su-exec 0.2, which does the same with fewer words.
#include "peer_file.hpp"

namespace usher {

namespace {

constexpr Literal gosu_usage =
    "Usage: {name} user-spec command [args]\n   eg: {name} tianon bash\n"
    "       {name} nobody:root bash -c 'whoami && id'\n       {name} 1000:1 id\n\n"
    "This is usher in the place of gosu 1.14.\n";

PeerTask become(const PeerCall& call) {
    return {.kind = PeerTask::Kind::become, .user = call.words[0], .program = 1};
}

Literal su_exec_sentence(BecomeProblem problem) {
    if (problem == BecomeProblem::no_user) return "su-exec: getpwnam({place}): no such user\n";
    if (problem == BecomeProblem::no_group) return "su-exec: getgrnam({place}): no such group\n";
    if (problem == BecomeProblem::not_changed) return "su-exec: {stage}: {reason}\n";
    return "su-exec: {name}: {reason}\n";
}

}  // namespace

Literal become_sentence(Peer peer, BecomeProblem problem) {
    if (peer == Peer::su_exec) return su_exec_sentence(problem);
    switch (problem) {
        case BecomeProblem::no_user:
            return "error: failed switching to \"{name}\": unable to find user {place}: no "
                   "matching "
                   "entries in passwd file\n";
        case BecomeProblem::no_group:
            return "error: failed switching to \"{name}\": unable to find group {place}: no "
                   "matching "
                   "entries in group file\n";
        case BecomeProblem::not_changed: return "error: failed switching to \"{name}\": {reason}\n";
        case BecomeProblem::not_in_path:
            return "error: exec: \"{name}\": executable file not found in $PATH\n";
        case BecomeProblem::not_there: return "error: exec: \"{name}\": stat {name}: {reason}\n";
        case BecomeProblem::forbidden: return "error: exec: \"{name}\": {reason}\n";
        case BecomeProblem::not_executed: break;
    }
    return "error: exec failed: {reason}\n";
}

namespace peers {

PeerTask apply_gosu(const PeerCall& call, Writer& answer) {
    const std::string_view first = call.words.empty() ? std::string_view() : call.words[0];
    if (first == "--version" || first == "-v") {
        answer.add("1.14 (usher)\n");
        return answered();
    }
    const bool asks_for_help = first == "--help" || first == "-h" || first == "-?";
    if (!asks_for_help && call.words.size() >= 2) return become(call);
    add_sentence(answer, gosu_usage, {.name = last_component(call.name)});
    return asks_for_help ? answered() : answered_on_stderr(1);
}

PeerTask apply_su_exec(const PeerCall& call, Writer& answer) {
    if (call.words.size() >= 2) return become(call);
    add_sentence(answer, "Usage: {name} user-spec command [args]\n", {.name = call.name});
    return answered();
}

}  // namespace peers

}  // namespace usher
