// SPDX-License-Identifier: MIT
#include "edit_distance.hpp"

#include <gtest/gtest.h>

namespace usher {
namespace {

struct DistanceCase {
    const char* a;
    const char* b;
    int distance;
};

class EditDistance : public testing::TestWithParam<DistanceCase> {};

TEST_P(EditDistance, counts_insertions_deletions_changes_and_swaps_both_ways) {
    const auto& [a, b, distance] = GetParam();
    EXPECT_EQ(edit_distance(a, b), distance);
    EXPECT_EQ(edit_distance(b, a), distance);
}

INSTANTIATE_TEST_SUITE_P(
    parse, EditDistance,
    testing::Values(DistanceCase{"", "", 0}, DistanceCase{"", "abc", 3},
                    DistanceCase{"grace", "grace", 0}, DistanceCase{"grace", "grce", 1},
                    DistanceCase{"grace", "graace", 1}, DistanceCase{"grace", "grade", 1},
                    DistanceCase{"grace", "garce", 1}, DistanceCase{"grace", "grcae", 1},
                    DistanceCase{"linger", "lniegr", 2}, DistanceCase{"kitten", "sitting", 3},
                    DistanceCase{"ab", "ba", 1}, DistanceCase{"abcd", "dcba", 3},
                    DistanceCase{"ca", "abc", 3}, DistanceCase{"stop-signal", "stop-sginal", 1},
                    DistanceCase{"12345678901234567890123XXX", "12345678901234567890123", 0},
                    DistanceCase{"X2345678901234567890123", "Y2345678901234567890123ZZZ", 1}));

}  // namespace
}  // namespace usher
