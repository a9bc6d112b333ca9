// SPDX-License-Identifier: MIT
// /etc/passwd or /etc/group as somebody else wrote it. The first line of the input is whom to look
// for; what is found does not depend on the pieces that the file is read in, and is an entry of it.
#include <algorithm>
#include <memory>
#include <string>

#include "accounts.hpp"
#include "split.hpp"
#include "words.hpp"

using namespace usher;

namespace {

using Purpose = AccountReader::Purpose;

std::string outcome_of(Purpose purpose, const AccountName& wanted,
                       const std::vector<std::vector<uint8_t>>& pieces) {
    const auto account = std::make_unique<Account>();
    AccountReader reader(purpose, wanted, *account);
    for (const auto& piece : pieces) {
        const auto text = as_text(piece);
        reader.feed({text.data(), text.size()});
    }
    reader.finish();
    std::string outcome = std::to_string(static_cast<int>(reader.problem()));
    if (!reader.has_found()) return outcome;
    outcome += " group " + std::to_string(account->group);
    for (const AccountId id : account->supplementary()) {
        require(id != no_id);
        outcome += " " + std::to_string(id);
    }
    if (purpose == Purpose::user) {
        require(account->user != no_id && account->group != no_id);
        require(wanted.id == no_id || account->user == wanted.id);
        require(std::memchr(account->name, 0, sizeof account->name) != nullptr);
        require(wanted.id != no_id || std::string_view(account->name) == wanted.text);
        outcome += std::string(" user ") + std::to_string(account->user) + " " + account->name;
        if (reader.problem() == AccountProblem::none) {
            require(std::memchr(account->home, 0, sizeof account->home) != nullptr);
            outcome += std::string(" ") + account->home;
        }
    }
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    const std::string wanted(next_line(rest));
    UserSpec spec;
    BadInput bad;
    const bool is_good = parse_user_spec(spec, wanted, bad);
    require(is_good == bad.problem.empty());
    const UserSpec split = split_user_spec(wanted);
    require(!is_good || (!split.user.text.empty() && split.user.text == spec.user.text));
    // Nobody looks for a name that is empty, or has a NUL.
    if (split.user.text.empty() || wanted.find('\0') != std::string::npos) return 0;
    const auto* const file = reinterpret_cast<const uint8_t*>(rest.data());
    for (const Purpose purpose : {Purpose::user, Purpose::group, Purpose::members}) {
        same_every_way(file, rest.size(),
                       [&](const auto& pieces) { return outcome_of(purpose, split.user, pieces); });
    }
    return 0;
}
