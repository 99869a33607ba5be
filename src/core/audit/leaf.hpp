// SPDX-License-Identifier: PostgreSQL
// The hash that stands for one row of the audit log in the team's Merkle tree.
//
//     payload    = SHA-256(0x04 ‖ field(row_key) ‖ field(old_values) ‖ field(new_values)
//                          ‖ field(client_addr))
//     commitment = SHA-256(0x02 ‖ salt ‖ payload)
//     columns    = SHA-256(0x03 ‖ version ‖ field(…) for every other column)
//     leaf       = SHA-256(0x00 ‖ columns ‖ commitment)
//     field(x)   = length in 4 bytes, most significant first, and the bytes; ff ff ff ff for NULL
//
// 0x00 makes it a leaf hash of RFC 6962. Personal data enters through the commitment only: when it
// is erased together with the salt, the commitment still proves the rest of the row and says
// nothing about what was erased. The salt comes last, so that a row can be hashed before it is known
// which leaf it becomes, and with that which salt it has.
#pragma once

#include "core/sha256.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace saas::core::audit {

constexpr std::uint8_t k_leaf_version = 2;
constexpr std::size_t k_salt_bytes = 16;

// One column in its binary form, which no setting of a session changes; nullopt is NULL.
using field = std::optional<std::span<const std::uint8_t>>;

// Hashes rows one after another; keep one for many. Throws what core::sha256_hasher throws.
class leaf_hasher {
public:
    [[nodiscard]] digest payload(std::span<const field> payload);
    [[nodiscard]] digest columns(std::span<const field> columns);

    // The salt has k_salt_bytes bytes.
    [[nodiscard]] digest commit(std::span<const std::uint8_t> salt, const digest &payload);
    [[nodiscard]] digest leaf(const digest &columns, const digest &commitment);

private:
    void begin(std::uint8_t prefix);
    void put(std::span<const std::uint8_t> bytes);
    void add(const field &value);
    [[nodiscard]] digest end();

    sha256_hasher hasher_;
    std::array<std::uint8_t, 512> waiting_; // one call of the library for many short pieces
    std::size_t count_ = 0;
};

} // namespace saas::core::audit
