// SPDX-License-Identifier: PostgreSQL
#include "core/sketch/distinct.hpp"

#include "core/sketch/cardinality.hpp"
#include "core/sketch/distinct_parts.hpp"

#include <algorithm>

namespace saas::core::sketch {

using namespace distinct;

namespace {

constexpr std::size_t k_first_size = 128 - k_block_prefix;
constexpr std::size_t k_dense_size = sizeof(distinct_state) + k_registers;

std::uint32_t entry_of(std::uint64_t hash) {
    const auto index = static_cast<std::uint32_t>(hash >> (64 - k_sparse_precision));
    if ((index & k_extra_mask) != 0)
        return index << 6;
    // The bit below keeps the count within the bits that are left.
    const std::uint64_t rest = hash << k_sparse_precision | 1ULL << (k_sparse_precision - 1);
    return index << 6 | static_cast<std::uint32_t>(std::countl_zero(rest) + 1);
}

distinct_state *make_sparse(std::size_t size, allocate more) {
    auto *state = static_cast<distinct_state *>(more(size));
    state->size = static_cast<std::uint32_t>(size);
    state->slots =
        static_cast<std::uint32_t>((size - sizeof(distinct_state)) / sizeof(std::uint32_t));
    return state;
}

// The slot of the entry's 20 bits, or the free one where they belong. One slot is always free. The
// bits are those of a hash, so their order will do as the order of slots; entries are then almost
// sorted.
std::uint32_t *find(distinct_state *state, std::uint32_t entry) {
    std::uint32_t *const first = entries_of(state);
    std::uint64_t at = static_cast<std::uint64_t>(entry >> 6) * state->slots >> k_sparse_precision;
    while (first[at] != 0 && first[at] >> 6 != entry >> 6) {
        if (++at == state->slots)
            at = 0;
    }
    return first + at;
}

distinct_state *make_dense(allocate more) {
    auto *state = static_cast<distinct_state *>(more(k_dense_size));
    state->size = static_cast<std::uint32_t>(k_dense_size);
    state->dense = 1;
    return state;
}

distinct_state *to_dense(const distinct_state &state, allocate more) {
    distinct_state *fresh = make_dense(more);
    for (std::uint32_t i = 0; i < state.slots; ++i) {
        if (const std::uint32_t entry = entries_of(state)[i]; entry != 0)
            raise_register(registers_of(fresh), entry);
    }
    return fresh;
}

bool has_room(const distinct_state &state, std::uint64_t entries) {
    return entries * 4 <= state.slots * std::uint64_t{3};
}

// The same entries with room for so many.
distinct_state *grow(const distinct_state &state, std::uint64_t entries, allocate more) {
    std::size_t size = state.size + k_block_prefix;
    do
        size *= 2;
    while (entries * 4 * sizeof(std::uint32_t) >
           (size - k_block_prefix - sizeof(distinct_state)) * 3 - 3 * sizeof(std::uint32_t));
    distinct_state *fresh = make_sparse(size - k_block_prefix, more);
    fresh->used = state.used;
    for (std::uint32_t i = 0; i < state.slots; ++i) {
        if (const std::uint32_t entry = entries_of(state)[i]; entry != 0)
            *find(fresh, entry) = entry;
    }
    return fresh;
}

distinct_state *add_entry(distinct_state *state, std::uint32_t entry, allocate more) {
    std::uint32_t *slot = find(state, entry);
    if (*slot != 0) {
        *slot = std::max(*slot, entry);
        return state;
    }
    if (state->used == k_most_entries) {
        state = to_dense(*state, more);
        raise_register(registers_of(state), entry);
        return state;
    }
    if (!has_room(*state, state->used + 1)) {
        state = grow(*state, state->used + 1, more);
        slot = find(state, entry);
    }
    *slot = entry;
    ++state->used;
    return state;
}

// Makes room before many entries come in their order: they would crowd at the front of a small
// table.
distinct_state *reserve(distinct_state *state, std::uint64_t entries, allocate more) {
    const std::uint64_t all = std::min<std::uint64_t>(state->used + entries, k_most_entries);
    return state->dense != 0 || has_room(*state, all) ? state : grow(*state, all, more);
}

// Adds a sparse sketch, entry by entry.
distinct_state *add_entries(distinct_state *state, entry_reader &entries, allocate more) {
    state = reserve(state, entries.left(), more);
    while (entries.left() != 0) {
        const std::uint32_t entry = entries.next();
        if (state->dense != 0)
            raise_register(registers_of(state), entry);
        else
            state = add_entry(state, entry, more);
    }
    return state;
}

// What waits, as a table or registers.
distinct_state *settle(const distinct_state &state, allocate more) {
    distinct_state *fresh = make_sparse(k_first_size, more);
    fresh = reserve(fresh, state.used, more);
    std::size_t at = 0;
    for (bytes sketch = next_waiting(state, at); !sketch.empty(); sketch = next_waiting(state, at)) {
        reader data{sketch};
        (void)read_form(data);
        entry_reader entries{data};
        fresh = add_entries(fresh, entries, more);
    }
    return fresh;
}

} // namespace

distinct_state *make_distinct_state(allocate more) {
    return make_sparse(k_first_size, more);
}

distinct_state *add_hash(distinct_state *state, std::uint64_t hash, allocate more) {
    if (state->dense == 0)
        return add_entry(state, entry_of(hash), more);
    if (state->dense == k_waiting)
        return add_hash(settle(*state, more), hash, more);
    const std::uint64_t rest = hash << k_precision | 1ULL << (k_precision - 1);
    const auto rank = static_cast<std::uint8_t>(std::countl_zero(rest) + 1);
    std::uint8_t &target = registers_of(state)[hash >> (64 - k_precision)];
    target = std::max(target, rank);
    return state;
}

distinct_state *merge(distinct_state *state, const distinct_state &other, allocate more) {
    if (other.dense == k_waiting) {
        std::size_t at = 0;
        for (bytes sketch = next_waiting(other, at); !sketch.empty(); sketch = next_waiting(other, at))
            state = merge(state, sketch, more);
        return state;
    }
    if (state->dense == k_waiting)
        state = settle(*state, more);
    if (other.dense != 0) {
        if (state->dense == 0)
            state = to_dense(*state, more);
        raise_all(registers_of(state), registers_of(other));
        return state;
    }
    state = reserve(state, other.used, more);
    for (std::uint32_t i = 0; i < other.slots; ++i) {
        const std::uint32_t entry = entries_of(other)[i];
        if (entry == 0)
            continue;
        if (state->dense != 0)
            raise_register(registers_of(state), entry);
        else
            state = add_entry(state, entry, more);
    }
    return state;
}

distinct_state *merge(distinct_state *state, bytes sketch, allocate more) {
    reader data{sketch};
    if (read_form(data) == k_dense) {
        if (state->dense == k_waiting)
            state = settle(*state, more);
        if (state->dense == 0)
            state = to_dense(*state, more);
        read_dense(data, registers_of(state));
        return state;
    }
    entry_reader entries{data};
    if (can_wait(*state, entries.left()))
        return wait(state, sketch, entries.left(), more);
    if (state->dense == k_waiting)
        state = settle(*state, more);
    return add_entries(state, entries, more);
}

std::size_t most_bytes(const distinct_state &state) noexcept {
    if (state.dense == k_waiting)
        return most_waiting_bytes(state);
    constexpr std::size_t k_head = 4 + k_longest_varint;
    if (state.dense == 0)
        return k_head + state.used * std::size_t{3 + 1};
    const std::uint8_t *registers = registers_of(state);
    const std::uint32_t beyond = count_above(registers, least_of(registers) + 15);
    return k_head + k_registers / 2 + beyond * std::size_t{3 + 1};
}

namespace {

void write_sparse(writer &out, const distinct_state &state) {
    std::uint32_t sorted[k_most_entries + 1]; // NOLINT: only `count` of them are read
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < state.slots; ++i) {
        const std::uint32_t entry = entries_of(state)[i];
        sorted[count] = entry; // without a branch that nobody can predict
        count += entry != 0 ? 1 : 0;
    }
    // By insertion: few entries are far from their place, those that the end of the table sent to
    // its beginning.
    for (std::uint32_t i = 1; i < count; ++i) {
        const std::uint32_t entry = sorted[i];
        std::uint32_t at = i;
        for (; at > 0 && sorted[at - 1] > entry; --at)
            sorted[at] = sorted[at - 1];
        sorted[at] = entry;
    }
    write_entries(out, sorted, count);
}

} // namespace

std::size_t encode(const distinct_state &state, std::uint8_t *out) {
    if (state.dense == k_waiting)
        return encode_waiting(state, out);
    writer target{out};
    target.header('D');
    if (state.dense != 0) {
        target.byte(k_dense);
        write_dense(target, registers_of(state));
    } else {
        target.byte(k_sparse);
        write_sparse(target, state);
    }
    return target.size();
}

void check_distinct_sketch(bytes sketch) {
    (void)estimate_of(sketch);
}

double estimate_of(const distinct_state &state) {
    if (state.dense == k_waiting)
        return estimate_of_waiting(state);
    return state.dense != 0 ? estimate_from_registers(registers_of(state))
                            : estimate_from_entries(state.used);
}

double estimate_of(bytes sketch) {
    reader data{sketch};
    if (read_form(data) == k_dense) {
        std::uint8_t registers[k_registers] = {};
        read_dense(data, registers);
        data.finish();
        return estimate_from_registers(registers);
    }
    entry_reader entries{data};
    const std::uint64_t used = entries.left();
    while (entries.left() != 0)
        (void)entries.next();
    data.finish();
    return estimate_from_entries(used);
}

bool is_sparse(bytes sketch) {
    reader data{sketch};
    return read_form(data) == k_sparse;
}

} // namespace saas::core::sketch
