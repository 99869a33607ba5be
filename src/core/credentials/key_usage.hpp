// SPDX-License-Identifier: PostgreSQL
// How API keys are used, in a fixed piece of memory that many processes share: when a key may be
// used next, and what has happened since somebody last took the counts away to write them down.
//
// The table is set-associative: a key belongs to one bucket of k_ways slots. A slot that holds no
// counts and whose limit has recovered says no more than an empty one, so it is free for another
// key. When all slots of a bucket are busy, the one whose limit recovers first gives way, and its
// counts are lost; the caller is told how many.
//
// Nothing here locks: the caller holds the lock of the bucket.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/rate_limit/gcra.hpp"
#include "core/uuid.hpp"

namespace saas::core::credentials {

// An IP address: 4 or 16 bytes count.
struct address {
    std::uint8_t length = 0; // 0: unknown
    std::array<std::uint8_t, 16> bytes{};

    bool operator==(const address &) const = default;
};

// IPv4 in place of the IPv6 address that stands for it (RFC 4291, section 2.5.5.2).
[[nodiscard]] address unmapped(const address &from) noexcept;

// What became of a call. `limited` is one above the rate limit, `refused` any other refusal.
enum class call_outcome : std::uint8_t { accepted, refused, limited };

struct key_counts {
    std::uint32_t realm = 0; // the database: several share the memory
    uuid key{};
    uuid team{};
    std::int64_t first_use = 0; // microseconds of the caller's clock
    std::int64_t last_use = 0;
    std::array<std::uint64_t, 3> calls{}; // by call_outcome
    address from{};                       // of the last call

    [[nodiscard]] std::uint64_t total() const noexcept { return calls[0] + calls[1] + calls[2]; }
};

struct key_slot {
    bool used = false;
    std::int64_t arrival = 0; // of the rate limit, nanoseconds
    key_counts counts{};
};

class usage_table {
public:
    static constexpr std::size_t k_ways = 8;

    // Over memory of whole buckets, at least one; all zero is an empty table.
    explicit usage_table(std::span<key_slot> slots) noexcept : slots_{slots} {}

    [[nodiscard]] std::size_t bucket_count() const noexcept { return slots_.size() / k_ways; }
    [[nodiscard]] std::size_t bucket_of(const uuid &key) const noexcept;
    [[nodiscard]] std::span<key_slot> bucket(std::size_t number) const noexcept {
        return slots_.subspan(number * k_ways, k_ways);
    }

    // The slot of the key, or null.
    [[nodiscard]] key_slot *find(std::uint32_t realm, const uuid &key) const noexcept;

    // The slot of the key, taken for it when it had none. `now` in nanoseconds, as
    // key_slot::arrival. `lost` goes up by the counts of another key that had to give way.
    key_slot &claim(std::uint32_t realm, const uuid &key, const uuid &team, std::int64_t now,
                    std::uint64_t &lost) noexcept;

private:
    std::span<key_slot> slots_;
};

// Counts one call at `now` (microseconds).
void count_call(key_counts &counts, call_outcome outcome, const address &from,
                std::int64_t now) noexcept;

// Takes the counts away; the limit stays.
[[nodiscard]] key_counts take_counts(key_slot &slot) noexcept;

// Adds counts that were taken and could not be written down.
void give_back(key_slot &slot, const key_counts &counts) noexcept;

} // namespace saas::core::credentials
