// SPDX-License-Identifier: PostgreSQL
// A quantile sketch under construction: an open hash table of buckets. Most values are near each
// other, so the buckets around the median have the slot of their order and meet nobody there; the
// others take the slot of a hash, and the next ones while that is taken.
//
// A slot is the bucket's code, 18 bits, above its count; a slot of 0 is free, since no code is 0.
// Slots have 4 bytes until a count exceeds 14 bits, then 8.
#include "core/sketch/quantile.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace saas::core::sketch {
namespace {

constexpr std::uint32_t k_code_bits = 18;
constexpr bucket_key k_code_offset = 1 << (k_code_bits - 1);
constexpr std::size_t k_largest_reserve = 65'536; // malformed bytes may promise anything
constexpr std::size_t k_first_size = 128 - k_block_prefix;

// The code of a key: positive, in the order of keys.
std::uint32_t code_of(bucket_key key) {
    return static_cast<std::uint32_t>(key + k_code_offset);
}

template <class Slot>
struct table {
    static constexpr unsigned k_count_bits = sizeof(Slot) * 8 - k_code_bits;
    static constexpr Slot k_most = static_cast<Slot>((Slot{1} << k_count_bits) - 1);

    static Slot *slots(quantile_state *state) { return reinterpret_cast<Slot *>(state + 1); }
    static const Slot *slots(const quantile_state *state) {
        return reinterpret_cast<const Slot *>(state + 1);
    }
    // The slot of a code, or the free one where it belongs. At least one slot is always free.
    static Slot *find(quantile_state *state, std::uint32_t code) {
        Slot *const first = slots(state);
        std::uint32_t at = code - state->base;
        if (at >= state->slots) {
            const std::uint32_t hash = code * 0x9E3779B1U;
            at = static_cast<std::uint32_t>(static_cast<std::uint64_t>(hash) * state->slots >> 32);
        }
        while (first[at] != 0 && first[at] >> k_count_bits != code) {
            if (++at == state->slots)
                at = 0;
        }
        return first + at;
    }
    static Slot make(std::uint32_t code, std::uint64_t count) {
        return static_cast<Slot>(static_cast<Slot>(code) << k_count_bits |
                                 static_cast<Slot>(count));
    }
};
using narrow = table<std::uint32_t>;
using wide = table<std::uint64_t>;
static_assert(wide::k_most == k_largest_count);

[[noreturn]] void too_many() {
    throw error{k_numeric_value_out_of_range, "too many values in one quantile sketch",
                "A sketch counts up to " + std::to_string(k_largest_count) + " values."};
}

[[noreturn]] void not_there() {
    throw error{k_invalid_parameter_value,
                "the quantile sketch does not contain what is to be taken away",
                {},
                "Only what was merged or added before can be taken away."};
}

quantile_state *make_state(std::size_t size, bool is_wide, allocate more) {
    auto *state = static_cast<quantile_state *>(more(size));
    state->size = static_cast<std::uint32_t>(size);
    state->wide = is_wide ? 1 : 0;
    state->slots =
        static_cast<std::uint32_t>((size - sizeof(quantile_state)) /
                                   (is_wide ? sizeof(std::uint64_t) : sizeof(std::uint32_t)));
    return state;
}

// Calls visit(code, count) for every used slot, in no order.
template <class Visit>
void each_slot(const quantile_state &state, Visit visit) {
    const auto in = [&]<class Slot>(const Slot *slots) {
        for (std::uint32_t i = 0; i < state.slots; ++i) {
            if (slots[i] != 0)
                visit(static_cast<std::uint32_t>(slots[i] >> table<Slot>::k_count_bits),
                      static_cast<std::uint64_t>(slots[i] & table<Slot>::k_most));
        }
    };
    if (state.wide != 0)
        in(wide::slots(&state));
    else
        in(narrow::slots(&state));
}

// Gives the code the slot `below`, or as near to it as codes go. A base of 0 is none.
void set_base(quantile_state *state, std::uint32_t code, std::uint32_t below) {
    constexpr std::uint32_t k_mask = (1U << 31) - 1; // codes have 18 bits; for the compiler
    state->base = (code - std::min(code - 1, below)) & k_mask;
}

// The median of some of the buckets. Slots are mostly in their order, so some from all over will
// do.
std::uint32_t median_code(const quantile_state &state) {
    constexpr std::uint32_t k_sample = 64;
    std::uint32_t codes[k_sample]; // NOLINT: only `count` of them are read
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < k_sample; ++i) {
        const auto at = static_cast<std::uint32_t>(std::uint64_t{i} * state.slots / k_sample);
        const std::uint64_t code = state.wide != 0
                                       ? wide::slots(&state)[at] >> wide::k_count_bits
                                       : narrow::slots(&state)[at] >> narrow::k_count_bits;
        if (code != 0)
            codes[count++] = static_cast<std::uint32_t>(code);
    }
    if (count == 0)
        return state.base + state.slots / 2;
    std::nth_element(codes, codes + count / 2, codes + count);
    return codes[count / 2];
}

// The same buckets in a block of another size or width. Counts of 0 stay behind.
quantile_state *rebuild(const quantile_state &state, std::size_t size, bool is_wide,
                        allocate more) {
    quantile_state *fresh = make_state(size, is_wide, more);
    fresh->count = state.count;
    set_base(fresh, median_code(state), fresh->slots / 2);
    each_slot(state, [&](std::uint32_t code, std::uint64_t count) {
        if (count == 0)
            return;
        if (is_wide)
            *wide::find(fresh, code) = wide::make(code, count);
        else
            *narrow::find(fresh, code) = narrow::make(code, count);
        ++fresh->used;
    });
    return fresh;
}

std::size_t twice(std::size_t size) {
    return 2 * (size + k_block_prefix) - k_block_prefix;
}

bool is_full(const quantile_state &state) {
    return (state.used + 1) * std::uint64_t{4} > state.slots * std::uint64_t{3};
}

// Adds to the slot; false when there is no room for another bucket or so large a count.
template <class Slot>
[[gnu::always_inline]] inline bool try_add(quantile_state *state, std::uint32_t code,
                                           std::uint64_t count) {
    using kind = table<Slot>;
    Slot *slot = kind::find(state, code);
    if (*slot == 0) {
        if (is_full(*state) || count > kind::k_most)
            return false;
        *slot = kind::make(code, count);
        ++state->used;
    } else {
        if (count > kind::k_most - (*slot & kind::k_most))
            return false;
        *slot = static_cast<Slot>(*slot + count);
    }
    state->count += count;
    return true;
}

bool try_add(quantile_state *state, std::uint32_t code, std::uint64_t count) {
    return state->wide != 0 ? try_add<std::uint64_t>(state, code, count)
                            : try_add<std::uint32_t>(state, code, count);
}

// More room for buckets or, when there is enough, for counts. What was taken away again makes room
// as well, so that a moving window does not grow for ever.
[[gnu::noinline]] quantile_state *grow(const quantile_state &state, allocate more) {
    if (!is_full(state))
        return rebuild(state, twice(state.size), true, more);
    std::uint32_t alive = 0;
    each_slot(state, [&](std::uint32_t, std::uint64_t count) { alive += count != 0 ? 1 : 0; });
    const bool crowded = alive * std::uint64_t{2} > state.slots;
    return rebuild(state, crowded ? twice(state.size) : state.size, state.wide != 0, more);
}

} // namespace

quantile_state *make_quantile_state(allocate more) {
    return make_state(k_first_size, false, more);
}

namespace {

[[gnu::noinline]] quantile_state *add_slowly(quantile_state *state, std::uint32_t code,
                                             std::uint64_t count, allocate more) {
    if (state->base == 0)
        set_base(state, code, state->slots / 2);
    while (!try_add(state, code, count))
        state = grow(*state, more);
    return state;
}

// Room for so many buckets at once, if they are more than there are.
quantile_state *reserve(quantile_state *state, std::uint64_t buckets, allocate more) {
    const std::size_t slot = state->wide != 0 ? sizeof(std::uint64_t) : sizeof(std::uint32_t);
    std::size_t size = state->size;
    while (buckets * 4 * slot > (size - sizeof(quantile_state)) * 3 - 3 * slot &&
           size < k_largest_reserve)
        size = twice(size);
    return size == state->size ? state : rebuild(*state, size, state->wide != 0, more);
}

inline quantile_state *add_code(quantile_state *state, std::uint32_t code, std::uint64_t count,
                                allocate more) {
    if (count > k_largest_count - state->count)
        too_many();
    if (state->base != 0 && try_add(state, code, count))
        return state;
    return add_slowly(state, code, count, more);
}

// Adds buckets up to one that is not in its own slot yet, and that one. Days are merged from hours
// whose buckets are mostly there: what the loop needs stays in registers.
template <class Slot>
quantile_state *add_buckets(quantile_state *state, bucket_reader &from, allocate more) {
    using kind = table<Slot>;
    bucket_reader buckets = from;
    Slot *const slots = kind::slots(state);
    const std::uint32_t size = state->slots;
    const std::uint32_t base = state->base;
    std::uint64_t added = 0;
    bucket next{};
    bool there = true;
    while (there && buckets.left() != 0) {
        next = buckets.next();
        const std::uint32_t code = code_of(next.key);
        const std::uint32_t at = code - base;
        there = at < size && slots[at] >> kind::k_count_bits == code &&
                next.count <= kind::k_most - (slots[at] & kind::k_most);
        if (there) {
            slots[at] = static_cast<Slot>(slots[at] + next.count);
            added += next.count;
        }
    }
    from = buckets;
    if (added > k_largest_count - state->count)
        too_many();
    state->count += added;
    return there ? state : add_code(state, code_of(next.key), next.count, more);
}

} // namespace

quantile_state *add(quantile_state *state, bucket_key key, std::uint64_t count, allocate more) {
    return add_code(state, code_of(key), count, more);
}

void take(quantile_state *state, bucket_key key, std::uint64_t count) {
    const std::uint32_t code = code_of(key);
    const auto from = [&]<class Slot>(Slot *slot) {
        if (*slot == 0 || (*slot & table<Slot>::k_most) < count)
            not_there();
        *slot = static_cast<Slot>(*slot - count);
    };
    if (state->wide != 0)
        from(wide::find(state, code));
    else
        from(narrow::find(state, code));
    state->count -= count;
}

quantile_state *merge(quantile_state *state, bytes sketch, allocate more) {
    bucket_reader buckets{sketch};
    state = reserve(state, buckets.left(), more);
    if (state->used == 0 && buckets.left() != 0) { // the first is the lowest: leave little below it
        bucket_reader ahead = buckets;
        set_base(state, code_of(ahead.next().key), state->slots / 8);
    }
    while (buckets.left() != 0)
        state = state->wide != 0 ? add_buckets<std::uint64_t>(state, buckets, more)
                                 : add_buckets<std::uint32_t>(state, buckets, more);
    return state;
}

quantile_state *merge(quantile_state *state, const quantile_state &other, allocate more) {
    each_slot(other, [&](std::uint32_t code, std::uint64_t count) {
        if (count != 0)
            state = add_code(state, code, count, more);
    });
    return state;
}

void take(quantile_state *state, bytes sketch) {
    bucket_reader buckets{sketch};
    while (buckets.left() != 0) {
        const bucket next = buckets.next();
        take(state, next.key, next.count);
    }
}

void take(quantile_state *state, const quantile_state &other) {
    each_slot(other, [&](std::uint32_t code, std::uint64_t count) {
        if (count != 0)
            take(state, static_cast<bucket_key>(code) - k_code_offset, count);
    });
}

std::size_t most_bytes(const quantile_state &state) noexcept {
    // A bucket: both halves, a distance of 18 bits, a count of 46.
    return 2 + k_longest_varint + state.used * std::size_t{1 + 3 + 7};
}

namespace {

void write_bucket(writer &out, std::uint32_t step, std::uint64_t count) {
    const std::uint32_t upper = step < 16 ? step : 0;
    const std::uint64_t lower = count < 16 ? count : 0;
    out.byte(static_cast<std::uint8_t>(upper << 4 | lower));
    if (upper == 0)
        out.varint(step - 16);
    if (lower == 0)
        out.varint(count - 16);
}

// Buckets next to each other of which a scatter into an array makes the order; wider ones are
// sorted.
constexpr std::uint32_t k_most_scattered = 4096;

// Writes the buckets between two codes in ascending order, the slots being in none.
void write_scattered(writer &out, const quantile_state &state, std::uint32_t least) {
    std::uint64_t present[k_most_scattered / 64] = {};
    std::uint64_t counts[k_most_scattered]; // NOLINT: only those present are set and read
    each_slot(state, [&](std::uint32_t code, std::uint64_t count) {
        const std::uint32_t at = code - least;
        present[at / 64] |= static_cast<std::uint64_t>(count != 0) << (at % 64);
        counts[at] = count;
    });
    std::uint32_t before = code_of(-k_infinity_key - 1);
    for (std::uint32_t word = 0; word < k_most_scattered / 64; ++word) {
        for (std::uint64_t rest = present[word]; rest != 0; rest &= rest - 1) {
            const std::uint32_t at = word * 64 + static_cast<std::uint32_t>(std::countr_zero(rest));
            write_bucket(out, least + at - before, counts[at]);
            before = least + at;
        }
    }
}

void write_sorted(writer &out, const quantile_state &state, std::uint64_t used) {
    std::vector<std::pair<std::uint32_t, std::uint64_t>> buckets;
    buckets.reserve(used);
    each_slot(state, [&](std::uint32_t code, std::uint64_t count) {
        if (count != 0)
            buckets.emplace_back(code, count);
    });
    std::sort(buckets.begin(), buckets.end());
    std::uint32_t before = code_of(-k_infinity_key - 1);
    for (const auto &[code, count] : buckets) {
        write_bucket(out, code - before, count);
        before = code;
    }
}

} // namespace

std::size_t encode(const quantile_state &state, std::uint8_t *out) {
    std::uint32_t least = 1U << k_code_bits;
    std::uint32_t greatest = 0;
    std::uint64_t used = 0;
    each_slot(state, [&](std::uint32_t code, std::uint64_t count) {
        if (count != 0) {
            least = std::min(least, code);
            greatest = std::max(greatest, code);
            ++used;
        }
    });
    writer target{out};
    target.header('Q');
    target.varint(used);
    if (used != 0 && greatest - least < k_most_scattered && state.used == used)
        write_scattered(target, state, least);
    else
        write_sorted(target, state, used);
    return target.size();
}

} // namespace saas::core::sketch
