// SPDX-License-Identifier: PostgreSQL
#include "core/sketch/distinct.hpp"

#include "core/sketch/cardinality.hpp"

#include <algorithm>

namespace saas::core::sketch {
namespace {

constexpr unsigned k_extra_bits = k_sparse_precision - k_precision;
constexpr std::uint32_t k_extra_mask = (1U << k_extra_bits) - 1;
constexpr std::uint32_t k_rank_mask = 63;
constexpr std::uint32_t k_sparse_values = 1U << k_sparse_precision;
constexpr std::uint8_t k_largest_entry_rank = 64 - k_sparse_precision + 1;
constexpr std::size_t k_first_size = 128 - k_block_prefix;
constexpr std::size_t k_dense_size = sizeof(distinct_state) + k_registers;

std::uint32_t *entries_of(distinct_state *state) {
    return reinterpret_cast<std::uint32_t *>(state + 1);
}
const std::uint32_t *entries_of(const distinct_state &state) {
    return reinterpret_cast<const std::uint32_t *>(&state + 1);
}
std::uint8_t *registers_of(distinct_state *state) {
    return reinterpret_cast<std::uint8_t *>(state + 1);
}
const std::uint8_t *registers_of(const distinct_state &state) {
    return reinterpret_cast<const std::uint8_t *>(&state + 1);
}

std::uint32_t entry_of(std::uint64_t hash) {
    const auto index = static_cast<std::uint32_t>(hash >> (64 - k_sparse_precision));
    if ((index & k_extra_mask) != 0)
        return index << 6;
    // The bit below keeps the count within the bits that are left.
    const std::uint64_t rest = hash << k_sparse_precision | 1ULL << (k_sparse_precision - 1);
    return index << 6 | static_cast<std::uint32_t>(std::countl_zero(rest) + 1);
}

// The register of an entry and its rank.
void raise_register(std::uint8_t *registers, std::uint32_t entry) {
    const std::uint32_t index = entry >> 6;
    const std::uint32_t extra = index & k_extra_mask;
    const auto rank = static_cast<std::uint8_t>(
        extra != 0 ? std::countl_zero(extra) - (32 - static_cast<int>(k_extra_bits)) + 1
                   : static_cast<int>(k_extra_bits + (entry & k_rank_mask)));
    std::uint8_t &target = registers[index >> k_extra_bits];
    target = std::max(target, rank);
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

// The loops over all registers are plain enough for the compiler to take many at once.
void raise_all(std::uint8_t *__restrict target, const std::uint8_t *__restrict source) {
    for (std::uint32_t i = 0; i < k_registers; ++i)
        target[i] = std::max(target[i], source[i]);
}

std::uint8_t least_of(const std::uint8_t *registers) {
    std::uint8_t least = 255;
    for (std::uint32_t i = 0; i < k_registers; ++i)
        least = std::min(least, registers[i]);
    return least;
}

std::uint32_t count_above(const std::uint8_t *registers, int most) {
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < k_registers; ++i)
        count += registers[i] > most ? 1U : 0U;
    return count;
}

} // namespace

distinct_state *make_distinct_state(allocate more) {
    return make_sparse(k_first_size, more);
}

distinct_state *add_hash(distinct_state *state, std::uint64_t hash, allocate more) {
    if (state->dense == 0)
        return add_entry(state, entry_of(hash), more);
    const std::uint64_t rest = hash << k_precision | 1ULL << (k_precision - 1);
    const auto rank = static_cast<std::uint8_t>(std::countl_zero(rest) + 1);
    std::uint8_t &target = registers_of(state)[hash >> (64 - k_precision)];
    target = std::max(target, rank);
    return state;
}

distinct_state *merge(distinct_state *state, const distinct_state &other, allocate more) {
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

namespace {

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
void read_dense(reader &data, std::uint8_t *registers) {
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

form read_form(reader &data) {
    data.header('D');
    const std::uint8_t found = data.byte();
    if (found > k_dense)
        malformed("It has an unknown form.");
    return static_cast<form>(found);
}

} // namespace

distinct_state *merge(distinct_state *state, bytes sketch, allocate more) {
    reader data{sketch};
    if (read_form(data) == k_dense) {
        if (state->dense == 0)
            state = to_dense(*state, more);
        read_dense(data, registers_of(state));
        return state;
    }
    entry_reader entries{data};
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

std::size_t most_bytes(const distinct_state &state) noexcept {
    constexpr std::size_t k_head = 4 + k_longest_varint;
    if (state.dense == 0)
        return k_head + state.used * std::size_t{3 + 1};
    const std::uint8_t *registers = registers_of(state);
    const std::uint32_t beyond = count_above(registers, least_of(registers) + 15);
    return k_head + k_registers / 2 + beyond * std::size_t{3 + 1};
}

namespace {

void write_dense(writer &out, const std::uint8_t *registers) {
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

} // namespace

std::size_t encode(const distinct_state &state, std::uint8_t *out) {
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

double estimate_of(const distinct_state &state) noexcept {
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
