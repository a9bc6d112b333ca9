// SPDX-License-Identifier: MIT
#include "http.hpp"

#include <algorithm>

#include "number.hpp"

namespace usher {
namespace {

// RFC 9110 5.6.2.
bool is_token(std::string_view text) {
    const auto may_be_in_token = [](char c) {
        return is_printable(c) && !has(" \"(),/:;<=>?@[\\]{}", c);
    };
    return !text.empty() && std::ranges::all_of(text, may_be_in_token);
}

// The words of interest in headers, each between line ends; position 0 stands for no match.
constexpr char words_of_interest[] = "\ncontent-length\ntransfer-encoding\nchunked\n";
constexpr std::uint8_t length_word = 1, length_end = 15, coding_word = 16, coding_end = 33,
                       chunked_word = 34, chunked_end = 41;
constexpr std::uint64_t longest_body = std::uint64_t{1} << 62;
static_assert(words_of_interest[length_end] == '\n' && words_of_interest[coding_end] == '\n' &&
              words_of_interest[chunked_end] == '\n');

std::string_view name_of(std::string_view line) { return slice(line, 0, find(line, ':')); }

bool overridden(const HttpRequest& request, std::string_view name) {
    return std::ranges::any_of(request.headers, [name](std::string_view line) {
        return equal_ignoring_case(name_of(line), name);
    });
}

}  // namespace

bool is_http_method(std::string_view text) { return is_token(text); }

bool is_http_target(std::string_view text) {
    return text.starts_with('/') && !has(text, ' ') && std::ranges::all_of(text, is_printable);
}

bool is_http_header(std::string_view line) {
    const std::size_t colon = find(line, ':');
    if (colon == line.size() || !is_token(slice(line, 0, colon))) return false;
    return std::ranges::all_of(slice(line, colon),
                               [](char c) { return c == '\t' || !is_control(c); });
}

std::optional<std::size_t> build_http_request(const HttpRequest& request, std::span<char> out) {
    const bool valid = is_http_method(request.method) && is_http_target(request.target) &&
                       !has_control(request.host) && !has_control(request.agent) &&
                       std::ranges::all_of(request.headers, is_http_header);
    if (!valid) return std::nullopt;
    Writer to(out);
    to.add_raw(request.method).add(' ').add_raw(request.target).add(" HTTP/1.1\r\n");
    const auto add_default = [&](std::string_view name, std::string_view value) {
        if (overridden(request, name)) return;
        to.add_raw(name).add(": ").add_raw(value).add("\r\n");
    };
    add_default("Host", request.host);
    add_default("User-Agent", request.agent);
    add_default("Accept", "*/*");
    add_default("Connection", "close");
    // RFC 9110 8.6: a POST, PUT or PATCH without content says so; some servers answer 411 else.
    if (request.method[0] == 'P') add_default("Content-Length", "0");
    for (const std::string_view line : request.headers) to.add_raw(line).add("\r\n");
    to.add("\r\n");
    if (!to.fits()) return std::nullopt;
    return to.size();
}

// The first verdict counts.
void HttpReply::conclude(Verdict verdict, Reason reason) {
    if (verdict_ != Verdict::more) return;
    verdict_ = verdict;
    reason_ = reason;
}

// Of what is no HTTP the end cannot be known.
void HttpReply::fail(Reason reason) {
    conclude(Verdict::bad, reason);
    at_end_ = true;
}

// All of the body has come. Whether the reply, too, is at its end is another matter (trailers).
void HttpReply::judge_body() {
    body_.finish();
    conclude(body_.verdict(), body_.reason());
}

void HttpReply::end_body() {
    judge_body();
    at_end_ = true;
}

Verdict HttpReply::feed(std::span<const char> input) {
    for (std::size_t i = 0; i < input.size() && !at_end_; ++i) {
        any_ = true;
        i += skip(input.size() - i - 1);
        step(input[i]);
    }
    return verdict_;
}

// After the verdict nobody looks at the body. The last byte of a piece of it remains for step(),
// which knows what comes then. Returns how many bytes of `available` were passed over.
std::size_t HttpReply::skip(std::size_t available) {
    if (verdict_ == Verdict::more) return 0;
    if (state_ == State::body_until_close) return available;
    if (state_ != State::body_counted && state_ != State::chunk_data) return 0;
    const std::uint64_t skipped = std::min<std::uint64_t>(left_ - 1, available);
    left_ -= skipped;
    return static_cast<std::size_t>(skipped);
}

Verdict HttpReply::finish() {
    if (state_ == State::body_until_close)
        end_body();
    else
        fail(any_ ? Reason::truncated : Reason::closed);
    return verdict_;
}

void HttpReply::step(char c) {
    switch (state_) {
        case State::status_line:
        case State::line_start:
        case State::name:
        case State::value: header_step(c); break;
        case State::body_counted:
            body_byte(c);
            if (--left_ == 0) end_body();
            break;
        case State::body_until_close: body_byte(c); break;
        case State::chunk_size:
        case State::chunk_extension: chunk_line_byte(c); break;
        case State::chunk_data:
            body_byte(c);
            if (--left_ == 0) state_ = State::chunk_end;
            break;
        case State::chunk_end:
            if (c != '\n' && (c != '\r' || after_cr_)) return fail(Reason::malformed);
            after_cr_ = c == '\r';
            column_ = 0;
            if (c == '\n') state_ = State::chunk_size;
            break;
        case State::trailers:  // lines up to an empty one
            if (c == '\n' && column_ == 0) end_body();
            if (c != '\r') column_ = c == '\n' ? 0 : 1;
            break;
    }
}

// Line ends are CR LF or a bare LF (RFC 9112 2.2); a CR elsewhere and other controls are refused.
void HttpReply::header_step(char c) {
    if (++header_bytes_ > header_limit) return fail(Reason::headers_too_large);
    const bool started = state_ != State::status_line || column_ >= 8;
    if (started) {
        if (after_cr_ && c != '\n') return fail(Reason::malformed);
        after_cr_ = c == '\r';
        if (after_cr_) return;
        if (c != '\n' && c != '\t' && is_control(c)) return fail(Reason::malformed);
    }
    switch (state_) {
        case State::line_start: return line_start_byte(c);
        case State::name: return name_byte(c);
        case State::value: return value_byte(c);
        default: return status_line_byte(c);
    }
}

// status-line = HTTP-version SP 3DIGIT SP [reason] (RFC 9112 4); the second SP is missing in the
// wild.
void HttpReply::status_line_byte(char c) {
    constexpr std::string_view start = "HTTP/1.";
    constexpr unsigned minor_at = 7, code_at = 9, after_code = 12;
    if (foreign_ || (column_ == 0 && c != 'H')) return foreign_byte(c);
    if (column_ < minor_at) {
        if (c != start[column_])
            return fail(column_ < start.size() - 2 ? Reason::not_http : Reason::bad_version);
    } else if (column_ < code_at) {
        if (column_ == minor_at ? (c != '0' && c != '1') : c != ' ')
            return fail(Reason::bad_version);
    } else if (column_ < after_code) {
        if (!is_digit(c) || (column_ == code_at && (c == '0' || c > '5')))
            return fail(Reason::bad_status);
        code_ = static_cast<std::uint16_t>(code_ * 10 + (c - '0'));
    } else if (c == '\n') {
        return status_line_end();
    } else if (column_ == after_code && c != ' ') {
        return fail(Reason::bad_status);
    }
    if (column_ <= after_code) ++column_;
}

// A first byte that cannot begin HTTP/1 tells what the peer speaks, sometimes with the few bytes
// after it.
void HttpReply::foreign_byte(char c) {
    constexpr char tls_alert = 0x15,
                   tls_handshake = 0x16;  // RFC 8446 5.1; the version's first byte, 3, follows
    if (column_ == 0) {
        first_ = c;
        foreign_ = true;
        if (c == '<') return fail(Reason::http09);
        // 0 begins the length of an HTTP/2 SETTINGS frame, type 4 (RFC 9113 4.1).
        if (c != 0 && c != tls_alert && c != tls_handshake) return fail(Reason::not_http);
    } else if (first_ != 0) {
        return fail(c == 3 ? Reason::tls : Reason::not_http);
    } else if (column_ == 3) {
        return fail(c == 4 ? Reason::http2 : Reason::not_http);
    }
    ++column_;
}

void HttpReply::status_line_end() {
    state_ = State::line_start;
    field_ = Field::other;
    // 101 is no interim reply: what follows it is not HTTP (RFC 9110 15.2.2).
    if (code_ < 200 && code_ != 101) {
        if (++interim_ > interim_limit) fail(Reason::too_many_interim);
        return;
    }
    status_ = code_;
    if (body_.verdict() == Verdict::done) conclude(Verdict::done, Reason::none);
}

void HttpReply::line_start_byte(char c) {
    if (c == ' ' || c == '\t') {  // obs-fold: the value goes on (RFC 9112 5.2)
        gap_ = word_;
        state_ = State::value;
        return;
    }
    field_end();
    if (at_end_) return;
    if (c == '\n') return headers_end();
    cursor_ = to_lower(c) == 'c' ? length_word : coding_word;
    state_ = State::name;
    name_byte(c);
}

void HttpReply::match(char c) {
    cursor_ = cursor_ != 0 && words_of_interest[cursor_] == to_lower(c)
                  ? static_cast<std::uint8_t>(cursor_ + 1)
                  : 0;
}

void HttpReply::name_byte(char c) {
    if (c == '\n') {  // no colon: not a field; ignored, as most clients do
        state_ = State::line_start;
    } else if (c == ':') {
        if (cursor_ == length_end) field_ = Field::content_length;
        if (cursor_ == coding_end) field_ = Field::transfer_encoding;
        state_ = State::value;
        begin_value();
    } else {
        match(c);
    }
}

void HttpReply::begin_value() {
    cursor_ = chunked_word;
    number_ = 0;
    word_ = gap_ = bad_number_ = false;
}

void HttpReply::value_byte(char c) {
    if (c == '\n') {
        state_ = State::line_start;
    } else if (c == ' ' || c == '\t') {
        gap_ = word_;
    } else if (c == ',' && field_ == Field::transfer_encoding) {
        begin_value();  // only the last coding matters (RFC 9112 6.1)
    } else {
        word_ = true;
        if (gap_) cursor_ = 0;
        match(c);
        if (gap_ || !append_digit(number_, c, longest_body)) bad_number_ = true;
    }
}

void HttpReply::field_end() {
    if (field_ == Field::transfer_encoding) {
        has_coding_ = true;
        chunked_ = cursor_ == chunked_end;
    } else if (field_ == Field::content_length) {
        // Two different lengths are an attack or a bug (RFC 9112 6.3).
        if (!word_ || bad_number_ || (has_length_ && number_ != left_))
            return fail(Reason::malformed);
        has_length_ = true;
        left_ = number_;
    }
    field_ = Field::other;
}

// Which framing the body has: RFC 9112 6.3.
void HttpReply::headers_end() {
    if (status_ == 0) {
        state_ = State::status_line;
        column_ = code_ = 0;
        has_length_ = has_coding_ = false;
        return;
    }
    const bool no_body = head_ || status_ < 200 || status_ == 204 || status_ == 304;
    column_ = 0;
    if (no_body || (!has_coding_ && has_length_ && left_ == 0)) {
        end_body();
    } else if (has_coding_) {
        state_ = chunked_ ? State::chunk_size : State::body_until_close;
        left_ = 0;
    } else {
        state_ = has_length_ ? State::body_counted : State::body_until_close;
    }
}

void HttpReply::body_byte(char c) {
    body_.feed(c);
    if (body_.verdict() != Verdict::more) conclude(body_.verdict(), body_.reason());
}

// chunk-size [chunk-ext] CRLF (RFC 9112 7.1). The last chunk ends the search; behind it the
// trailers, which mean nothing here, end the reply.
void HttpReply::chunk_line_byte(char c) {
    if (++column_ > chunk_line_limit || (after_cr_ && c != '\n')) return fail(Reason::malformed);
    after_cr_ = c == '\r';
    const int digit = hex_value(c);
    if (column_ == 1 && digit < 0) return fail(Reason::malformed);
    if (c == '\n') {
        state_ = left_ == 0 ? State::trailers : State::chunk_data;
        column_ = 0;
        if (left_ == 0) judge_body();
    } else if (after_cr_ || state_ == State::chunk_extension) {
    } else if (digit >= 0 && left_ >> 40 == 0) {
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
    } else if (c == ';' || c == ' ' || c == '\t') {
        state_ = State::chunk_extension;
    } else {
        fail(Reason::malformed);
    }
}

}  // namespace usher
