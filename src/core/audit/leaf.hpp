// SPDX-License-Identifier: PostgreSQL
// The hash that stands for one row of the audit log in the team's Merkle tree.
//
//     commitment = SHA-256(0x02 ‖ salt ‖ field(row_key) ‖ field(old_values) ‖ field(new_values)
//                          ‖ field(client_addr))
//     leaf       = SHA-256(0x00 ‖ version ‖ field(…) for every other column ‖ commitment)
//     field(x)   = length in 4 bytes, most significant first, and the bytes; ff ff ff ff for NULL
//
// 0x00 makes it a leaf hash of RFC 6962. Personal data enters through the commitment only: when it
// is erased together with the salt, the commitment still proves the rest of the row and says
// nothing about what was erased.
#pragma once

#include "core/sha256.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace saas::core::audit {

constexpr std::uint8_t k_leaf_version = 1;
constexpr std::size_t k_salt_bytes = 16;

// One column in its binary form, which no setting of a session changes; nullopt is NULL.
using field = std::optional<std::span<const std::uint8_t>>;

// Hashes rows one after another; keep one for many.
class leaf_hasher {
public:
    // The salt has k_salt_bytes bytes, or none in rows that were written before there were salts.
    [[nodiscard]] digest commit(std::span<const std::uint8_t> salt, std::span<const field> payload);
    [[nodiscard]] digest leaf(std::span<const field> columns, const digest &commitment);

private:
    void add(const field &value);

    sha256_hasher hasher_;
};

} // namespace saas::core::audit
