// SPDX-License-Identifier: PostgreSQL
#include "encryption/key_cache.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "encryption/keystore.hpp"

#include "pg/prelude.hpp"

namespace saas::encryption {
namespace {

constexpr std::size_t k_slots = 8192;
constexpr std::size_t k_named_owners = 16'384;

std::uint64_t key_of(std::uint64_t number, std::uint8_t use) noexcept {
    return number << 3 | use;
}

std::uint64_t half(const core::uuid &value, std::size_t at) noexcept {
    std::uint64_t out = 0;
    std::memcpy(&out, value.data() + at, sizeof(out));
    return out;
}

} // namespace

// The bits of a UUID that differ most come last.
std::size_t key_cache::owner_hash::operator()(const owner_name &name) const noexcept {
    constexpr std::uint64_t k_odd = 0x9E3779B97F4A7C15U;
    std::uint64_t hash = half(name.team, 8) ^ half(name.team, 0);
    hash = (hash ^ half(name.subject, 8) ^ half(name.subject, 0)) * k_odd;
    hash = (hash ^ half(name.asset, 8) ^ half(name.asset, 0)) * k_odd;
    return (hash ^ (std::uint64_t{name.kind} << 8 | name.use)) * k_odd;
}

key_cache::owner_name key_cache::name_of(const key_owner &owner, std::uint8_t use) noexcept {
    const core::uuid none{};
    return {owner.team, owner.subject.value_or(none), owner.asset.value_or(none),
            static_cast<std::uint8_t>(owner.kind.front()), use};
}

key_cache::key_cache()
    : slots_{static_cast<kept_key *>(secret_memory(k_slots * sizeof(kept_key)))} {}

const kept_key *key_cache::find(std::uint64_t number, std::uint8_t use) noexcept {
    if (last_ != nullptr && last_->number == number && last_->use == use)
        return last_;
    auto found = by_number_.find(key_of(number, use));
    if (found == by_number_.end())
        return nullptr;
    last_ = found->second;
    last_owner_ = {};
    last_->recent = true;
    return last_;
}

kept_key *key_cache::find_owner(const key_owner &owner, std::uint8_t use) noexcept {
    const owner_name name = name_of(owner, use);
    if (last_ != nullptr && last_owner_ == name)
        return last_;
    auto known = by_owner_.find(name);
    if (known == by_owner_.end())
        return nullptr;
    auto found = by_number_.find(key_of(known->second, use));
    if (found == by_number_.end())
        return nullptr;
    last_ = found->second;
    last_owner_ = name;
    last_->recent = true;
    return last_;
}

// The clock's hand passes those that were asked for since it last came by.
kept_key &key_cache::free_slot() noexcept {
    if (count_ < k_slots)
        return *::new (static_cast<void *>(slots_ + count_++)) kept_key;
    auto next = [this] { return hand_ + 1 < k_slots ? hand_ + 1 : 0; };
    for (; slots_[hand_].recent; hand_ = next())
        slots_[hand_].recent = false;
    kept_key &slot = slots_[hand_];
    hand_ = next();
    auto known = by_number_.find(key_of(slot.number, slot.use));
    if (known != by_number_.end() && known->second == &slot)
        by_number_.erase(known);
    slot.key.wipe();
    return slot;
}

kept_key &key_cache::insert(const key_row &row, std::uint8_t use,
                            std::span<const std::uint8_t> key) {
    last_ = nullptr;
    kept_key &slot = free_slot();
    slot.number = row.number;
    slot.team = row.team;
    slot.subject = row.subject;
    slot.use = use;
    slot.size = static_cast<std::uint8_t>(key.size());
    slot.recent = true;
    slot.restricted = row.restricted;
    slot.reserved = 0;
    slot.reserve = 1;
    std::copy(key.begin(), key.end(), slot.key.bytes().begin());
    by_number_.insert_or_assign(key_of(row.number, use), &slot);
    return slot;
}

void key_cache::name_owner(const key_owner &owner, const kept_key &key) {
    if (by_owner_.size() >= k_named_owners)
        by_owner_.clear();
    by_owner_.insert_or_assign(name_of(owner, key.use), key.number);
}

void key_cache::clear() noexcept {
    std::destroy_n(slots_, count_); // wipes them
    count_ = 0;
    hand_ = 0;
    by_number_.clear();
    by_owner_.clear();
    last_ = nullptr;
    last_owner_ = {};
}

} // namespace saas::encryption
