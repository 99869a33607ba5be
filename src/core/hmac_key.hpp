// SPDX-License-Identifier: PostgreSQL
// HMAC-SHA256 (RFC 2104) of many texts under one key: what depends on the key alone is computed once, so that a
// text of up to 55 bytes takes two blocks of SHA-256 and nothing around them.
#pragma once

#include "core/sha256.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace saas::core {

class hmac_key {
  public:
    // A key of any length, also empty. Throws core::error XX000 when the library refuses.
    explicit hmac_key(std::span<const std::uint8_t> key);
    // Wipes what it keeps.
    ~hmac_key();
    hmac_key(const hmac_key &) = delete;
    hmac_key &operator=(const hmac_key &) = delete;

    // HMAC-SHA256 of `data` of any length.
    [[nodiscard]] digest sign(std::span<const std::uint8_t> data) const noexcept;

  private:
    using chain = std::array<std::uint32_t, 8>; // the state of SHA-256 between two blocks
    chain inner_;
    chain outer_;
};

} // namespace saas::core
