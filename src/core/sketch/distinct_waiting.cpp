// SPDX-License-Identifier: PostgreSQL
// Distinct sketches that are being merged: sparse ones wait as they are until all are there.
#include "core/sketch/cardinality.hpp"
#include "core/sketch/distinct_parts.hpp"

#include <cstring>
#include <utility>
#include <vector>

namespace saas::core::sketch::distinct {
namespace {

// With more than these in all, most are in the sketch already, or it becomes dense.
constexpr std::uint64_t k_most_waiting = 2 * k_most_entries;
constexpr std::size_t k_first_size = 1024 - k_block_prefix;
constexpr std::size_t k_length = sizeof(std::uint32_t);

// Few are sorted by comparing; many by the halves of their index, the lower first.
constexpr std::size_t k_few = 200;
constexpr unsigned k_half_bits = k_sparse_precision / 2;
constexpr std::uint32_t k_halves = 1U << k_half_bits;

void sort_by(const std::vector<std::uint32_t> &from, std::vector<std::uint32_t> &to, unsigned shift) {
    std::uint32_t places[k_halves] = {};
    for (const std::uint32_t entry : from)
        ++places[(entry >> shift) % k_halves];
    std::uint32_t place = 0;
    for (std::uint32_t &of_half : places)
        place += std::exchange(of_half, place);
    for (const std::uint32_t entry : from)
        to[places[(entry >> shift) % k_halves]++] = entry;
}

void sort_entries(std::vector<std::uint32_t> &entries) {
    if (entries.size() <= k_few) {
        std::sort(entries.begin(), entries.end());
        return;
    }
    std::vector<std::uint32_t> other(entries.size());
    sort_by(entries, other, 6);
    sort_by(other, entries, 6 + k_half_bits);
}

// All of them, each once, sorted.
std::vector<std::uint32_t> entries_of_all(const distinct_state &state) {
    std::vector<std::uint32_t> entries;
    entries.reserve(state.used);
    std::size_t at = 0;
    for (bytes sketch = next_waiting(state, at); !sketch.empty(); sketch = next_waiting(state, at)) {
        reader data{sketch};
        (void)read_form(data);
        entry_reader left{data};
        while (left.left() != 0)
            entries.push_back(left.next());
    }
    sort_entries(entries);
    std::size_t count = 0;
    for (const std::uint32_t entry : entries) {
        if (count != 0 && entries[count - 1] >> 6 == entry >> 6)
            entries[count - 1] = std::max(entries[count - 1], entry);
        else
            entries[count++] = entry;
    }
    entries.resize(count);
    return entries;
}

std::vector<std::uint8_t> registers_from(const std::vector<std::uint32_t> &entries) {
    std::vector<std::uint8_t> registers(k_registers);
    for (const std::uint32_t entry : entries)
        raise_register(registers.data(), entry);
    return registers;
}

std::uint8_t *block_bytes(distinct_state *state) {
    return reinterpret_cast<std::uint8_t *>(state + 1);
}

} // namespace

bool can_wait(const distinct_state &state, std::uint64_t entries) {
    return (state.dense == k_waiting || (state.dense == 0 && state.used == 0)) &&
           state.used + entries <= k_most_waiting;
}

distinct_state *wait(distinct_state *state, bytes sketch, std::uint64_t entries, allocate more) {
    const std::uint32_t taken = state->dense == k_waiting ? state->slots : 0;
    const std::size_t needed = sizeof(distinct_state) + taken + k_length + sketch.size();
    if (state->dense != k_waiting || needed > state->size) {
        std::size_t size = k_first_size;
        while (size < needed)
            size = 2 * (size + k_block_prefix) - k_block_prefix;
        auto *fresh = static_cast<distinct_state *>(more(size));
        fresh->size = static_cast<std::uint32_t>(size);
        fresh->dense = k_waiting;
        fresh->used = state->used;
        std::memcpy(block_bytes(fresh), block_bytes(state), taken);
        state = fresh;
    }
    const auto length = static_cast<std::uint32_t>(sketch.size());
    std::memcpy(block_bytes(state) + taken, &length, k_length);
    std::memcpy(block_bytes(state) + taken + k_length, sketch.data(), length);
    state->slots = taken + static_cast<std::uint32_t>(k_length) + length;
    state->used += static_cast<std::uint32_t>(entries);
    return state;
}

bytes next_waiting(const distinct_state &state, std::size_t &at) {
    if (at >= state.slots)
        return {};
    const auto *first = reinterpret_cast<const std::uint8_t *>(&state + 1) + at;
    std::uint32_t length = 0;
    std::memcpy(&length, first, k_length);
    at += k_length + length;
    return {first + k_length, length};
}

std::size_t most_waiting_bytes(const distinct_state &state) noexcept {
    constexpr std::size_t k_head = 4 + k_longest_varint;
    const std::size_t listed = state.used * std::size_t{3 + 1};
    return k_head + listed + (state.used > k_most_entries ? k_registers / 2 : 0);
}

std::size_t encode_waiting(const distinct_state &state, std::uint8_t *out) {
    const std::vector<std::uint32_t> entries = entries_of_all(state);
    writer target{out};
    target.header('D');
    if (entries.size() <= k_most_entries) {
        target.byte(k_sparse);
        write_entries(target, entries.data(), static_cast<std::uint32_t>(entries.size()));
    } else {
        target.byte(k_dense);
        write_dense(target, registers_from(entries).data());
    }
    return target.size();
}

double estimate_of_waiting(const distinct_state &state) {
    const std::vector<std::uint32_t> entries = entries_of_all(state);
    return entries.size() <= k_most_entries ? estimate_from_entries(entries.size())
                                            : estimate_from_registers(registers_from(entries).data());
}

void write_entries(writer &out, const std::uint32_t *sorted, std::uint32_t count) {
    out.varint(count);
    std::uint32_t next = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t index = sorted[i] >> 6;
        out.varint(index - next);
        if ((index & k_extra_mask) == 0)
            out.byte(static_cast<std::uint8_t>(sorted[i] & k_rank_mask));
        next = index + 1;
    }
}

} // namespace saas::core::sketch::distinct
