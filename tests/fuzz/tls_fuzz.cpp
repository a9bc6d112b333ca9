// SPDX-License-Identifier: MIT
// What a server may say to a TLS stream. The input: a byte of options, then the server's bytes,
// which come in pieces. Random numbers, clocks and the authority are always the same, so a
// conversation that was recorded once (the seeds) is understood again, to its end.
#include <errno.h>

#include <cstdlib>
#include <cstring>

#include "file.hpp"
#include "kernel.hpp"
#include "memory.hpp"
#include "proc.hpp"
#include "socket.hpp"
#include "stream.hpp"
#include "words.hpp"

using namespace usher;

namespace {

// Of the seeds' servers: P-256, valid from 2026 to 2126.
constexpr std::string_view authority =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBmzCCAUGgAwIBAgIUBAPLghTGb9yaE0uOwG/1+bQ1qD0wCgYIKoZIzj0EAwIw\n"
    "FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEzMDE0MTQ1MVoYDzIxMjYxMTA2\n"
    "MTQxNDUxWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n"
    "PQMBBwNCAARsacZC4s5sGwudx1ahlRRlyiDkivmCS/CnnQVUjTB73MLYrzkIvNI2\n"
    "GegxVvVS7xmgIzx59ZlTJ+uCAtV8IymZo28wbTAdBgNVHQ4EFgQU/hDtVC9BmECW\n"
    "DRVuvJHYieZbEa0wHwYDVR0jBBgwFoAU/hDtVC9BmECWDRVuvJHYieZbEa0wDwYD\n"
    "VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI\n"
    "zj0EAwIDSAAwRQIge8FnOv+VPD8GKaY7TRcaoyUiXl2XnM46VavwwPfS0T0CIQC+\n"
    "5nAvyx3gwlvlD+1Ca8IAffcbObA/AaZCyzVns4ARog==\n"
    "-----END CERTIFICATE-----\n";

struct Server {
    std::string_view rest;
    std::size_t piece = 1;
    bool is_pausing = false;
    std::uint32_t random = 0;
};
Server server;

}  // namespace

namespace usher::sys {

Result<std::size_t> recv(int /*fd*/, std::span<char> room) {
    server.is_pausing = !server.is_pausing;
    if (server.rest.empty() || server.is_pausing) return Error{.number = EAGAIN};
    const std::size_t count = std::min({server.rest.size(), room.size(), server.piece});
    std::memcpy(room.data(), server.rest.data(), count);
    server.rest.remove_prefix(count);
    return count;
}

Result<std::size_t> send_nonblocking(int /*fd*/, std::string_view text) { return text.size(); }
void close(int /*fd*/) {}

Result<std::size_t> read_file(const char* path, std::span<char> room) {
    if (std::string_view(path) != "/ca" || room.size() < authority.size()) {
        return Error{.number = ENOENT};
    }
    std::memcpy(room.data(), authority.data(), authority.size());
    return authority.size();
}

Result<std::span<char>> allocate_pages(std::size_t size) {
    return std::span(static_cast<char*>(std::calloc(1, size)), size);
}
void free_pages(std::span<char> pages) { std::free(pages.data()); }
void release_stack() {}

Result<Done> getrandom(std::span<unsigned char> room) {
    for (unsigned char& byte : room) {
        server.random = server.random * 1664525 + 1013904223;
        byte = static_cast<unsigned char>(server.random >> 24);
    }
    return Done{};
}

Time monotonic_clock() { return second; }
Time wall_clock() { return 1'800'000'000 * second; }  // in January 2027

}  // namespace usher::sys

// The library's memory is the sanitizer's, which sees what goes beyond it; tls_stream.cpp has its
// own under other names here.
extern "C" {
void* usher_tls_calloc(std::size_t count, std::size_t size) { return std::calloc(count, size); }
void usher_tls_free(void* memory) { std::free(memory); }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const bool verify = (data[0] & 1) != 0;
    server = {.rest = {reinterpret_cast<const char*>(data) + 1, size - 1},
              .piece = std::size_t{1} << (data[0] >> 4)};
    TlsSettings settings;
    if (verify) settings.ca_cert = "/ca";
    BadInput bad;
    require(sys::prepare_tls(settings, bad));
    {
        sys::Stream stream;
        stream.open(0);
        const sys::TlsPeer peer{.name = (data[0] & 2) != 0 ? "127.0.0.1" : "localhost",
                                .protocol = static_cast<sys::Protocol>((data[0] >> 2) % 3),
                                .verify = verify};
        auto progress = sys::Stream::Progress::more;
        while (progress == sys::Stream::Progress::more &&
               !(server.rest.empty() && server.is_pausing)) {
            progress = stream.secure(peer);
            require(stream.events(sys::poll_in) != 0);
        }
        Result<std::size_t> got = std::size_t{0};
        if (progress == sys::Stream::Progress::done) {
            require(!stream.version().empty());
            require(static_cast<bool>(stream.write("GET / HTTP/1.1\r\n\r\n")));
            char room[4096];
            do {
                got = stream.read(room);
                require(!got || got.value <= sizeof room);
            } while ((got && got.value > 0) ||
                     (!got && got.error.number == EAGAIN && !server.rest.empty()));
        }
        char room[200];
        Writer detail(room);
        if (progress == sys::Stream::Progress::failed || (!got && got.error.number == EPROTO)) {
            require(stream.add_failure(detail) && detail.size() > 0);
        }
    }
    sys::release_tls();
    return 0;
}
