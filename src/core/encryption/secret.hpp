// SPDX-License-Identifier: PostgreSQL
// Bytes that must not stay in memory longer than they are needed.
#pragma once

#include <openssl/crypto.h> // OPENSSL_cleanse

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace saas::core::encryption {

// Overwrites bytes in a way that the compiler keeps.
inline void wipe(std::span<std::uint8_t> bytes) noexcept {
    OPENSSL_cleanse(bytes.data(), bytes.size());
}

// A fixed number of secret bytes, wiped at the end of their life.
template <std::size_t Size>
class secret {
public:
    secret() = default;
    ~secret() { wipe(); }
    secret(const secret &) = default;
    secret &operator=(const secret &) = default;

    [[nodiscard]] std::span<std::uint8_t, Size> bytes() noexcept { return bytes_; }
    [[nodiscard]] std::span<const std::uint8_t, Size> bytes() const noexcept { return bytes_; }
    void wipe() noexcept { encryption::wipe(bytes_); }

private:
    std::array<std::uint8_t, Size> bytes_{};
};

inline constexpr std::size_t k_key_bytes = 32;
using secret_key = secret<k_key_bytes>;

} // namespace saas::core::encryption
