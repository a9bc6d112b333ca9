// SPDX-License-Identifier: MIT
// What the readers of a database server's replies share: the verdict, what the server said in
// words, and what it is owed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "wire.hpp"

namespace usher {

/// The client's side, but for feed(), which each protocol has of its own. `done` means ready.
class ServerCall {
  public:
    static constexpr std::size_t text_limit = 96;   ///< bytes of message()
    static constexpr unsigned reply_limit = 30000;  ///< bytes that are read at all

    ServerCall(const ServerCall&) = delete;  // text_ and owed_ point into the object
    ServerCall& operator=(const ServerCall&) = delete;

    /// The peer closed. Never leaves the verdict at `more`.
    Verdict finish() {
        fail(count_ == 0 ? Reason::closed : Reason::truncated);
        return verdict_;
    }

    /// What the peer is owed; a farewell, once the verdict fell. The caller says how much of it was
    /// written.
    [[nodiscard]] std::span<const std::uint8_t> to_send() const { return owed_; }
    void sent(std::size_t bytes) { owed_ = owed_.subspan(std::min(bytes, owed_.size())); }

    [[nodiscard]] Verdict verdict() const { return verdict_; }
    [[nodiscard]] Reason reason() const { return reason_; }
    /// What the server said, to be shown beside the verdict; may hold any byte. Empty unless the
    /// server spoke the protocol: a reply cut short may echo a password.
    [[nodiscard]] std::string_view message() const {
        return verdict_ == Verdict::more ? std::string_view() : text_.view();
    }

  protected:
    explicit ServerCall(Reason foreign) : foreign_(foreign) {}
    ~ServerCall() = default;

    /// The length of a request, of which `a` and `b` are parts; nothing if it did not fit or one of
    /// them has a NUL.
    static std::optional<std::size_t> whole(const Writer& to, std::string_view a,
                                            std::string_view b) {
        return to.fits() && !has(a, '\0') && !has(b, '\0') ? std::optional(to.size())
                                                           : std::nullopt;
    }
    /// Gives each byte to `step` that the reader is to look at.
    template <typename Step>
    Verdict read_each(std::span<const std::uint8_t> input, Step step) {
        for (const std::uint8_t byte : input) {
            if (!takes(byte)) break;
            step(byte);
        }
        return verdict_;
    }
    /// Whether the reader is to look at the next byte.
    bool takes(std::uint8_t byte) {
        if (verdict_ != Verdict::more) return false;
        if (count_ < 2) begin_ = static_cast<std::uint16_t>(begin_ << 8 | byte);
        if (++count_ > reply_limit) fail(foreign_);
        return verdict_ == Verdict::more;
    }
    /// For what is not of this protocol. It may be a TLS record, an alert or a handshake and then
    /// the version (RFC 8446, section 5.1): its first byte alone is left to the next call.
    void refuse() {
        constexpr unsigned alert = 0x15, handshake = 0x16, version = 3;
        if (count_ == 1 && (begin_ == alert || begin_ == handshake)) return;
        const bool tls = begin_ == (alert << 8 | version) || begin_ == (handshake << 8 | version);
        fail(tls ? Reason::tls : foreign_);
    }
    void fail(Reason reason) {
        if (verdict_ != Verdict::more) return;
        text_.cut(0);
        conclude(false);
        reason_ = reason;
    }
    /// The server has told whether it is ready.
    void conclude(bool ready) {
        verdict_ = ready ? Verdict::done : Verdict::bad;
        reason_ = ready ? Reason::none : Reason::not_ready;
        owed_ = {};
    }

    std::span<const std::uint8_t> owed_ = {};
    Verdict verdict_ = Verdict::more;

  private:
    Reason reason_ = Reason::none;
    const Reason foreign_;
    std::uint16_t begin_ = 0;  ///< the first two bytes
    std::uint16_t count_ = 0;  ///< bytes taken
    char room_[text_limit];

  protected:
    Writer text_{room_};
};

}  // namespace usher
