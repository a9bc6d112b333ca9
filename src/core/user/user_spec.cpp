// SPDX-License-Identifier: MIT
#include "user_spec.hpp"

#include "number.hpp"

namespace usher {

namespace {

AccountName read_name(std::string_view text) {
    return {.text = text,
            .id = static_cast<AccountId>(parse_number(text, last_id).value_or(no_id))};
}

bool is_out_of_range(const AccountName& name) {
    std::string_view behind = name.text;
    return name.id == no_id && !take_digits(behind).empty() && behind.empty();
}

}  // namespace

UserSpec split_user_spec(std::string_view text) {
    UserSpec spec{.text = text};
    std::string_view group = text;
    spec.user = read_name(take_until(group, ':'));
    spec.group = read_name(take_until(group, ':'));
    return spec;
}

bool parse_user_spec(UserSpec& spec, std::string_view text, BadInput& bad) {
    spec = split_user_spec(text);
    if (spec.user.text.empty() || text.ends_with(':') ||
        has(slice(text, spec.user.text.size() + 1), ':')) {
        return refuse(bad, "not a user", text, "USER or USER:GROUP, such as app, 1000:1000");
    }
    return (!is_out_of_range(spec.user) && !is_out_of_range(spec.group)) ||
           refuse(bad, "a number out of range:", text, "0 to 4294967294");
}

}  // namespace usher
