// SPDX-License-Identifier: PostgreSQL
// Inside distinct sketches: their entries, registers and bytes.
#pragma once

#include "core/sketch/distinct.hpp"

#include <algorithm>
#include <bit>

namespace saas::core::sketch::distinct {

inline constexpr unsigned k_extra_bits = k_sparse_precision - k_precision;
inline constexpr std::uint32_t k_extra_mask = (1U << k_extra_bits) - 1;
inline constexpr std::uint32_t k_rank_mask = 63;
inline constexpr std::uint32_t k_sparse_values = 1U << k_sparse_precision;
inline constexpr std::uint8_t k_largest_entry_rank = 64 - k_sparse_precision + 1;

inline std::uint32_t *entries_of(distinct_state *state) {
    return reinterpret_cast<std::uint32_t *>(state + 1);
}
inline const std::uint32_t *entries_of(const distinct_state &state) {
    return reinterpret_cast<const std::uint32_t *>(&state + 1);
}
inline std::uint8_t *registers_of(distinct_state *state) {
    return reinterpret_cast<std::uint8_t *>(state + 1);
}
inline const std::uint8_t *registers_of(const distinct_state &state) {
    return reinterpret_cast<const std::uint8_t *>(&state + 1);
}

// The register of an entry and its rank.
inline void raise_register(std::uint8_t *registers, std::uint32_t entry) {
    const std::uint32_t index = entry >> 6;
    const std::uint32_t extra = index & k_extra_mask;
    const auto rank = static_cast<std::uint8_t>(
        extra != 0 ? std::countl_zero(extra) - (32 - static_cast<int>(k_extra_bits)) + 1
                   : static_cast<int>(k_extra_bits + (entry & k_rank_mask)));
    std::uint8_t &target = registers[index >> k_extra_bits];
    target = std::max(target, rank);
}

// The loops over all registers are plain enough for the compiler to take many at once.
inline void raise_all(std::uint8_t *__restrict target, const std::uint8_t *__restrict source) {
    for (std::uint32_t i = 0; i < k_registers; ++i)
        target[i] = std::max(target[i], source[i]);
}

inline std::uint8_t least_of(const std::uint8_t *registers) {
    std::uint8_t least = 255;
    for (std::uint32_t i = 0; i < k_registers; ++i)
        least = std::min(least, registers[i]);
    return least;
}

inline std::uint32_t count_above(const std::uint8_t *registers, int most) {
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < k_registers; ++i)
        count += registers[i] > most ? 1U : 0U;
    return count;
}

// Entries of a sparse sketch, in ascending order, checked.
class entry_reader {
public:
    explicit entry_reader(reader &data) : data_{data}, left_{data.varint()} {
        if (left_ > k_most_entries)
            malformed("It has too many entries.");
    }
    [[nodiscard]] std::uint64_t left() const { return left_; }
    [[nodiscard]] std::uint32_t next() {
        const std::uint64_t step = data_.varint();
        if (step >= k_sparse_values - next_index_)
            malformed("It has an entry beyond the last.");
        const std::uint32_t index = next_index_ + static_cast<std::uint32_t>(step);
        next_index_ = index + 1;
        --left_;
        if ((index & k_extra_mask) != 0)
            return index << 6;
        const std::uint8_t rank = data_.byte();
        if (rank == 0 || rank > k_largest_entry_rank)
            malformed("It has an entry with an impossible rank.");
        return index << 6 | rank;
    }

private:
    reader &data_;
    std::uint64_t left_;
    std::uint32_t next_index_ = 0;
};

// Raises the registers to those of a dense sketch, checked.
inline void read_dense(reader &data, std::uint8_t *registers) {
    const std::uint8_t base = data.byte();
    if (base > k_largest_rank)
        malformed("It has an impossible register.");
    const bytes halves = data.take(k_registers / 2);
    std::uint8_t given[k_registers]; // NOLINT: all are set
    std::uint8_t least = 15;
    std::uint8_t greatest = 0;
    for (std::uint32_t i = 0; i < k_registers / 2; ++i) {
        const auto lower = static_cast<std::uint8_t>(halves[i] & 15);
        const auto upper = static_cast<std::uint8_t>(halves[i] >> 4);
        least = std::min(least, std::min(lower, upper));
        greatest = std::max(greatest, std::max(lower, upper));
        given[2 * i] = static_cast<std::uint8_t>(lower + base);
        given[2 * i + 1] = static_cast<std::uint8_t>(upper + base);
    }
    if (least != 0 || base + greatest > k_largest_rank)
        malformed("It has an impossible register.");
    std::uint32_t next = 0;
    for (std::uint64_t left = data.varint(); left > 0; --left) {
        const std::uint64_t step = data.varint();
        if (step >= k_registers - next)
            malformed("It has a register beyond the last.");
        const std::uint32_t index = next + static_cast<std::uint32_t>(step);
        const std::uint8_t rank = data.byte();
        if (given[index] != base + 15 || rank <= base + 15 || rank > k_largest_rank)
            malformed("It has an impossible register.");
        given[index] = rank;
        next = index + 1;
    }
    raise_all(registers, given);
}

enum form : std::uint8_t { k_sparse = 0, k_dense = 1 };

inline form read_form(reader &data) {
    data.header('D');
    const std::uint8_t found = data.byte();
    if (found > k_dense)
        malformed("It has an unknown form.");
    return static_cast<form>(found);
}

inline void write_dense(writer &out, const std::uint8_t *registers) {
    const std::uint8_t base = least_of(registers);
    const auto most = static_cast<std::uint8_t>(base + 15);
    std::uint8_t halves[k_registers / 2];
    for (std::uint32_t i = 0; i < k_registers / 2; ++i) {
        const int lower = std::min(registers[2 * i], most) - base;
        const int upper = std::min(registers[2 * i + 1], most) - base;
        halves[i] = static_cast<std::uint8_t>(upper << 4 | lower);
    }
    out.byte(base);
    out.copy(halves, sizeof(halves));
    std::uint32_t beyond = count_above(registers, most);
    out.varint(beyond);
    std::uint32_t next = 0;
    for (std::uint32_t i = 0; beyond > 0; ++i) {
        if (registers[i] > most) {
            out.varint(i - next);
            out.byte(registers[i]);
            next = i + 1;
            --beyond;
        }
    }
}

inline constexpr std::uint32_t k_waiting = 2; // as distinct_state::dense

// Whether a state that has nothing or waits can take sketches as they are.
[[nodiscard]] bool can_wait(const distinct_state &state, std::uint64_t entries);
// Keeps a sparse sketch with so many entries as it is. Returns the state, which may have moved.
[[nodiscard]] distinct_state *wait(distinct_state *state, bytes sketch, std::uint64_t entries, allocate more);
// What waits, one after the other: `at` begins with 0. Empty at the end.
[[nodiscard]] bytes next_waiting(const distinct_state &state, std::size_t &at);
[[nodiscard]] std::size_t most_waiting_bytes(const distinct_state &state) noexcept;
std::size_t encode_waiting(const distinct_state &state, std::uint8_t *out);
[[nodiscard]] double estimate_of_waiting(const distinct_state &state);

// The bytes of sorted entries, each with another index.
void write_entries(writer &out, const std::uint32_t *sorted, std::uint32_t count);

} // namespace saas::core::sketch::distinct
