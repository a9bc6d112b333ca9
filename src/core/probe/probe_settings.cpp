// SPDX-License-Identifier: MIT
#include "probe_settings.hpp"

#include "http.hpp"
#include "number.hpp"

namespace usher {

namespace {

// `probe` must end, and in no time at all nothing is healthy; `wait` may wait for ever.
bool set_timeout(ProbeSettings& settings, Command command, std::string_view text, BadInput& bad) {
    const bool may_be_infinite = command == Command::wait;
    if (!set_duration(settings.timeout, text, may_be_infinite, bad)) return false;
    if (settings.timeout > 0) return true;
    if (may_be_infinite) settings.timeout = infinite;
    return may_be_infinite || refuse(bad, "not a time to wait", text, "more than 0");
}

// Without any pause a refused connection would be tried as often as the processor can.
bool set_interval(ProbeSettings& settings, std::string_view text, BadInput& bad) {
    if (!set_duration(settings.interval, text, false, bad)) return false;
    if (settings.interval == 0) settings.interval = 10 * millisecond;
    return true;
}

bool set_try_timeout(ProbeSettings& settings, std::string_view text, BadInput& bad) {
    if (!set_duration(settings.try_timeout, text, true, bad)) return false;
    return settings.try_timeout > 0 || refuse(bad, "not a time to wait", text, "more than 0");
}

bool set_statuses(ProbeSettings& settings, std::string_view text, BadInput& bad) {
    const auto statuses = parse_status_list(text);
    if (!statuses)
        return refuse(bad, "not a list of statuses", text, "200,204,300-399 within 100-599");
    settings.statuses = *statuses;
    settings.status_list = text;
    return true;
}

bool add_header(ProbeSettings& settings, std::string_view text, BadInput& bad) {
    if (!is_http_header(text)) {
        return refuse(bad, "not a header", slice(text, 0, find(text, ':')), "'Name: value'");
    }
    if (settings.header_count == ProbeSettings::most_headers) {
        return refuse(bad, "one header too many:", text, "up to 8");
    }
    settings.headers[settings.header_count++] = text;
    return true;
}

bool set_needle(ProbeSettings& settings, std::string_view text, BadInput& bad) {
    if (text.empty() || text.size() > ProbeSettings::longest_needle) {
        return refuse(bad, "cannot search for", text, "1 to 256 bytes");
    }
    settings.contains = text;
    return true;
}

bool add_json_field(ProbeSettings& settings, std::string_view text, BadInput& bad) {
    const auto field = parse_json_field(text);
    if (!field) {
        return refuse(bad, "not a field", text, "PATH[=VALUE] such as status=UP, up to 256 bytes");
    }
    if (settings.json_field_count == settings.json_fields.size()) {
        return refuse(bad, "one field too many:", text, "up to 8");
    }
    settings.json_fields[settings.json_field_count++] = *field;
    return true;
}

bool set_tls(std::string_view& setting, std::string_view value, Literal accepted, BadInput& bad) {
    setting = value;
    return (!value.empty() && !has_control(value)) || refuse(bad, "not given:", value, accepted);
}

bool apply_tls_option(TlsSettings& tls, OptionId id, std::string_view value, BadInput& bad) {
    switch (id) {
        case OptionId::tls_ca_cert: return set_tls(tls.ca_cert, value, "a file", bad);
        case OptionId::tls_client_cert: return set_tls(tls.client_cert, value, "a file", bad);
        case OptionId::tls_client_key: return set_tls(tls.client_key, value, "a file", bad);
        case OptionId::tls_server_name:
            if (value.size() > 253) return refuse(bad, "too long:", value, "a host's name");
            return set_tls(tls.server_name, value, "a host's name", bad);
        case OptionId::tls_no_verify: tls.no_verify = true; break;
        default: break;
    }
    return true;
}

bool tls_fits(const TlsSettings& tls, BadInput& bad) {
    if (tls.no_verify && !tls.ca_cert.empty()) {
        bad.where = "--tls-no-verify";
        return refuse(bad, "contradicts --tls-ca-cert", {}, "one of them");
    }
    if (tls.client_cert.empty() != tls.client_key.empty()) {
        bad.where = tls.client_cert.empty() ? "--tls-client-key" : "--tls-client-cert";
        return refuse(bad, "is of no use alone", {}, "--tls-client-cert and --tls-client-key");
    }
    return true;
}

}  // namespace

std::optional<StatusSet> parse_status_list(std::string_view text) {
    StatusSet set;
    do {
        std::string_view last = take_until(text, ',');
        const std::string_view first = take_until(last, '-');
        const auto from = parse_number(first, 599);
        const auto to = last.data() == nullptr ? from : parse_number(last, 599);
        if (!from || !to || *from < 100 || *to < *from) return std::nullopt;
        set.add(static_cast<unsigned>(*from), static_cast<unsigned>(*to));
    } while (text.data() != nullptr);
    return set;
}

ProbeSettings::ProbeSettings(Command command)
    : timeout(command == Command::wait ? 30 * second : 3 * second),
      allow_remote(command == Command::wait) {
    statuses.add(200, 399);
}

bool apply_probe_option(ProbeSettings& settings, Command command, OptionId id,
                        std::string_view value, BadInput& bad) {
    if (has_tls && concerns_tls(id)) return apply_tls_option(settings.tls, id, value, bad);
    switch (id) {
        case OptionId::timeout: return set_timeout(settings, command, value, bad);
        case OptionId::interval: return set_interval(settings, value, bad);
        case OptionId::try_timeout: return set_try_timeout(settings, value, bad);
        case OptionId::status: return set_statuses(settings, value, bad);
        case OptionId::method:
            settings.method = value;
            return is_http_method(value) ||
                   refuse(bad, "not a method", value, "GET, HEAD, POST, ...");
        case OptionId::header: return add_header(settings, value, bad);
        case OptionId::host:
            settings.host = value;
            return (!value.empty() && !has_control(value)) ||
                   refuse(bad, "not a host", value, "NAME[:PORT]");
        case OptionId::contains: return set_needle(settings, value, bad);
        case OptionId::json_field: return add_json_field(settings, value, bad);
        case OptionId::invert: settings.invert = true; break;
        case OptionId::allow_remote: settings.allow_remote = true; break;
        case OptionId::verbose: ++settings.verbosity; break;
        case OptionId::quiet: --settings.verbosity; break;
        default: break;
    }
    return true;
}

void forget_list(ProbeSettings& settings, OptionId id) {
    if (id == OptionId::header) settings.header_count = 0;
    if (id == OptionId::json_field) settings.json_field_count = 0;
}

void note_option(ProbeSettings& settings, OptionId id, std::string_view spelling) {
    if (!concerns_checks(id)) return;
    const bool is_for_all_requests = id == OptionId::header || id == OptionId::host;
    if (concerns_tls(id)) {
        settings.for_tls = spelling;
    } else {
        (is_for_all_requests ? settings.for_request : settings.for_http) = spelling;
    }
}

bool options_fit(const ProbeSettings& settings, const CheckNeeds& needs, BadInput& bad) {
    constexpr Literal unused = "no check of this call can use it";
    if (settings.method == "HEAD" &&
        (!settings.contains.empty() || settings.json_field_count > 0)) {
        bad.where = "--method";
        return refuse(bad, "has no body to look into:", settings.method, "GET, POST, ...");
    }
    if (!settings.for_http.empty() && !needs.http) {
        bad.where = settings.for_http;
        return refuse(bad, unused, {}, "http://, :PORT/PATH");
    }
    if (!settings.for_request.empty() && !needs.http && !needs.grpc) {
        bad.where = settings.for_request;
        return refuse(bad, unused, {}, "http://, :PORT/PATH, grpc://");
    }
    if (has_tls && !settings.for_tls.empty() && !needs.tls) {
        bad.where = settings.for_tls;
        return refuse(bad, unused, {}, "https://, grpcs://, tls://");
    }
    return !has_tls || tls_fits(settings.tls, bad);
}

}  // namespace usher
