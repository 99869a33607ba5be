// SPDX-License-Identifier: PostgreSQL
// Readings in time: how much a counter rose, and the average of a level weighted by time.
//
// Both need the readings in the order of their time, and readings come in any order. So a state
// keeps all of them until it is finished, and joins them then into one stretch: its first and last
// reading and the sum between. Stretches that follow one another in time are joined further, so
// hours make a day; stretches that overlap cannot be, since what lies between their readings is not
// known any more.
#pragma once

#include "core/sketch/bytes.hpp"

#include <optional>

namespace saas::core::sketch {

enum class series_kind : std::uint8_t {
    none,    // empty state: takes the kind of what comes first
    counter, // rises; a fall is a reset to 0 in between (as Prometheus's increase())
    stepped, // keeps its value until the next reading
    linear,  // goes in a straight line to the next reading
};

// One reading, or several joined. Times are microseconds from any origin.
struct stretch {
    std::int64_t first_at;
    std::int64_t last_at;
    double first;
    double last;
    double sum;           // counter: what it rose; else value x seconds
    std::uint64_t resets; // counter only
    std::uint64_t readings;
};

// Plain data. Stretches follow.
struct series_state {
    std::uint64_t size;
    std::uint32_t used; // stretches, in no order
    series_kind kind;
};

[[nodiscard]] series_state *make_series_state(series_kind kind, allocate more);

// Adds a reading. Throws 22003 for a value that is not finite, or negative for a counter.
[[nodiscard]] series_state *add(series_state *state, std::int64_t at, double value, allocate more);

// Adds the stretches of a sketch or state. Throws 22023 for another kind, 22P03 for malformed
// bytes.
[[nodiscard]] series_state *merge(series_state *state, bytes sketch, allocate more);
[[nodiscard]] series_state *merge(series_state *state, const series_state &other, allocate more);

// The sketch of a state as it is, its stretches in the order of their time but not joined.
//   'C' (counter) or 'W', version, kind, number of stretches, then each: readings, time of the
//   first one less that of the stretch before (zigzag; first: from 0), its value; when there are
//   more: time until the last, its value, sum, resets
[[nodiscard]] std::size_t most_bytes(const series_state &state) noexcept;
std::size_t encode(const series_state &state, std::uint8_t *out);

// The same, joined into one stretch. Throws 22023 when stretches overlap, 22003 when the sum, the
// duration (2^63 microseconds) or the readings (2^64) are out of range. At most
// most_bytes_joined() bytes.
[[nodiscard]] std::size_t most_bytes_joined() noexcept;
std::size_t encode_joined(const series_state &state, std::uint8_t *out);

// Throw 22P03 unless the bytes are exactly one sketch: of a counter, of a level.
void check_counter_sketch(bytes sketch);
void check_level_sketch(bytes sketch);

// The whole series as one stretch, or nothing for an empty one. Throws as encode_joined() does.
struct series {
    series_kind kind;
    std::optional<stretch> all;
};
[[nodiscard]] series join(bytes sketch);

} // namespace saas::core::sketch
