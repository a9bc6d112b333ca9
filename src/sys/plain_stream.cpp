// SPDX-License-Identifier: MIT
#include "file.hpp"
#include "socket.hpp"
#include "stream.hpp"

namespace usher::sys {

// No check that would use TLS comes this far.
bool prepare_tls(const TlsSettings& /*settings*/, BadInput& /*bad*/) { return false; }
void release_tls() {}

void Stream::close() {
    if (fd_ >= 0) sys::close(fd_);
    fd_ = -1;
}

Stream::Progress Stream::secure(const TlsPeer& /*peer*/) { return Progress::failed; }
Literal Stream::version() const { return {}; }
Result<std::size_t> Stream::read(std::span<char> room) { return recv(fd_, room); }
Result<std::size_t> Stream::write(std::string_view text) { return send_nonblocking(fd_, text); }
short Stream::events(short wanted) const { return wanted; }
bool Stream::has_pending() const { return false; }
bool Stream::add_failure(Writer& /*detail*/) const { return false; }

}  // namespace usher::sys
