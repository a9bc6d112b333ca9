// SPDX-License-Identifier: MIT
#include "notify.hpp"

#include <errno.h>

#include "check.hpp"
#include "file.hpp"
#include "socket.hpp"

namespace usher::sys {

Result<Done> notify(std::string_view path, std::string_view text) {
    const bool is_path = begins_with(path, "/") || begins_with(path, "@");
    if (!is_path || path.size() > longest_unix_path) return Error{.number = EINVAL};
    const auto fd = unix_datagram_socket();
    if (!fd) return fd.error;
    auto sent = connect(fd.value, unix_address(path));
    if (sent) {
        const auto written = send_nonblocking(fd.value, text);
        if (!written) sent = written.error;
    }
    close(fd.value);
    return sent;
}

}  // namespace usher::sys
