// SPDX-License-Identifier: PostgreSQL
// Keys from keys: HKDF (RFC 5869), and what pg_saas makes of its data keys.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/encryption/aead.hpp"
#include "core/encryption/secret.hpp"

namespace saas::core::encryption {

// HKDF-SHA256 into `out`, at most 8160 bytes. Throws core::error XX000 when OpenSSL refuses.
void hkdf_sha256(std::span<const std::uint8_t> key, std::span<const std::uint8_t> salt,
                 std::span<const std::uint8_t> info, std::span<std::uint8_t> out);

// A key for one use of `key`: HKDF without salt, `label` as info. No two uses share a key.
[[nodiscard]] secret_key subkey(const secret_key &key, std::string_view label);

// The key of an algorithm, key_bytes() long, out of a data key. `out` has room for 64.
std::span<const std::uint8_t> value_key(const secret_key &data_key, algorithm chosen,
                                        secret<64> &out);

// Tells keys apart without telling anything about them: HMAC-SHA256(key, "kcv"), the first 8 bytes.
using key_check = std::array<std::uint8_t, 8>;
[[nodiscard]] key_check check_value(const secret_key &key);

} // namespace saas::core::encryption
