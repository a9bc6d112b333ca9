// SPDX-License-Identifier: MIT
// --own: gives a tree to a user, whatever others do in it meanwhile.
#pragma once

#include "change_user.hpp"
#include "run_settings.hpp"

namespace usher::cmd {

struct Owned {
    ChangeFailure failure{};
    int signal = 0;  ///< what ended it
    std::uint64_t given = 0;
    std::uint64_t mounts = 0;  ///< what is left alone as it is another file system's
    std::uint64_t links = 0;   ///< or may be a file from outside
};

/// Gives `path`, and all that is below it, to the account's user and group, unless the user owns
/// `path` already. It changes last: a walk that was broken off is done again.
///
/// Each entry is opened as a place, without following a link, looked at, and given away by that
/// descriptor: no name is looked up twice, so nobody can put another file in its place. It stays on
/// one file system. A file with several names is left alone unless the kernel has kept others from
/// making links to what is not theirs (fs.protected_hardlinks): one of the names may be anywhere.
/// The kernel takes set-uid bits and capabilities off what it gives away. A stop signal ends it.
///
/// `where` gets the place in the tree that it has come to.
[[gnu::cold, gnu::noinline]] Owned own_tree(std::string_view path, const Account& account,
                                            const RunSettings& settings, Writer& where);

}  // namespace usher::cmd
