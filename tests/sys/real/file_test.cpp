// SPDX-License-Identifier: MIT
// What statx tells of a real file.
#include "file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace usher {
namespace {

class StatxTest : public testing::Test {
  protected:
    StatxTest() { close(mkstemp(path)); }
    ~StatxTest() override { unlink(path); }

    // The modification time that is told for one of `seconds` after 1970.
    Time modified(std::int64_t seconds) {
        const timespec times[2] = {{seconds, 0}, {seconds, 5}};
        EXPECT_EQ(utimensat(AT_FDCWD, path, times, 0), 0);
        const auto facts = sys::statx(path);
        EXPECT_TRUE(facts);
        return facts.value.modified;
    }

    char path[32] = "/tmp/usher-statx-XXXXXX";
};

TEST_F(StatxTest, tells_when_a_file_was_modified) {
    EXPECT_EQ(modified(1'700'000'000), 1'700'000'000 * second + 5);
    EXPECT_EQ(modified(-1000), -1000 * second + 5);
}

TEST_F(StatxTest, a_time_beyond_what_nanoseconds_can_tell_is_the_end_of_time) {
    constexpr std::int64_t year = 366 * 86400;
    const Time far = modified(430 * year);  // 2400: ext4 ends in 2446
    struct stat facts {};
    ASSERT_EQ(stat(path, &facts), 0);
    if (facts.st_mtim.tv_sec < 400 * year) GTEST_SKIP() << "no such time on this file system";
    EXPECT_GT(far, 290 * year * second);
}

TEST_F(StatxTest, tells_the_size) {
    ASSERT_EQ(truncate(path, 4711), 0);
    EXPECT_EQ(sys::statx(path).value.size, 4711U);
    EXPECT_EQ(sys::statx("/no/such").error.number, ENOENT);
}

}  // namespace
}  // namespace usher
