// SPDX-License-Identifier: PostgreSQL
// Failed attempts of users with a password or a second factor, in a fixed piece of memory that many
// processes share, so that a transaction that is rolled back takes none of them back.
//
// The table is set-associative: a user and kind belong to one bucket of k_ways slots, chosen by a
// keyed hash, so that nobody can choose users who share one. When all are taken, the one with the
// fewest failures gives way, of several the one that failed longest ago: to drive out who has
// failed often, others must have failed more often. Who failed more than k_kept ago gives way before
// all others, however often it was: users who never came back would fill the table else, and leave
// those of today one slot in each bucket to drive each other out of.
//
// Nothing here locks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/privacy/siphash.hpp"
#include "core/uuid.hpp"

namespace saas::core::credentials {

struct attempt_name {
    std::uint32_t realm; // the database: several share the memory
    std::uint8_t kind;
    uuid user;

    bool operator==(const attempt_name &) const = default;
};

struct attempt_slot {
    attempt_name name{};
    std::uint32_t failures = 0; // in a row; 0 for a slot that is free
    std::int64_t last = 0;      // when, in microseconds of the caller's clock
};

class attempt_table {
public:
    static constexpr std::size_t k_ways = 8;
    static constexpr std::int64_t k_kept = 86'400'000'000; // a day; pauses are an hour at most

    // Over memory of whole buckets, at least one; all zero is an empty table.
    attempt_table(std::span<attempt_slot> slots, const privacy::siphash_key &key) noexcept
        : slots_{slots}, key_{key} {}

    // The slot with failures of this name, or null.
    [[nodiscard]] const attempt_slot *find(const attempt_name &name) const noexcept;

    // Counts a failure at `now` and returns how many there are in a row: one more than are noted
    // here, or than `known` from elsewhere if that is more.
    std::uint32_t count(const attempt_name &name, std::uint32_t known, std::int64_t now) noexcept;

    // Forgets the failures; whether there were any.
    bool forget(const attempt_name &name) noexcept;

private:
    [[nodiscard]] std::span<attempt_slot> bucket_of(const attempt_name &name) const noexcept;

    std::span<attempt_slot> slots_;
    const privacy::siphash_key &key_;
};

} // namespace saas::core::credentials
