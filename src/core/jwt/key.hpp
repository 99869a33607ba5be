// SPDX-License-Identifier: PostgreSQL
// JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037 section 2) that sign tokens. The key
// decides the algorithm; a token's header can only agree with it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

namespace saas::core::jwt {

// RFC 7518, section 3.1, and RFC 8037, section 3.1.
enum class algorithm : std::uint8_t {
    hs256, // HMAC with SHA-256, kty oct
    rs256, // RSASSA-PKCS1-v1_5 with SHA-256, kty RSA
    es256, // ECDSA with P-256 and SHA-256, kty EC
    eddsa, // Ed25519, kty OKP
};

// As the header of a token spells it.
[[nodiscard]] std::string_view name_of(algorithm value) noexcept;

// nullopt for any other text: names are case-sensitive.
[[nodiscard]] std::optional<algorithm> parse_algorithm(std::string_view name) noexcept;

enum class purpose : std::uint8_t { verify, sign };

// What OpenSSL holds of a key, and wipes when the last owner goes.
struct key_material;

// One key of a set. Keys that cannot be used stay in the set and say why: a provider's set may hold
// keys for other purposes (RFC 7517, section 5), and a token that names one of them deserves an
// answer.
struct key {
    std::optional<std::string> id;  // kid
    std::optional<algorithm> signs; // nullopt when the key cannot be used
    std::string problem;            // why not, in words that follow "the key"; empty when it can
    std::shared_ptr<const key_material> material;
};

inline constexpr std::size_t k_min_secret_bytes = 32; // RFC 7518, section 3.2
inline constexpr std::size_t k_max_secret_bytes = 1024;
inline constexpr int k_min_rsa_bits = 2048; // RFC 7518, section 3.3
inline constexpr int k_max_rsa_bits = 4096; // larger ones only cost time
inline constexpr std::size_t k_max_key_id_bytes = 256;

// Reads a JWK. With purpose::verify it must be a public key (or a secret of HMAC), with
// purpose::sign a private one. Checked: members, use, key_ops and alg; sizes; that the numbers are
// what they should be (an RSA modulus that is odd and composite, an exponent from 65537 to 2^32 -
// 1, an EC point on the curve). Throws core::error XX000 when the library refuses, nothing for a
// bad key: see key.problem.
[[nodiscard]] key parse_key(const boost::json::object &jwk, purpose use);

// The thumbprint of a usable key (RFC 7638 with SHA-256) in base64url: the same for the public and
// the private half. Of a secret as well, so it is for public keys only where others see it.
[[nodiscard]] std::string thumbprint(const boost::json::object &jwk);

// Whether `signature` is the key's over `input`. The key must be usable.
[[nodiscard]] bool verify_signature(const key &with, std::string_view input,
                                    std::string_view signature);

// Signs `input`; verified with the public half, so that halves that do not belong together are
// refused: core::error SA119.
[[nodiscard]] std::string sign(const key &with, std::string_view input);

} // namespace saas::core::jwt
