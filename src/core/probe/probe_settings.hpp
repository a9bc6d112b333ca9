// SPDX-License-Identifier: MIT
// What `usher probe` and `usher wait` were asked to do.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "check.hpp"
#include "json.hpp"
#include "options.hpp"

namespace usher {

/// The accepted statuses of HTTP, 100 to 599.
class StatusSet {
  public:
    void add(unsigned first, unsigned last) {
        for (unsigned i = first; i <= last; ++i) bits_[i / 64] |= std::uint64_t{1} << i % 64;
    }
    [[nodiscard]] bool has(int status) const {
        return status >= 0 && status < 640 &&
               (bits_[static_cast<unsigned>(status) / 64] >> static_cast<unsigned>(status) % 64 &
                1U) != 0;
    }

  private:
    std::array<std::uint64_t, 10> bits_{};
};

/// `200,204,300-399`; nothing outside 100 to 599, no range that runs backwards.
std::optional<StatusSet> parse_status_list(std::string_view text);

/// How checks that use TLS do it; views of what was given. Empty: not given.
struct TlsSettings {
    std::string_view ca_cert;  ///< a file, as the next two, all PEM
    std::string_view client_cert;
    std::string_view client_key;
    std::string_view server_name;
    bool no_verify = false;
};

/// What the checks of a call can use.
struct CheckNeeds {
    bool http = false;
    bool grpc = false;
    bool tls = false;
    void add(const Check& check) {
        http = http || check.kind == CheckKind::http;
        grpc = grpc || check.kind == CheckKind::grpc;
        tls = tls || check.uses_tls;
    }
};

struct ProbeSettings {
    static constexpr std::size_t most_headers = 8;
    static constexpr std::size_t longest_needle = 256;

    explicit ProbeSettings(Command command);

    Duration timeout;  ///< total; infinite only for `wait`
    Duration interval = 500 * millisecond;
    Duration try_timeout = 10 * second;
    std::string_view status_list = "200-399";
    StatusSet statuses;
    std::string_view method = "GET";
    std::array<std::string_view, most_headers> headers{};
    std::size_t header_count = 0;
    std::string_view host;      ///< empty: the check's own
    std::string_view contains;  ///< empty: not looked for
    std::array<JsonField, JsonMatcher::most_fields> json_fields{};
    std::size_t json_field_count = 0;
    TlsSettings tls;
    bool invert = false;
    bool allow_remote;  ///< always for `wait`
    int verbosity = 0;
    // The last option that was given of those that only some kinds of checks can use; may be empty.
    std::string_view for_http;     ///< --status, --method, --contains, --json-field
    std::string_view for_request;  ///< --header, --host: http and grpc
    std::string_view for_tls;      ///< --tls-...

    [[nodiscard]] std::span<const std::string_view> header_lines() const {
        return std::span(headers).first(header_count);
    }
    [[nodiscard]] std::span<const JsonField> fields() const {
        return std::span(json_fields).first(json_field_count);
    }
};

/// Applies one option of `probe` or `wait`. False: `bad` says what was wrong with the value.
bool apply_probe_option(ProbeSettings& settings, Command command, OptionId id,
                        std::string_view value, BadInput& bad);

/// Empties the list that the option adds to, if it is one.
void forget_list(ProbeSettings& settings, OptionId id);

/// Notes an option as it was written, for options_fit.
void note_option(ProbeSettings& settings, OptionId id, std::string_view spelling);
/// False, and `bad` says which: an option was given that none of the checks can use, or that
/// another one contradicts.
bool options_fit(const ProbeSettings& settings, const CheckNeeds& needs, BadInput& bad);

}  // namespace usher
