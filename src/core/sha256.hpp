// SPDX-License-Identifier: PostgreSQL
// Digests and message authentication: SHA-256 (FIPS 180-4) and HMAC (RFC 2104) from OpenSSL.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace saas::core {

using digest = std::array<std::uint8_t, 32>;

// The bytes of a text, for the functions below.
[[nodiscard]] inline std::span<const std::uint8_t> bytes_of(std::string_view text) noexcept {
    return {reinterpret_cast<const std::uint8_t *>(text.data()), text.size()};
}

// SHA-256 of `data`. Throws core::error XX000 when the library refuses.
[[nodiscard]] digest sha256(std::span<const std::uint8_t> data);

// SHA-256 of data that comes in pieces, many times over: what the library allocates is kept.
class sha256_hasher {
  public:
    // Throws core::error XX000 when the library refuses; so do the functions below.
    sha256_hasher();
    ~sha256_hasher();
    sha256_hasher(const sha256_hasher &) = delete;
    sha256_hasher &operator=(const sha256_hasher &) = delete;

    void begin();
    void add(std::span<const std::uint8_t> data);
    [[nodiscard]] digest end();

  private:
    void *context_;
};

// HMAC-SHA256 of the concatenation of `parts` under `key` (any length, also empty).
[[nodiscard]] digest hmac_sha256(std::span<const std::uint8_t> key,
                                 std::span<const std::span<const std::uint8_t>> parts);

// Compares in time that depends on the length only.
[[nodiscard]] bool equal_constant_time(std::span<const std::uint8_t> a,
                                       std::span<const std::uint8_t> b) noexcept;

// Base64 (RFC 4648, section 4) with padding.
[[nodiscard]] std::string to_base64(std::span<const std::uint8_t> data);

// Decodes Base64 that stands for exactly out.size() bytes; false for anything else, such as missing
// padding or digits that no encoder writes.
[[nodiscard]] bool from_base64(std::string_view text, std::span<std::uint8_t> out);

// Lower-case hexadecimal digits of `data`.
[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> data);

// Decodes exactly 2 * out.size() hexadecimal digits of either case into `out`; false when `text` has
// another length or another character.
[[nodiscard]] bool from_hex(std::string_view text, std::span<std::uint8_t> out) noexcept;

} // namespace saas::core
