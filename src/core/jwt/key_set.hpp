// SPDX-License-Identifier: PostgreSQL
// A JWK Set (RFC 7517, section 5), and which of its keys a token means.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/jwt/key.hpp"

namespace saas::core::jwt {

struct key_set {
    std::vector<key> keys; // also those that cannot be used
};

inline constexpr std::size_t k_max_key_set_bytes = 262'144;
inline constexpr std::size_t k_max_keys = 100;

// Reads {"keys": [JWK, …]} or a single JWK, in JSON. Keys that cannot be used stay in the set, with
// their problem. Throws core::error SA119 for a text that is neither, larger than
// k_max_key_set_bytes, with more than k_max_keys keys, or with a name that is given twice. Asks
// `stop` after each key, whose check takes some 20 ms for a large one: core::cancelled when it says
// so.
[[nodiscard]] key_set parse_key_set(std::string_view text,
                                    cancel_poll::stop_requested stop = nullptr);

// Reads one JWK with its private half, or a secret. Throws core::error SA119 when it cannot sign.
[[nodiscard]] key parse_signing_key(std::string_view text);

// What there is to know of one public JWK before it is stored.
struct key_description {
    std::optional<algorithm> signs; // nullopt when it cannot be used
    std::string problem;            // why not, in words that follow "the key"
    std::string id;                 // kid, or the thumbprint of a key that names none
};

// Throws core::error SA119 for a text that is no JSON object.
[[nodiscard]] key_description describe_key(std::string_view text);

// The key for a token with this `kid` and algorithm. A token without `kid` means the only key of a
// set of one. Throws core::error SA116 when that is no key or not one for this algorithm, or when
// several would do, and SA119 when it is a key that cannot be used.
[[nodiscard]] const key &find_key(const key_set &set, const std::optional<std::string_view> &id,
                                  algorithm header_algorithm);

} // namespace saas::core::jwt
