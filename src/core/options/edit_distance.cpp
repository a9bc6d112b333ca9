// SPDX-License-Identifier: MIT
#include "edit_distance.hpp"

#include <algorithm>

#include "text.hpp"

namespace usher {

int edit_distance(std::string_view a, std::string_view b) {
    constexpr std::size_t longest = 23;
    a = slice(a, 0, longest);
    b = slice(b, 0, longest);
    int rows[3][longest + 1] = {};  // the row before the last, the last, the present one
    int* older = rows[0];
    int* last = rows[1];
    int* now = rows[2];
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = static_cast<int>(j);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        now[0] = static_cast<int>(i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const int change = a[i - 1] == b[j - 1] ? 0 : 1;
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                now[j] = std::min(now[j], older[j - 2] + 1);
            }
        }
        int* const free = older;
        older = last;
        last = now;
        now = free;
    }
    return last[b.size()];
}

}  // namespace usher
