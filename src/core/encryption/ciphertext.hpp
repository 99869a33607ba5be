// SPDX-License-Identifier: PostgreSQL
// Encrypted values as they are stored, version 1; numbers are big-endian:
//
//      0   1  0xC1                 4   8  number of the data key
//      1   1  algorithm           12   n  nonce: 24, 12 or 0 bytes
//      2   1  flags            12+n   m  ciphertext
//      3   1  0              12+n+m  16  tag
//
// Authenticated besides: "C1", the first twelve bytes, and tenant, asset, row, each behind its
// length in two bytes (0 or 16). So a value that is moved to another row, column or tenant does not
// open. The plaintext of AES-256-SIV has one byte 1 in front, since that mode does not authenticate
// an empty message in OpenSSL 3.0.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "core/encryption/aead.hpp"
#include "core/uuid.hpp"

namespace saas::core::encryption {

inline constexpr std::uint8_t k_ciphertext_version = 0xC1;
inline constexpr std::size_t k_header_bytes = 12;

// What a value is bound to. The tenant always counts.
struct binding {
    uuid tenant;
    std::optional<uuid> asset; // a column, by its entry in data_assets
    std::optional<uuid> row;
};

// Flags of the header. Bits 4 (padded), 8 (compressed) and 16 (bound to a version of the row) are
// reserved.
inline constexpr std::uint8_t k_row_bound = 1;
inline constexpr std::uint8_t k_tenant_bound = 2;
inline constexpr std::uint8_t k_asset_bound = 32;
[[nodiscard]] std::uint8_t flags_of(const binding &bound) noexcept;

struct header {
    algorithm chosen;
    std::uint8_t flags;
    std::uint64_t key_number;
};

// The header of a whole ciphertext; nullopt when the bytes are none: another version, algorithm or
// flag, or too short.
[[nodiscard]] std::optional<header> parse_header(std::span<const std::uint8_t> value) noexcept;

// The same of the first k_header_bytes of a value that has `size` bytes.
[[nodiscard]] std::optional<header> parse_header(std::span<const std::uint8_t> head,
                                                 std::size_t size) noexcept;

// The size of a ciphertext, and of the plaintext in one that parse_header() took.
[[nodiscard]] std::size_t sealed_size(algorithm chosen, std::size_t plain) noexcept;
[[nodiscard]] std::size_t plain_size(const header &known, std::size_t sealed) noexcept;

// Encrypts and decrypts whole values.
class value_cipher {
public:
    // Encrypts into `out`, which has sealed_size(). `key` is that of the algorithm (value_key() in
    // derive.hpp). `process` is the id of this process. Throws core::error XX000 when OpenSSL
    // refuses.
    void seal(algorithm chosen, std::uint64_t key_number, std::span<const std::uint8_t> key,
              const binding &bound, std::int64_t process, std::span<const std::uint8_t> plaintext,
              std::span<std::uint8_t> out);

    // Decrypts into `out`, which has plain_size(). False, with `out` wiped, when the value is not
    // genuine or is bound otherwise.
    [[nodiscard]] bool open(const header &known, std::span<const std::uint8_t> key,
                            const binding &bound, std::span<const std::uint8_t> value,
                            std::span<std::uint8_t> out);

    // Forgets the keys.
    void forget() noexcept { cipher_.forget(); }

private:
    aead cipher_;
    random_pool nonces_;
};

} // namespace saas::core::encryption
