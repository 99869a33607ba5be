// SPDX-License-Identifier: PostgreSQL
#include "core/sketch/top_k.hpp"

#include "core/sketch/hash.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <string>

namespace saas::core::sketch {
namespace {

struct counter {
    std::uint64_t hash;
    std::uint64_t count; // 0: free
    std::uint64_t error;
    std::uint32_t offset; // of the text
    std::uint32_t length;
};

constexpr std::uint64_t k_largest = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t k_first_text = 128;

counter *counters_at(top_k_state *state) {
    return reinterpret_cast<counter *>(state + 1);
}
std::span<const counter> counters_of(const top_k_state &state) {
    return {reinterpret_cast<const counter *>(&state + 1), state.slots};
}
char *texts_at(top_k_state *state) {
    return reinterpret_cast<char *>(counters_at(state) + state->slots);
}
std::string_view text_of(const top_k_state &state, const counter &c) {
    const auto counters = counters_of(state);
    return {reinterpret_cast<const char *>(counters.data() + counters.size()) + c.offset, c.length};
}

// The counter of the text, or the free one where it belongs. One is always free.
counter *find(top_k_state *state, std::uint64_t hash, std::string_view text) {
    counter *const first = counters_at(state);
    std::uint64_t at = (hash >> 32) * state->slots >> 32;
    while (first[at].count != 0 && (first[at].hash != hash || text_of(*state, first[at]) != text)) {
        if (++at == state->slots)
            at = 0;
    }
    return first + at;
}

void put(top_k_state *state, counter *target, std::uint64_t hash, const frequent_text &item) {
    *target = {hash, item.count, item.error, state->text_used,
               static_cast<std::uint32_t>(item.text.size())};
    if (!item.text.empty())
        std::memcpy(texts_at(state) + state->text_used, item.text.data(), item.text.size());
    state->text_used += target->length;
    ++state->used;
}

top_k_state *make_state(std::uint32_t counters, std::size_t text_size, allocate more) {
    const std::uint32_t slots = counters * 4 / 3 + 2;
    const std::size_t size =
        (sizeof(top_k_state) + slots * sizeof(counter) + text_size + 7) / 8 * 8;
    auto *state = static_cast<top_k_state *>(more(size));
    state->size = size;
    state->slots = slots;
    state->text_size = static_cast<std::uint32_t>(text_size);
    return state;
}

// What is above the floor, in a block with room for twice as many counters, and for so much more
// text.
top_k_state *rebuild(const top_k_state &state, std::uint64_t floor, std::size_t more_text,
                     allocate more) {
    std::uint32_t alive = 0;
    std::size_t text = more_text;
    for (const counter &c : counters_of(state)) {
        if (c.count > floor) {
            ++alive;
            text += c.length;
        }
    }
    top_k_state *fresh =
        make_state(std::max(2 * alive, 8U), std::max(2 * text, k_first_text), more);
    fresh->capacity = state.capacity;
    fresh->count = state.count;
    fresh->floor = floor;
    for (const counter &c : counters_of(state)) {
        if (c.count > floor) {
            const std::string_view own = text_of(state, c);
            put(fresh, find(fresh, c.hash, own), c.hash, {own, c.count, c.error});
        }
    }
    return fresh;
}

// The largest count that does not stay when `capacity` do.
std::uint64_t next_floor(const top_k_state &state) {
    std::vector<std::uint64_t> counts;
    counts.reserve(state.used);
    for (const counter &c : counters_of(state)) {
        if (c.count != 0)
            counts.push_back(c.count);
    }
    const auto at = counts.begin() + state.capacity;
    std::nth_element(counts.begin(), at, counts.end(), std::greater<>{});
    return std::max(*at, state.floor);
}

top_k_state *insert(top_k_state *state, std::uint64_t hash, const frequent_text &item,
                    allocate more) {
    if ((state->used + 1) * std::uint64_t{4} > state->slots * std::uint64_t{3} ||
        item.text.size() > state->text_size - state->text_used)
        state = rebuild(*state, state->floor, item.text.size(), more);
    put(state, find(state, hash, item.text), hash, item);
    return state;
}

top_k_state *prune(top_k_state *state, allocate more) {
    return rebuild(*state, next_floor(*state), 0, more);
}

// Before counters of another sketch come: their floor may have hidden any text of ours.
void begin_merge(top_k_state *state, const top_k_summary &other) {
    if (state->capacity == 0)
        state->capacity = other.capacity;
    else if (other.capacity != 0)
        state->capacity = std::min(state->capacity, other.capacity);
    if (other.count > k_largest - state->count)
        throw error{k_numeric_value_out_of_range, "too many texts in one sketch"};
    state->count += other.count;
    counter *const counters = counters_at(state);
    for (std::uint32_t i = 0; i < state->slots; ++i) {
        if (counters[i].count != 0) {
            counters[i].count += other.floor;
            counters[i].error += other.floor;
        }
    }
}

top_k_state *merge_item(top_k_state *state, const frequent_text &item, std::uint64_t other_floor,
                        allocate more) {
    const std::uint64_t hash = hash_bytes(item.text.data(), item.text.size());
    counter *own = find(state, hash, item.text);
    if (own->count != 0) {
        own->count += item.count - other_floor;
        own->error = own->error - other_floor + item.error;
        return state;
    }
    return insert(state, hash, {item.text, item.count + state->floor, item.error + state->floor},
                  more);
}

top_k_state *end_merge(top_k_state *state, std::uint64_t other_floor, allocate more) {
    state->floor += other_floor;
    return state->used > 2 * state->capacity ? prune(state, more) : state;
}

class text_reader {
public:
    explicit text_reader(bytes sketch) : data_{sketch}, summary_{} {
        data_.header('T');
        const std::uint64_t capacity = data_.varint();
        summary_.count = data_.varint();
        summary_.floor = data_.varint();
        summary_.counters = data_.varint();
        if (capacity == 0 || capacity > k_most_capacity || summary_.count > k_largest ||
            summary_.floor > summary_.count || summary_.counters > 2 * capacity)
            malformed("It has an impossible number.");
        summary_.capacity = static_cast<std::uint32_t>(capacity);
        left_ = summary_.counters;
    }
    [[nodiscard]] const top_k_summary &summary() const { return summary_; }
    [[nodiscard]] std::uint64_t left() const { return left_; }
    [[nodiscard]] frequent_text next() {
        const std::uint64_t length = data_.varint();
        if (length > k_longest_text)
            malformed("It has too long a text.");
        const bytes text = data_.take(length);
        frequent_text item{{reinterpret_cast<const char *>(text.data()), text.size()}, 0, 0};
        item.count = data_.varint();
        item.error = data_.varint();
        // A counter begins at a floor, and floors only rise: so count > floor >= error.
        if (item.count > summary_.count || item.count <= summary_.floor ||
            item.error > summary_.floor || (left_ != summary_.counters && item.text <= before_))
            malformed("It has an impossible counter.");
        before_ = item.text;
        --left_;
        return item;
    }
    void finish() const { data_.finish(); }

private:
    reader data_;
    top_k_summary summary_;
    std::uint64_t left_ = 0;
    std::string_view before_;
};

} // namespace

top_k_state *make_top_k_state(std::uint32_t capacity, allocate more) {
    if (capacity == 0 || capacity > k_most_capacity)
        throw error{k_invalid_parameter_value,
                    "the capacity of a top-k sketch must be 1 to 10000",
                    {},
                    "Ten times the number of texts wanted is a good capacity."};
    top_k_state *state = make_state(8, k_first_text, more);
    state->capacity = capacity;
    return state;
}

top_k_state *make_top_k_state(allocate more) {
    return make_state(8, k_first_text, more);
}

top_k_state *add(top_k_state *state, std::string_view text, allocate more) {
    if (text.size() > k_longest_text)
        throw error{sqlstate{"54000"}, "a text is too long for a top-k sketch",
                    "It has " + std::to_string(text.size()) + " bytes, and 8192 are possible.",
                    "Count a prefix or a digest of the text."};
    const std::uint64_t hash = hash_bytes(text.data(), text.size());
    if (counter *own = find(state, hash, text); own->count != 0) {
        ++own->count;
    } else {
        if (state->used >= 2 * state->capacity)
            state = prune(state, more);
        state = insert(state, hash, {text, state->floor + 1, state->floor}, more);
    }
    ++state->count;
    return state;
}

top_k_state *merge(top_k_state *state, const top_k_state &other, allocate more) {
    begin_merge(state, {other.capacity, other.count, other.floor, other.used});
    for (const counter &c : counters_of(other)) {
        if (c.count != 0)
            state = merge_item(state, {text_of(other, c), c.count, c.error}, other.floor, more);
    }
    return end_merge(state, other.floor, more);
}

top_k_state *merge(top_k_state *state, bytes sketch, allocate more) {
    text_reader texts{sketch};
    begin_merge(state, texts.summary());
    while (texts.left() != 0)
        state = merge_item(state, texts.next(), texts.summary().floor, more);
    return end_merge(state, texts.summary().floor, more);
}

std::size_t most_bytes(const top_k_state &state) noexcept {
    return 2 + 4 * k_longest_varint + state.text_used + state.used * 3 * k_longest_varint;
}

std::size_t encode(const top_k_state &state, std::uint8_t *out) {
    std::vector<frequent_text> items;
    items.reserve(state.used);
    for (const counter &c : counters_of(state)) {
        if (c.count != 0)
            items.push_back({text_of(state, c), c.count, c.error});
    }
    std::sort(items.begin(), items.end(),
              [](const auto &a, const auto &b) { return a.text < b.text; });
    writer target{out};
    target.header('T');
    target.varint(state.capacity);
    target.varint(state.count);
    target.varint(state.floor);
    target.varint(items.size());
    for (const frequent_text &item : items) {
        target.varint(item.text.size());
        target.copy(item.text.data(), item.text.size());
        target.varint(item.count);
        target.varint(item.error);
    }
    return target.size();
}

void check_top_k_sketch(bytes sketch) {
    (void)top_of(sketch, 0);
}

top_k_summary summary_of_top_k(bytes sketch) {
    return text_reader{sketch}.summary();
}

std::vector<frequent_text> top_of(bytes sketch, std::size_t most) {
    text_reader texts{sketch};
    std::vector<frequent_text> items;
    while (texts.left() != 0)
        items.push_back(texts.next());
    texts.finish();
    std::sort(items.begin(), items.end(), [](const auto &a, const auto &b) {
        return a.count != b.count ? a.count > b.count : a.text < b.text;
    });
    items.resize(std::min(items.size(), most));
    return items;
}

} // namespace saas::core::sketch
