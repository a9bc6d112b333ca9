// SPDX-License-Identifier: MIT
#include "release_inherited.hpp"

#include "file.hpp"
#include "proc.hpp"

namespace usher::cmd {

namespace {

constexpr int first_inherited = 3;

struct Sweep {
    int keep;
    int listing;  // the descriptor that reads the directory
};

void close_one(void* context, int fd) {
    const Sweep& sweep = *static_cast<Sweep*>(context);
    if (fd >= first_inherited && fd != sweep.keep && fd != sweep.listing) sys::close(fd);
}

// For kernels before 5.9, and seccomp profiles that know no close_range. Never a loop up to the
// descriptor limit: that can be a thousand million.
void close_listed(int keep) {
    const auto listing = sys::open("/proc/self/fd", sys::OpenMode::directory);
    if (!listing) return;
    Sweep sweep{.keep = keep, .listing = listing.value};
    (void)sys::for_each_number(listing.value, close_one, &sweep);
    sys::close(listing.value);
}

}  // namespace

void release_inherited(int keep) {
    (void)sys::chdir("/");
    const unsigned first = first_inherited;
    bool closed = true;
    if (keep < first_inherited) {
        closed = static_cast<bool>(sys::close_range(first, ~0U));
    } else {
        const auto kept = static_cast<unsigned>(keep);
        if (kept > first) closed = static_cast<bool>(sys::close_range(first, kept - 1));
        closed = static_cast<bool>(sys::close_range(kept + 1, ~0U)) && closed;
    }
    if (!closed) close_listed(keep);
}

}  // namespace usher::cmd
