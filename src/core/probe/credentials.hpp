// SPDX-License-Identifier: MIT
// USER:PASSWORD@ of a database's check: taken out of the text before anything else is read, so that
// no error and no result can show it.
#pragma once

#include "environment.hpp"

namespace usher {

/// A check in three parts: "redis://", "USER:PASSWORD" and "HOST:PORT".
struct SplitCheck {
    std::string_view scheme;       ///< empty: of no database
    std::string_view credentials;  ///< data() == nullptr: there are none
    std::string_view rest;
};
SplitCheck split_check(std::string_view text);

/// One part of the credentials into `out`: percent-decoded (RFC 3986, section 2.1), and what
/// `${NAME}` stands for as it is. Without an environment nothing is a variable. False: `bad` says
/// why not.
bool decode_credential(std::string_view text, char* const* environment, Writer& out, BadInput& bad);

}  // namespace usher
