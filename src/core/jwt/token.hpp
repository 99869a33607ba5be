// SPDX-License-Identifier: PostgreSQL
// Signed tokens in compact form: RFC 7515 and RFC 7519 with the practices of RFC 8725.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/jwt/key_set.hpp"

namespace saas::core::jwt {

inline constexpr std::size_t k_max_token_bytes = 16'384; // a token travels in a header of HTTP
inline constexpr std::size_t k_max_header_bytes = 4096;  // of the token's header, decoded

// What a token must be besides genuine.
struct checks {
    double at = 0;                      // now, in seconds since 1970, with fractions
    double leeway = 0;                  // seconds by which clocks may differ
    std::optional<double> max_age;      // seconds since `iat`, which is then required
    std::vector<std::string> issuers;   // one of them; empty: `iss` is not looked at
    std::vector<std::string> audiences; // one of them; empty: the token must name none
    std::vector<algorithm> algorithms;  // one of them; empty: whatever the key is for
    std::vector<std::string> required;  // claims that must be there
    std::optional<std::string> type;    // `typ`, regardless of case and of "application/"
};

// Options as JSON: "at" and "leeway" and "max_age" in seconds, "issuer", "audience" and
// "algorithms" as a string or an array of strings, "required" as an array, "type" as a string. What
// is not given stays as it is in `into`. Throws core::error 22023 for another name or a value that
// cannot be right.
void parse_options(std::string_view text, checks &into);

// What a token says, which proves nothing until it is verified.
struct unverified {
    std::string header; // JSON
    std::string claims; // JSON
};
// Throws core::error SA115 for a text that is no token, or claims that are no object.
[[nodiscard]] unverified read_unverified(std::string_view token);

// The claims of a genuine and valid token, as JSON in UTF-8. Nothing of the token's claims is read
// before its signature is verified. Throws core::error SA115 for a text that is no token or has a
// header that is refused (alg none, crit, b64, a key or the address of one), SA116 when no key
// fits, SA119 for a key that cannot be used, SA117 for a wrong signature, SA118 for claims that do
// not pass the checks.
[[nodiscard]] std::string verify(std::string_view token, const key_set &keys, const checks &wanted);

// Signs claims, which are JSON in UTF-8, with a key from parse_signing_key. Throws core::error
// 22023 for claims that are no object, or a token that would be longer than k_max_token_bytes.
[[nodiscard]] std::string issue(std::string_view claims, const key &with);

// Applies the checks to claims: exp, nbf, iat, aud, iss and those that are required.
// Throws core::error SA118.
void check_claims(const boost::json::object &claims, const checks &wanted);

} // namespace saas::core::jwt
