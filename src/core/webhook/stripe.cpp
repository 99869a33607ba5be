// SPDX-License-Identifier: PostgreSQL
#include "core/webhook/stripe.hpp"

#include "core/sha256.hpp"

#include <optional>
#include <vector>

namespace saas::core::webhook {
namespace {

struct parsed_header {
    std::string_view time_text; // as sent: these characters are signed
    std::int64_t time = -1;
    std::vector<digest> signatures;
};

// Adds one "key=value" part. False when the part makes the header invalid.
bool add_part(parsed_header &header, std::string_view part) {
    std::size_t equals = part.find('=');
    if (equals == std::string_view::npos)
        return false;
    std::string_view key = part.substr(0, equals);
    std::string_view value = part.substr(equals + 1);
    if (key == "t") {
        std::optional<std::int64_t> time = parse_unix_seconds(value);
        if (!time || header.time >= 0)
            return false;
        header.time = *time;
        header.time_text = value;
    } else if (key == "v1") {
        digest signature;
        if (from_hex(value, signature)) // what cannot be decoded cannot match: skipped
            header.signatures.push_back(signature);
    }
    return true; // an unknown scheme (v0, or one of tomorrow) is skipped
}

std::optional<parsed_header> parse(std::string_view text) {
    if (text.empty() || text.size() > k_max_header_bytes)
        return std::nullopt;
    parsed_header header;
    for (;;) {
        std::size_t comma = text.find(',');
        if (!add_part(header, text.substr(0, comma)))
            return std::nullopt;
        if (comma == std::string_view::npos)
            break;
        text.remove_prefix(comma + 1);
    }
    if (header.time < 0)
        return std::nullopt;
    return header;
}

// Position, from 1, of the first secret under which one of the signatures is right; 0 when none is.
std::int32_t matching_secret(const parsed_header &header, bytes body,
                             std::span<const bytes> secrets) {
    const bytes parts[] = {bytes_of(header.time_text), bytes_of("."), body};
    for (std::size_t i = 0; i < secrets.size(); ++i) {
        if (secrets[i].empty())
            continue;
        digest expected = hmac_sha256(secrets[i], parts);
        for (const digest &signature : header.signatures) {
            if (equal_constant_time(expected, signature))
                return static_cast<std::int32_t>(i + 1);
        }
    }
    return 0;
}

} // namespace

verdict verify_stripe(std::string_view header, bytes body, std::span<const bytes> secrets,
                      std::int64_t now, std::int64_t tolerance) {
    verdict result;
    std::optional<parsed_header> parsed = parse(header);
    if (!parsed) {
        result.reason = refusal::invalid_header;
        return result;
    }
    result.signed_at = parsed->time;
    if (secrets.empty()) {
        result.reason = refusal::no_secret;
        return result;
    }
    result.secret_no = matching_secret(*parsed, body, secrets);
    result.reason =
        result.secret_no == 0 ? refusal::no_signature : check_time(parsed->time, now, tolerance);
    return result;
}

} // namespace saas::core::webhook
