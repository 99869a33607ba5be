// SPDX-License-Identifier: PostgreSQL
#include "core/sketch/series.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

namespace saas::core::sketch {
namespace {

constexpr std::size_t k_first_size = 512 - k_block_prefix;
constexpr std::size_t k_stretch_bytes = 4 * k_longest_varint + 3 * sizeof(double);
constexpr double k_microseconds = 1e6;

stretch *stretches_at(series_state *state) {
    return reinterpret_cast<stretch *>(state + 1);
}
std::span<const stretch> stretches_of(const series_state &state) {
    return {reinterpret_cast<const stretch *>(&state + 1), state.used};
}

bool possible(series_kind kind, double value) {
    return std::isfinite(value) && (kind != series_kind::counter || value >= 0);
}

series_state *append(series_state *state, const stretch &next, allocate more) {
    const std::size_t needed =
        sizeof(series_state) + (state->used + std::size_t{1}) * sizeof(stretch);
    if (needed > state->size) {
        const std::size_t size = 2 * (state->size + k_block_prefix) - k_block_prefix;
        auto *larger = static_cast<series_state *>(more(size));
        std::memcpy(larger, state, sizeof(series_state) + state->used * sizeof(stretch));
        larger->size = size;
        state = larger;
    }
    stretches_at(state)[state->used++] = next;
    return state;
}

void require_kind(series_state *state, series_kind kind) {
    if (state->kind == series_kind::none)
        state->kind = kind;
    if (kind != series_kind::none && kind != state->kind)
        throw error{k_invalid_parameter_value,
                    "sketches of different methods cannot be merged",
                    {},
                    "The methods are 'locf' and 'linear'."};
}

// What lies between the last reading of one stretch and the first of the next.
void link(series_kind kind, stretch &all, const stretch &next) {
    if (next.first_at < all.last_at)
        throw error{k_invalid_parameter_value, "sketches overlap in time",
                    "What lies between the readings of finished sketches is not known any more.",
                    "Merge sketches of times that follow one another, each of one series."};
    // What is written of the whole: its duration, and a count of its readings.
    std::int64_t duration = 0;
    if (__builtin_sub_overflow(next.last_at, all.first_at, &duration) ||
        __builtin_add_overflow(all.readings, next.readings, &all.readings))
        throw error{k_numeric_value_out_of_range, "the series is too long for one sketch"};
    const auto gap_microseconds =
        static_cast<std::uint64_t>(next.first_at) - static_cast<std::uint64_t>(all.last_at);
    const double gap = static_cast<double>(gap_microseconds) / k_microseconds;
    if (kind == series_kind::counter) {
        const bool reset = next.first < all.last;
        all.sum += reset ? next.first : next.first - all.last;
        all.resets += reset ? 1 : 0;
    } else if (kind == series_kind::stepped) {
        all.sum += all.last * gap;
    } else {
        all.sum += (all.last / 2 + next.first / 2) * gap;
    }
    all.sum += next.sum;
    all.resets += next.resets;
    all.last_at = next.last_at;
    all.last = next.last;
}

// Readings of one time: the lower first, so that the result depends on the set alone.
void sort(std::vector<stretch> &stretches) {
    const auto key = [](const stretch &s) {
        return std::tuple{s.first_at, s.last_at, s.first, s.last, s.sum, s.resets, s.readings};
    };
    std::sort(stretches.begin(), stretches.end(),
              [&](const stretch &a, const stretch &b) { return key(a) < key(b); });
}

std::optional<stretch> join(series_kind kind, std::vector<stretch> &stretches) {
    if (stretches.empty())
        return std::nullopt;
    sort(stretches);
    stretch all = stretches.front();
    for (std::size_t i = 1; i < stretches.size(); ++i)
        link(kind, all, stretches[i]);
    if (!std::isfinite(all.sum))
        throw error{k_numeric_value_out_of_range, "the sum of the series is out of range"};
    return all;
}

class stretch_reader {
public:
    stretch_reader(reader &data, series_kind kind)
        : data_{data}, kind_{kind}, left_{data.varint()} {}
    [[nodiscard]] std::uint64_t left() const { return left_; }
    [[nodiscard]] stretch next() {
        --left_;
        stretch s{};
        s.readings = data_.varint();
        if (s.readings == 0)
            malformed("It has a stretch without readings.");
        at_ = plus(at_, data_.signed_varint());
        s.first_at = s.last_at = at_;
        s.first = s.last = data_.number();
        if (s.readings > 1) {
            const std::uint64_t duration = data_.varint();
            if (duration > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
                malformed("It has a time out of range.");
            s.last_at = plus(at_, static_cast<std::int64_t>(duration));
            s.last = data_.number();
            s.sum = data_.number();
            s.resets = data_.varint();
        }
        check(s);
        return s;
    }

private:
    static std::int64_t plus(std::int64_t a, std::int64_t b) {
        std::int64_t sum = 0;
        if (__builtin_add_overflow(a, b, &sum))
            malformed("It has a time out of range.");
        return sum;
    }
    void check(const stretch &s) const {
        const bool counter = kind_ == series_kind::counter;
        if (!possible(kind_, s.first) || !possible(kind_, s.last) || !possible(kind_, s.sum))
            malformed("It has an impossible value.");
        if (s.resets >= s.readings || (!counter && s.resets != 0))
            malformed("It has an impossible number of resets.");
    }

    reader &data_;
    series_kind kind_;
    std::uint64_t left_;
    std::int64_t at_ = 0;
};

series_kind read_kind(reader &data, bytes sketch) {
    const bool counter = !sketch.empty() && sketch[0] == 'C';
    data.header(counter ? 'C' : 'W');
    const std::uint8_t kind = data.byte();
    const auto least = counter ? series_kind::counter : series_kind::stepped;
    const auto most = counter ? series_kind::counter : series_kind::linear;
    if (kind < static_cast<std::uint8_t>(least) || kind > static_cast<std::uint8_t>(most))
        malformed("It has an unknown method.");
    return static_cast<series_kind>(kind);
}

std::vector<stretch> all_of(const series_state &state) {
    const auto own = stretches_of(state);
    return {own.begin(), own.end()};
}

std::size_t write(series_kind kind, std::span<const stretch> stretches, std::uint8_t *out) {
    writer target{out};
    target.header(kind == series_kind::counter ? 'C' : 'W');
    target.byte(static_cast<std::uint8_t>(kind));
    target.varint(stretches.size());
    std::int64_t before = 0;
    for (const stretch &s : stretches) {
        target.varint(s.readings);
        target.signed_varint(static_cast<std::int64_t>(static_cast<std::uint64_t>(s.first_at) -
                                                       static_cast<std::uint64_t>(before)));
        target.number(s.first);
        before = s.first_at;
        if (s.readings > 1) {
            target.varint(static_cast<std::uint64_t>(s.last_at) -
                          static_cast<std::uint64_t>(s.first_at));
            target.number(s.last);
            target.number(s.sum);
            target.varint(s.resets);
        }
    }
    return target.size();
}

void check(bytes sketch, char kind) {
    if (sketch.empty() || sketch[0] != static_cast<std::uint8_t>(kind))
        malformed("It is a sketch of another type, or none.");
    reader data{sketch};
    stretch_reader stretches{data, read_kind(data, sketch)};
    std::int64_t before = std::numeric_limits<std::int64_t>::min();
    while (stretches.left() != 0) {
        const stretch next = stretches.next();
        if (next.first_at < before)
            malformed("Its stretches are out of order.");
        before = next.first_at;
    }
    data.finish();
}

} // namespace

series_state *make_series_state(series_kind kind, allocate more) {
    auto *state = static_cast<series_state *>(more(k_first_size));
    state->size = k_first_size;
    state->kind = kind;
    return state;
}

series_state *add(series_state *state, std::int64_t at, double value, allocate more) {
    if (!possible(state->kind, value))
        throw error{k_numeric_value_out_of_range,
                    state->kind == series_kind::counter
                        ? "a reading of a counter must be finite and not negative"
                        : "a reading must be finite"};
    value = value == 0 ? 0.0 : value; // -0 is 0
    return append(state, {at, at, value, value, 0, 0, 1}, more);
}

series_state *merge(series_state *state, const series_state &other, allocate more) {
    require_kind(state, other.kind);
    for (const stretch &next : stretches_of(other))
        state = append(state, next, more);
    return state;
}

series_state *merge(series_state *state, bytes sketch, allocate more) {
    reader data{sketch};
    const series_kind kind = read_kind(data, sketch);
    require_kind(state, kind);
    stretch_reader stretches{data, kind};
    while (stretches.left() != 0)
        state = append(state, stretches.next(), more);
    return state;
}

std::size_t most_bytes(const series_state &state) noexcept {
    return 3 + k_longest_varint + state.used * k_stretch_bytes;
}

std::size_t encode(const series_state &state, std::uint8_t *out) {
    std::vector<stretch> stretches = all_of(state);
    sort(stretches);
    return write(state.kind, stretches, out);
}

std::size_t most_bytes_joined() noexcept {
    return 3 + k_longest_varint + k_stretch_bytes;
}

std::size_t encode_joined(const series_state &state, std::uint8_t *out) {
    std::vector<stretch> stretches = all_of(state);
    const auto all = join(state.kind, stretches);
    return write(state.kind, all ? std::span{&*all, 1} : std::span<const stretch>{}, out);
}

void check_counter_sketch(bytes sketch) {
    check(sketch, 'C');
}

void check_level_sketch(bytes sketch) {
    check(sketch, 'W');
}

series join(bytes sketch) {
    reader data{sketch};
    const series_kind kind = read_kind(data, sketch);
    stretch_reader reading{data, kind};
    std::vector<stretch> stretches;
    while (reading.left() != 0)
        stretches.push_back(reading.next());
    data.finish();
    return {kind, join(kind, stretches)};
}

} // namespace saas::core::sketch
