// SPDX-License-Identifier: MIT
// USER:PASSWORD@ of a database's check: taken out of the text before anything else is read, so that
// no error and no result can show it.
#pragma once

#include "environment.hpp"

namespace usher {

/// A check in parts: "redis://", "USER", "PASSWORD" and "HOST:PORT/NAME". What is behind a '?' is
/// for other clients, and may be a password, too: it is in none of them.
struct SplitCheck {
    std::string_view scheme;    ///< empty: of no database, and all is in `rest`
    std::string_view user;      ///< data() == nullptr: there is none before an '@'
    std::string_view password;  ///< data() == nullptr: there is no ':' before an '@'
    std::string_view rest;
};
SplitCheck split_check(std::string_view text);

/// User or password into `out`: percent-decoded (RFC 3986, section 2.1), and what `${NAME}` stands
/// for as it is. Without an environment nothing is a variable. False: `bad` says why not.
bool decode_credential(std::string_view text, char* const* environment, Writer& out, BadInput& bad);

/// Whether it can be read where it stands: not what is in a variable.
bool is_written_out(std::string_view password);

/// Takes out of a complaint what may be a part of a password.
void hide_secrets(BadInput& bad);

}  // namespace usher
