// SPDX-License-Identifier: MIT
// The one file that knows Mbed TLS (3.6; cmake/mbedtls_config.h says what is in it).
#include <errno.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/ssl.h>
#include <psa/crypto.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "error_text.hpp"
#include "file.hpp"
#include "ip_address.hpp"
#include "memory.hpp"
#include "proc.hpp"
#include "socket.hpp"
#include "stream.hpp"

namespace usher::sys {

namespace {

constexpr std::size_t memory_limit = 8U << 20;
constexpr std::size_t pem_limit = 1U << 20;

// The library's memory: pages of our own, so that all of it can be given back at once, by a process
// that goes on for months too. What the library frees is used again for the same kind of size.
class Memory {
  public:
    bool reserve() {
        if (!pages_.empty()) return true;
        const auto pages = allocate_pages(memory_limit);
        if (pages) pages_ = pages.value;
        return static_cast<bool>(pages);
    }
    void release() {
        if (!pages_.empty()) free_pages(pages_);
        *this = Memory();
    }
    // Zeroed. Null: there is no room left.
    void* take(std::size_t size) {
        const std::size_t kind = kind_of(size);
        if (kind >= free_.size()) return nullptr;
        if (Piece* const piece = free_[kind]; piece != nullptr) {
            free_[kind] = piece->next;
            return memset(piece, 0, size);
        }
        const std::size_t length = sizeof(Head) + size_of(kind);
        if (length > pages_.size() - used_) return nullptr;
        Head* const head = new (pages_.data() + used_) Head{.kind = kind};
        used_ += length;
        return head + 1;
    }
    void put_back(void* memory) {
        const std::size_t kind = (static_cast<Head*>(memory) - 1)->kind;
        auto* const piece = new (memory) Piece;
        piece->next = free_[kind];
        free_[kind] = piece;
    }

  private:
    struct alignas(16) Head {
        std::size_t kind;
    };
    struct Piece {
        Piece* next;
    };
    // Four kinds of size between two powers of two: 16, 20, 24, 28, 32, 40, 48 ... times four.
    static std::size_t size_of(std::size_t kind) { return ((4 + kind % 4) << kind / 4) * 16; }
    static std::size_t kind_of(std::size_t size) {
        std::size_t kind = 0;
        while (size_of(kind) < size && kind < kinds) ++kind;
        return kind;
    }

    static constexpr std::size_t kinds = 60;
    std::span<char> pages_;
    std::size_t used_ = 0;
    std::array<Piece*, kinds> free_{};
};

[[gnu::section(".bss.cold")]] constinit Memory memory;

// What the files hold that were given. Zeroed, it is empty.
struct Identity {
    mbedtls_x509_crt authorities;
    mbedtls_x509_crt certificate;
    mbedtls_pk_context key;
};
[[gnu::section(".bss.cold")]] constinit Identity identity{};

void forget(Identity& old) {
    mbedtls_x509_crt_free(&old.authorities);
    mbedtls_x509_crt_free(&old.certificate);
    mbedtls_pk_free(&old.key);
}

int random_bytes(void* /*unused*/, unsigned char* out, std::size_t length) {
    return getrandom({out, length}) ? 0 : PSA_ERROR_INSUFFICIENT_ENTROPY;
}

// Parses what the file of that path holds; `parse` returns 0 when it is right.
template <typename Parse>
bool read_pem(std::string_view path, Literal wanted, BadInput& bad, Parse parse) {
    char name[path_max];
    Writer line(name);
    line.add_raw(path).add('\0');
    if (!line.fits()) return refuse(bad, "cannot be read:", path, wanted);
    const auto pages = allocate_pages(pem_limit);
    if (!pages) return refuse(bad, "cannot be read:", path, wanted);
    const auto length = read_file(name, pages.value.first(pem_limit - 1));
    bool is_right = false;
    if (length && length.value == pem_limit - 1) {
        (void)refuse(bad, "too large:", path, wanted);
    } else if (length) {
        // With the NUL behind it.
        is_right = parse(reinterpret_cast<const unsigned char*>(pages.value.data()),
                         length.value + 1) == 0;
        if (!is_right) (void)refuse(bad, "nothing of use in", path, wanted);
    } else {
        const bool is_there = length.error.number != ENOENT;
        (void)refuse(bad, is_there ? Literal("cannot be read:") : Literal("no such file:"), path,
                     wanted);
    }
    mbedtls_platform_zeroize(pages.value.data(), length.value);
    free_pages(pages.value);
    return is_right;
}

bool read_authorities(mbedtls_x509_crt& list, std::string_view path, BadInput& bad) {
    bad.where = "--tls-ca-cert";
    return read_pem(path, "certificates in PEM", bad, [&](const auto* text, std::size_t size) {
        // Of a bundle some may be of a kind that is not known here.
        const int failed = mbedtls_x509_crt_parse(&list, text, size);
        return list.version == 0 ? failed : 0;
    });
}

bool read_certificate(mbedtls_x509_crt& chain, std::string_view path, BadInput& bad) {
    bad.where = "--tls-client-cert";
    return read_pem(path, "a certificate in PEM, RSA or ECDSA", bad,
                    [&](const auto* text, std::size_t size) {
                        return mbedtls_x509_crt_parse(&chain, text, size);
                    });
}

bool read_key(Identity& read, std::string_view path, BadInput& bad) {
    bad.where = "--tls-client-key";
    const auto parse = [&](const auto* text, std::size_t size) {
        return mbedtls_pk_parse_key(&read.key, text, size, nullptr, 0, random_bytes, nullptr);
    };
    if (!read_pem(path, "a private key in PEM, without a passphrase", bad, parse)) return false;
    return mbedtls_pk_check_pair(&read.certificate.pk, &read.key, random_bytes, nullptr) == 0 ||
           refuse(bad, "is not the key of the certificate:", path, "the two that belong together");
}

bool read_identity(Identity& read, const TlsSettings& settings, BadInput& bad) {
    if (!settings.ca_cert.empty() && !read_authorities(read.authorities, settings.ca_cert, bad)) {
        return false;
    }
    return settings.client_cert.empty() ||
           (read_certificate(read.certificate, settings.client_cert, bad) &&
            read_key(read, settings.client_key, bad));
}

// A name in the certificate that is the address `name`; the library looks for names of hosts only.
bool names_address(const mbedtls_x509_crt& certificate, const IpAddress& address) {
    constexpr int ip_address = MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_X509_SAN_IP_ADDRESS;
    const std::size_t size = address.v6 ? 16 : 4;
    for (const mbedtls_x509_sequence* at = &certificate.subject_alt_names; at != nullptr;
         at = at->next) {
        if (at->buf.tag == ip_address && at->buf.len == size &&
            memcmp(at->buf.p, address.bytes.data(), size) == 0) {
            return true;
        }
    }
    return false;
}

int verify_address(void* address, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags) {
    if (depth == 0 && !names_address(*certificate, *static_cast<const IpAddress*>(address))) {
        *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    }
    return 0;
}

struct Reason {
    int code;
    char text[40];
};

constexpr Reason failures[] = {
    {MBEDTLS_ERR_SSL_CONN_EOF, "closed during the handshake"},
    {MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION, "neither TLS 1.2 nor TLS 1.3"},
    {MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE, "no cipher suite or curve in common"},
    {MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL, "the server lacks this protocol (ALPN)"},
    {MBEDTLS_ERR_SSL_INVALID_RECORD, "malformed record"},
    {MBEDTLS_ERR_SSL_INVALID_MAC, "record that was tampered with"},
    {MBEDTLS_ERR_SSL_DECODE_ERROR, "malformed message"},
    {MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER, "message against the protocol"},
    {MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, "message that does not belong here"},
    {MBEDTLS_ERR_SSL_UNSUPPORTED_EXTENSION, "extension that nobody asked for"},
    {MBEDTLS_ERR_SSL_BAD_CERTIFICATE, "certificate of an unknown kind"},
    {MBEDTLS_ERR_SSL_BAD_INPUT_DATA, "message that is too long"},
    {MBEDTLS_ERR_X509_FATAL_ERROR, "chain of certificates that is too long"},
    {MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE, "message of an unknown kind"},
    {MBEDTLS_ERR_SSL_ALLOC_FAILED, "out of memory"},
};

// The part of the library that failed, which is in the code's highest digit.
constexpr Reason parts[] = {
    {2, "certificate of an unknown kind"},
    {3, "certificate of an unknown kind"},
    {4, "signature that is wrong"},
};

constexpr Reason alerts[] = {
    // RFC 8446, section 6.2
    {10, "unexpected message"},
    {20, "bad record MAC"},
    {22, "record overflow"},
    {40, "handshake failure"},
    {42, "bad certificate"},
    {43, "unsupported certificate"},
    {44, "certificate revoked"},
    {45, "certificate expired"},
    {46, "certificate unknown"},
    {47, "illegal parameter"},
    {48, "unknown CA"},
    {49, "access denied"},
    {50, "decode error"},
    {51, "decrypt error"},
    {70, "protocol version"},
    {71, "insufficient security"},
    {80, "internal error"},
    {90, "user canceled"},
    {109, "missing extension"},
    {110, "unsupported extension"},
    {112, "unrecognized name"},
    {116, "certificate required"},
    {120, "no application protocol"},
};

constexpr Reason flaws[] = {
    // of a certificate
    {MBEDTLS_X509_BADCERT_EXPIRED, "it has expired"},
    {MBEDTLS_X509_BADCERT_FUTURE, "it is not valid yet"},
    {MBEDTLS_X509_BADCERT_NOT_TRUSTED, "no authority here has signed it"},
    {MBEDTLS_X509_BADCERT_CN_MISMATCH, "it is for another name"},
    {MBEDTLS_X509_BADCERT_KEY_USAGE, "it is not for servers"},
    {MBEDTLS_X509_BADCERT_EXT_KEY_USAGE, "it is not for servers"},
    {MBEDTLS_X509_BADCERT_BAD_MD, "its signature is too weak"},
    {MBEDTLS_X509_BADCERT_BAD_KEY, "its key is too weak"},
};

Literal text_of(std::span<const Reason> reasons, int code) {
    const auto found = std::ranges::find(reasons, code, &Reason::code);
    return found == reasons.end() ? Literal() : Literal::of_table(found->text);
}

}  // namespace

struct Stream::Tls {
    explicit Tls(int socket) : fd(socket) {
        mbedtls_ssl_init(&ssl);
        mbedtls_ssl_config_init(&config);
    }
    Tls(const Tls&) = delete;
    Tls& operator=(const Tls&) = delete;
    ~Tls() {
        mbedtls_ssl_free(&ssl);
        mbedtls_ssl_config_free(&config);
    }
    bool configure(const TlsPeer& peer);
    int receive(std::span<unsigned char> room);
    int transmit(std::span<const unsigned char> bytes);
    Result<std::size_t> judge(int returned);

    // A flood of records that mean nothing would keep the library reading: after so many reads it
    // is told that there is no more, and the caller looks at its clock.
    static constexpr int most_reads = 64;

    int fd;
    int reads = 0;
    int error = 0;    // errno of the socket
    int failure = 0;  // the library's
    bool is_secure = false;
    bool wants_write = false;
    bool is_foreign = false;  // its first byte was none of TLS
    bool has_heard = false;
    bool has_ended = false;  // the peer closed
    IpAddress address;
    char name[256];
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
};

bool Stream::Tls::configure(const TlsPeer& peer) {
    static constexpr const char* http1[] = {"http/1.1", nullptr};
    static constexpr const char* http2[] = {"h2", nullptr};
    constexpr int verify[] = {MBEDTLS_SSL_VERIFY_NONE, MBEDTLS_SSL_VERIFY_REQUIRED};
    if (mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT) != 0) {
        return false;
    }
    mbedtls_ssl_conf_rng(&config, random_bytes, nullptr);
    mbedtls_ssl_conf_authmode(&config, verify[peer.verify ? 1 : 0]);
    if (peer.verify) mbedtls_ssl_conf_ca_chain(&config, &identity.authorities, nullptr);
    if (identity.certificate.version != 0 &&
        mbedtls_ssl_conf_own_cert(&config, &identity.certificate, &identity.key) != 0) {
        return false;
    }
    if (peer.protocol != Protocol::any &&
        mbedtls_ssl_conf_alpn_protocols(
            &config, const_cast<const char**>(peer.protocol == Protocol::http2 ? http2 : http1)) !=
            0) {
        return false;
    }
    Writer line(name);
    line.add_raw(peer.name).add('\0');
    if (!line.fits()) return false;
    const char* host = name;
    if (const auto literal = parse_ip(peer.name)) {
        // RFC 6066, section 3: an address is no server name.
        address = *literal;
        host = nullptr;
        if (peer.verify) mbedtls_ssl_conf_verify(&config, verify_address, &address);
    }
    if (mbedtls_ssl_setup(&ssl, &config) != 0 || mbedtls_ssl_set_hostname(&ssl, host) != 0)
        return false;
    mbedtls_ssl_set_bio(
        &ssl, this,
        [](void* self, const unsigned char* bytes, std::size_t size) {
            return static_cast<Tls*>(self)->transmit({bytes, size});
        },
        [](void* self, unsigned char* room, std::size_t size) {
            return static_cast<Tls*>(self)->receive({room, size});
        },
        nullptr);
    return true;
}

int Stream::Tls::receive(std::span<unsigned char> room) {
    if (++reads > most_reads) return MBEDTLS_ERR_SSL_WANT_READ;
    const auto got = recv(fd, {reinterpret_cast<char*>(room.data()), room.size()});
    if (!got && (got.error.number == EAGAIN || got.error.number == EINTR))
        return MBEDTLS_ERR_SSL_WANT_READ;
    error = got.error.number;
    if (!got) return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    // RFC 8446, section 5.1: change_cipher_spec, alert, handshake.
    if (!has_heard && got.value > 0) is_foreign = room[0] < 20 || room[0] > 22;
    has_heard = true;
    has_ended = got.value == 0;
    return static_cast<int>(got.value);
}

int Stream::Tls::transmit(std::span<const unsigned char> bytes) {
    const auto sent =
        send_nonblocking(fd, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (!sent && (sent.error.number == EAGAIN || sent.error.number == EINTR))
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    error = sent.error.number;
    return sent ? static_cast<int>(sent.value) : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

// What the library returned, as recv(2) would say it.
Result<std::size_t> Stream::Tls::judge(int returned) {
    reads = 0;
    wants_write = returned == MBEDTLS_ERR_SSL_WANT_WRITE;
    if (returned >= 0) return static_cast<std::size_t>(returned);
    const bool is_again = wants_write || returned == MBEDTLS_ERR_SSL_WANT_READ;
    if (is_again) return Error{.number = EAGAIN};
    // Many a server closes without a close_notify.
    const bool is_over = returned == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY ||
                         (returned == MBEDTLS_ERR_SSL_CONN_EOF && is_secure);
    if (is_over) return std::size_t{0};
    failure = returned;
    return Error{.number = error != 0 ? error : EPROTO};
}

bool prepare_tls(const TlsSettings& settings, BadInput& bad) {
    if (!memory.reserve() || psa_crypto_init() != PSA_SUCCESS) {
        bad.where = "TLS";
        return refuse(bad, "no memory, or no random numbers", {}, {});
    }
    Identity read{};
    const bool is_right = read_identity(read, settings, bad);
    if (is_right) std::swap(read, identity);
    forget(read);
    return is_right;
}

void release_tls() {
    forget(identity);
    mbedtls_psa_crypto_free();
    memory.release();
    release_stack();  // big numbers lie deep in it
}

void Stream::close() {
    if (tls_ != nullptr) {
        if (tls_->is_secure && tls_->failure == 0) (void)mbedtls_ssl_close_notify(&tls_->ssl);
        tls_->~Tls();
        memory.put_back(tls_);
        tls_ = nullptr;
    }
    if (fd_ >= 0) sys::close(fd_);
    fd_ = -1;
}

Stream::Progress Stream::secure(const TlsPeer& peer) {
    if (tls_ == nullptr) {
        void* const room = memory.take(sizeof(Tls));
        if (room == nullptr) return Progress::failed;
        tls_ = new (room) Tls(fd_);
        if (!tls_->configure(peer)) {
            tls_->failure = MBEDTLS_ERR_SSL_ALLOC_FAILED;
            return Progress::failed;
        }
    }
    const auto done = tls_->judge(mbedtls_ssl_handshake(&tls_->ssl));
    tls_->is_secure = static_cast<bool>(done);
    if (done) return Progress::done;
    return done.error.number == EAGAIN ? Progress::more : Progress::failed;
}

Literal Stream::version() const {
    const bool is_newest = mbedtls_ssl_get_version_number(&tls_->ssl) == MBEDTLS_SSL_VERSION_TLS1_3;
    return is_newest ? Literal("TLSv1.3") : Literal("TLSv1.2");
}

Result<std::size_t> Stream::read(std::span<char> room) {
    if (tls_ == nullptr) return recv(fd_, room);
    auto* const bytes = reinterpret_cast<unsigned char*>(room.data());
    const int got = mbedtls_ssl_read(&tls_->ssl, bytes, room.size());
    // Of records without content it says the same as of the end.
    return tls_->judge(got == 0 && !tls_->has_ended ? MBEDTLS_ERR_SSL_WANT_READ : got);
}

Result<std::size_t> Stream::write(std::string_view text) {
    if (tls_ == nullptr) return send_nonblocking(fd_, text);
    const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
    return tls_->judge(mbedtls_ssl_write(&tls_->ssl, bytes, text.size()));
}

short Stream::events(short wanted) const {
    if (tls_ == nullptr) return wanted;
    if (!tls_->is_secure) return tls_->wants_write ? poll_out : poll_in;
    return tls_->wants_write ? poll_out : wanted;
}

bool Stream::has_pending() const {
    return tls_ != nullptr && mbedtls_ssl_check_pending(&tls_->ssl) != 0;
}

bool Stream::add_failure(Writer& detail) const {
    if (tls_ == nullptr) return false;
    // A certificate that is not for servers is only a bad one in the library's words.
    const std::uint32_t flags = mbedtls_ssl_get_verify_result(&tls_->ssl);
    const bool is_flawed = tls_->failure == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED ||
                           (tls_->failure == MBEDTLS_ERR_SSL_BAD_CERTIFICATE && flags != 0 &&
                            flags != ~std::uint32_t{0});
    if (tls_->error != 0) {
        add_error(detail, tls_->error);
    } else if (tls_->is_foreign) {
        detail.add("the peer speaks plaintext, not TLS");
    } else if (tls_->failure == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
        // The library has no call for it.
        const int alert = tls_->ssl.MBEDTLS_PRIVATE(in_msg)[1];
        detail.add("alert ").add(alert).add(' ').add(text_of(alerts, alert));
    } else if (is_flawed) {
        detail.add("the server's certificate");
        bool is_first = true;
        for (const Reason& flaw : flaws) {
            if ((flags & static_cast<std::uint32_t>(flaw.code)) == 0) continue;
            detail.add(is_first ? Literal(": ") : Literal(", ")).add(Literal::of_table(flaw.text));
            is_first = false;
        }
    } else {
        Literal text = text_of(failures, tls_->failure);
        if (text.empty()) text = text_of(parts, -tls_->failure >> 12);
        detail.add(text.empty() ? Literal("error ") : text);
        if (text.empty()) detail.add(tls_->failure);
    }
    return true;
}

}  // namespace usher::sys

// What the library calls.
extern "C" {

int mbedtls_mpi_exp_mod_unsafe(mbedtls_mpi* result, const mbedtls_mpi* base,
                               const mbedtls_mpi* exponent, const mbedtls_mpi* modulus,
                               mbedtls_mpi* kept);

// Of an RSA signature. Both numbers of the key are the peer's choice: with an exponent as long as
// the modulus it would take seconds. OpenSSL and Go refuse such keys, too.
int usher_tls_public_power(mbedtls_mpi* result, const mbedtls_mpi* base,
                           const mbedtls_mpi* exponent, const mbedtls_mpi* modulus,
                           mbedtls_mpi* kept) {
    if (mbedtls_mpi_bitlen(exponent) > 32) return MBEDTLS_ERR_MPI_BAD_INPUT_DATA;
    return mbedtls_mpi_exp_mod_unsafe(result, base, exponent, modulus, kept);
}

// NOLINTNEXTLINE(readability-identifier-naming)
void Hacl_Curve25519_crypto_scalarmult(std::uint8_t* result, std::uint8_t* scalar,
                                       std::uint8_t* point);

// For the public half of the key that each hello offers to TLS 1.3. The library has X25519 twice:
// cmake/mbedtls_config.h makes the quick one that of all secrets, but PSA computes this by the
// other.
int usher_tls_multiply(mbedtls_ecp_group* group, mbedtls_ecp_point* result,
                       const mbedtls_mpi* scalar, const mbedtls_ecp_point* point,
                       mbedtls_f_rng_t* random, void* context) {
    if (group->id != MBEDTLS_ECP_DP_CURVE25519 || point != &group->G) {
        return mbedtls_ecp_mul(group, result, scalar, point, random, context);
    }
    std::array<std::uint8_t, 32> secret;  // RFC 7748, section 5: little-endian
    if (const int error = mbedtls_mpi_write_binary_le(scalar, secret.data(), secret.size())) {
        return error;
    }
    std::array<std::uint8_t, 32> base{9};
    std::array<std::uint8_t, 32> product;
    Hacl_Curve25519_crypto_scalarmult(product.data(), secret.data(), base.data());
    mbedtls_platform_zeroize(secret.data(), secret.size());
    return mbedtls_ecp_point_read_binary(group, result, product.data(), product.size());
}

void* usher_tls_calloc(std::size_t count, std::size_t size) {
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;
    return usher::sys::memory.take(bytes);
}

void usher_tls_free(void* memory) {
    if (memory != nullptr) usher::sys::memory.put_back(memory);
}

// musl's time() writes to a variable that usher has made read-only.
time_t usher_tls_time(time_t* out) {
    const auto now = static_cast<time_t>(usher::sys::wall_clock() / usher::second);
    if (out != nullptr) *out = now;
    return now;
}

mbedtls_ms_time_t mbedtls_ms_time() { return usher::sys::monotonic_clock() / usher::millisecond; }

void mbedtls_platform_zeroize(void* buf, std::size_t len) { explicit_bzero(buf, len); }

psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t* /*context*/,
                                             std::uint8_t* out, std::size_t size,
                                             std::size_t* length) {
    *length = size;
    return usher::sys::getrandom({out, size}) ? PSA_SUCCESS : PSA_ERROR_INSUFFICIENT_ENTROPY;
}

}  // extern "C"
