// SPDX-License-Identifier: PostgreSQL
#include "core/audit/leaf.hpp"

#include <algorithm>

namespace saas::core::audit {
namespace {

constexpr std::uint8_t k_leaf_prefix = 0; // 1 is an inner node of the tree
constexpr std::uint8_t k_commitment_prefix = 2;
constexpr std::uint8_t k_columns_prefix = 3;
constexpr std::uint8_t k_payload_prefix = 4;

std::array<std::uint8_t, 4> big_endian(std::uint32_t n) {
    return {static_cast<std::uint8_t>(n >> 24), static_cast<std::uint8_t>(n >> 16),
            static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)};
}

} // namespace

void leaf_hasher::begin(std::uint8_t prefix) {
    hasher_.begin();
    waiting_[0] = prefix;
    count_ = 1;
}

void leaf_hasher::put(std::span<const std::uint8_t> bytes) {
    if (bytes.size() > waiting_.size() - count_) {
        hasher_.add(std::span{waiting_}.first(count_));
        count_ = 0;
        if (bytes.size() > waiting_.size()) {
            hasher_.add(bytes);
            return;
        }
    }
    std::copy(bytes.begin(), bytes.end(), waiting_.begin() + static_cast<std::ptrdiff_t>(count_));
    count_ += bytes.size();
}

void leaf_hasher::add(const field &value) {
    put(big_endian(value ? static_cast<std::uint32_t>(value->size()) : 0xffffffffU));
    if (value)
        put(*value);
}

digest leaf_hasher::end() {
    hasher_.add(std::span{waiting_}.first(count_));
    return hasher_.end();
}

digest leaf_hasher::payload(std::span<const field> payload) {
    begin(k_payload_prefix);
    for (const field &value : payload)
        add(value);
    return end();
}

digest leaf_hasher::columns(std::span<const field> columns) {
    begin(k_columns_prefix);
    put({&k_leaf_version, 1});
    for (const field &value : columns)
        add(value);
    return end();
}

digest leaf_hasher::commit(std::span<const std::uint8_t> salt, const digest &payload) {
    begin(k_commitment_prefix);
    put(salt);
    put(payload);
    return end();
}

digest leaf_hasher::leaf(const digest &columns, const digest &commitment) {
    begin(k_leaf_prefix);
    put(columns);
    put(commitment);
    return end();
}

} // namespace saas::core::audit
