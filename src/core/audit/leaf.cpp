// SPDX-License-Identifier: PostgreSQL
#include "core/audit/leaf.hpp"

#include <array>

namespace saas::core::audit {
namespace {

constexpr std::uint8_t k_leaf_prefix = 0;
constexpr std::uint8_t k_commitment_prefix = 2; // 1 is an inner node of the tree

std::array<std::uint8_t, 4> big_endian(std::uint32_t n) {
    return {static_cast<std::uint8_t>(n >> 24), static_cast<std::uint8_t>(n >> 16),
            static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)};
}

} // namespace

void leaf_hasher::add(const field &value) {
    hasher_.add(big_endian(value ? static_cast<std::uint32_t>(value->size()) : 0xffffffffU));
    if (value && !value->empty())
        hasher_.add(*value);
}

digest leaf_hasher::commit(std::span<const std::uint8_t> salt, std::span<const field> payload) {
    hasher_.begin();
    hasher_.add({&k_commitment_prefix, 1});
    hasher_.add(salt);
    for (const field &value : payload)
        add(value);
    return hasher_.end();
}

digest leaf_hasher::leaf(std::span<const field> columns, const digest &commitment) {
    const std::array<std::uint8_t, 2> start{k_leaf_prefix, k_leaf_version};
    hasher_.begin();
    hasher_.add(start);
    for (const field &value : columns)
        add(value);
    hasher_.add(commitment);
    return hasher_.end();
}

} // namespace saas::core::audit
