// SPDX-License-Identifier: PostgreSQL
#include "core/credentials/key_usage.hpp"

#include <algorithm>

namespace saas::core::credentials {
namespace {

constexpr std::array<std::uint8_t, 12> k_mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

} // namespace

address unmapped(const address &from) noexcept {
    if (from.length != 16 || !std::equal(k_mapped.begin(), k_mapped.end(), from.bytes.begin()))
        return from;
    address v4{4, {}};
    std::copy(from.bytes.begin() + k_mapped.size(), from.bytes.end(), v4.bytes.begin());
    return v4;
}

std::size_t usage_table::bucket_of(const uuid &key) const noexcept {
    // FNV-1a; the last bytes of an id are random anyway.
    std::uint64_t hash = 14695981039346656037U;
    for (std::uint8_t byte : key)
        hash = (hash ^ byte) * 1099511628211U;
    return static_cast<std::size_t>((hash ^ hash >> 32) % bucket_count());
}

key_slot *usage_table::find(std::uint32_t realm, const uuid &key) const noexcept {
    for (key_slot &slot : bucket(bucket_of(key))) {
        if (slot.used && slot.counts.key == key && slot.counts.realm == realm)
            return &slot;
    }
    return nullptr;
}

key_slot &usage_table::claim(std::uint32_t realm, const uuid &key, const uuid &team,
                             std::int64_t now, std::uint64_t &lost) noexcept {
    if (key_slot *known = find(realm, key))
        return *known;
    const auto slots = bucket(bucket_of(key));
    auto is_free = [now](const key_slot &slot) {
        return !slot.used || (slot.counts.total() == 0 && slot.arrival <= now);
    };
    auto chosen = std::find_if(slots.begin(), slots.end(), is_free);
    if (chosen == slots.end()) {
        chosen =
            std::min_element(slots.begin(), slots.end(), [](const key_slot &a, const key_slot &b) {
                return a.arrival < b.arrival;
            });
        lost += chosen->counts.total();
    }
    *chosen = key_slot{};
    chosen->used = true;
    chosen->counts.realm = realm;
    chosen->counts.key = key;
    chosen->counts.team = team;
    return *chosen;
}

void count_call(key_counts &counts, call_outcome outcome, const address &from,
                std::int64_t now) noexcept {
    if (counts.total() == 0)
        counts.first_use = now;
    counts.last_use = std::max(counts.last_use, now);
    ++counts.calls[static_cast<std::size_t>(outcome)];
    if (from.length != 0)
        counts.from = from;
}

key_counts take_counts(key_slot &slot) noexcept {
    const key_counts taken = slot.counts;
    slot.counts = key_counts{};
    slot.counts.realm = taken.realm;
    slot.counts.key = taken.key;
    slot.counts.team = taken.team;
    return taken;
}

void give_back(key_slot &slot, const key_counts &counts) noexcept {
    key_counts &now = slot.counts;
    now.first_use = now.total() == 0 ? counts.first_use : std::min(now.first_use, counts.first_use);
    now.last_use = std::max(now.last_use, counts.last_use);
    for (std::size_t i = 0; i < now.calls.size(); ++i)
        now.calls[i] += counts.calls[i];
    if (now.from.length == 0)
        now.from = counts.from;
}

} // namespace saas::core::credentials
