// SPDX-License-Identifier: PostgreSQL
#include "core/credentials/attempt_table.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace saas::core::credentials {

std::span<attempt_slot> attempt_table::bucket_of(const attempt_name &name) const noexcept {
    std::array<std::uint8_t, 21> bytes{};
    for (std::size_t i = 0; i < sizeof name.realm; ++i)
        bytes[i] = static_cast<std::uint8_t>(name.realm >> 8 * i);
    bytes[4] = name.kind;
    std::copy(name.user.begin(), name.user.end(), bytes.begin() + 5);
    const std::uint64_t buckets = slots_.size() / k_ways;
    const auto number = static_cast<std::size_t>(privacy::siphash(key_, bytes) % buckets);
    return slots_.subspan(number * k_ways, k_ways);
}

const attempt_slot *attempt_table::find(const attempt_name &name) const noexcept {
    for (const attempt_slot &slot : bucket_of(name)) {
        if (slot.failures > 0 && slot.name == name)
            return &slot;
    }
    return nullptr;
}

std::uint32_t attempt_table::count(const attempt_name &name, std::uint32_t known,
                                   std::int64_t now) noexcept {
    const auto slots = bucket_of(name);
    auto chosen = std::find_if(slots.begin(), slots.end(), [&](const attempt_slot &slot) {
        return slot.failures > 0 && slot.name == name;
    });
    if (chosen == slots.end()) {
        // A free slot has no failures, so it is the first to be chosen.
        const auto weight = [now](const attempt_slot &slot) {
            return slot.last < now - k_kept ? 0 : slot.failures;
        };
        chosen = std::min_element(
            slots.begin(), slots.end(), [&](const attempt_slot &a, const attempt_slot &b) {
                return weight(a) != weight(b) ? weight(a) < weight(b) : a.last < b.last;
            });
        *chosen = {name, 0, 0};
    }
    constexpr std::uint32_t k_most = std::numeric_limits<std::int32_t>::max();
    chosen->failures = std::min(std::max(chosen->failures, known), k_most - 1) + 1;
    chosen->last = std::max(chosen->last, now);
    return chosen->failures;
}

bool attempt_table::forget(const attempt_name &name) noexcept {
    for (attempt_slot &slot : bucket_of(name)) {
        if (slot.failures > 0 && slot.name == name) {
            slot = {};
            return true;
        }
    }
    return false;
}

} // namespace saas::core::credentials
