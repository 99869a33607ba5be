// SPDX-License-Identifier: PostgreSQL
// Public keys of authenticators: COSE_Key (RFC 9052, section 7; RFC 9053; RFC 8230) of the three
// algorithms that are asked for. Signatures are OpenSSL's.
#pragma once

#include <cstdint>
#include <optional>

#include "core/jwt/key_material.hpp"
#include "core/webauthn/cbor.hpp"

namespace saas::core::webauthn {

// Numbers of IANA's registry of COSE algorithms.
enum class algorithm : std::int64_t {
    es256 = -7, // ECDSA with P-256 and SHA-256
    eddsa = -8, // Ed25519
    rs256 = -257,
};

struct public_key {
    algorithm signs;
    jwt::pkey_pointer material;
};

// The key that a map describes; nullopt when it is of another kind, has members that do not belong
// together, or numbers that are no key: a point off the curve or of small order, an RSA modulus of less than 2048 or
// more than 4096 bits, an exponent of less than 65537 or more than 2^32 - 1. Throws core::error
// XX000 when OpenSSL has no memory. `is_known` says that the key was found right before, which
// spares milliseconds with RSA.
[[nodiscard]] std::optional<public_key> parse_public_key(const cbor_item &map,
                                                         bool is_known = false);

// Whether `signature` is the key's over `input`; ES256 in DER (WebAuthn, section 6.5.5).
[[nodiscard]] bool verify_signature(const public_key &with, bytes_in input, bytes_in signature);

} // namespace saas::core::webauthn
