// SPDX-License-Identifier: MIT
#include "error_text.hpp"

#include <errno.h>

#include "packed_text.hpp"

namespace usher::sys {

namespace {

constexpr unsigned char numbers[] = {
    EPERM,      ENOENT,     ESRCH,        EIO,           ENXIO,        E2BIG,        ENOEXEC,
    EBADF,      EAGAIN,     ENOMEM,       EACCES,        ENOTDIR,      EISDIR,       EINVAL,
    ENFILE,     EMFILE,     ETXTBSY,      ENOSPC,        EPIPE,        ENAMETOOLONG, ENOSYS,
    ELOOP,      EPROTOTYPE, EAFNOSUPPORT, EADDRNOTAVAIL, ENETDOWN,     ENETUNREACH,  ECONNABORTED,
    ECONNRESET, ENOBUFS,    ETIMEDOUT,    ECONNREFUSED,  EHOSTUNREACH, ELIBBAD};

constexpr const auto& texts = packed_bytes<
    "Operation not permitted\0No such file or directory\0No such process\0Input/output error\0"
    "No such device or address\0Argument list too long\0Exec format error\0Bad file descriptor\0"
    "Resource temporarily unavailable\0Out of memory\0Permission denied\0Not a directory\0"
    "Is a directory\0Invalid argument\0Too many open files in system\0Too many open files\0"
    "Text file busy\0No space left on device\0Broken pipe\0File name too long\0"
    "Function not implemented\0Too many levels of symbolic links\0Wrong socket type\0"
    "Address family not supported\0Address not available\0Network is down\0"
    "Network is unreachable\0Connection aborted\0Connection reset by peer\0No buffer space\0"
    "Connection timed out\0Connection refused\0No route to host\0Corrupted shared library">;

constexpr std::size_t count_texts() {
    std::size_t count = 0;
    for (const char c : texts) count += c == 0 ? 1 : 0;
    return count;
}
static_assert(count_texts() == sizeof numbers);

}  // namespace

void add_error(Line& line, int number) {
    for (std::size_t i = 0; i < sizeof numbers; ++i) {
        if (numbers[i] == number) {
            line.add(nth_text(texts.data(), static_cast<int>(i)));
            return;
        }
    }
    line.add("error ").add(number);
}

}  // namespace usher::sys
