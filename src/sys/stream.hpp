// SPDX-License-Identifier: MIT
// The bytes of a connection, plain or through TLS. One of two files is its body: plain_stream.cpp,
// or in usher-tls tls_stream.cpp, the only one that knows the library.
#pragma once

#include "bad_input.hpp"
#include "probe_settings.hpp"
#include "result.hpp"

namespace usher::sys {

/// Reads the certificates and the key that TLS connections of this process are made with, in place
/// of what was read before, while none is being made. False: `bad` says which file is not right, or
/// that there is no memory; what was read before stays.
bool prepare_tls(const TlsSettings& settings, BadInput& bad);
/// Gives back all the memory that it took. No connection is left then.
void release_tls();

/// What is spoken through TLS: the name of ALPN (RFC 7301).
enum class Protocol : unsigned char { any, http1, http2 };

/// Who has to be at the other end.
struct TlsPeer {
    std::string_view name;  ///< for SNI, and in the certificate; an address is not for SNI
    Protocol protocol = Protocol::any;
    bool verify = false;  ///< by the authorities that prepare_tls read
};

class Stream {
  public:
    enum class Progress : unsigned char { done, more, failed };

    Stream() = default;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() { close(); }

    /// Takes over a connected, non-blocking socket.
    void open(int fd) { fd_ = fd; }
    [[nodiscard]] int fd() const { return fd_; }  ///< -1: it is closed
    /// Through TLS it says so first (close_notify), where that can be said at once.
    void close();

    /// The handshake, to be gone on with whenever events() are there. It computes for some
    /// milliseconds, and reads only so much that whoever calls it can keep a deadline.
    Progress secure(const TlsPeer& peer);
    [[nodiscard]] Literal version() const;  ///< "TLSv1.3"

    /// EAGAIN: once more when events() are there. 0 of read: the peer closed. EPROTO: TLS failed,
    /// and add_failure says how.
    Result<std::size_t> read(std::span<char> room);
    Result<std::size_t> write(std::string_view text);
    /// What to poll for, for who wants to read (poll_in) or to write (poll_out).
    [[nodiscard]] short events(short wanted) const;
    /// Whether read() has something though poll may say nothing.
    [[nodiscard]] bool has_pending() const;
    /// False: it was no failure of TLS.
    bool add_failure(Writer& detail) const;

  private:
    struct Tls;
    int fd_ = -1;
    Tls* tls_ = nullptr;
};

}  // namespace usher::sys
