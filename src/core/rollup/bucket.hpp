// SPDX-License-Identifier: PostgreSQL
// Where a moment falls in rollups. Times are microseconds since a midnight of UTC, of either sign.
#pragma once

#include <cstdint>

namespace saas::core::rollup {

inline constexpr std::int64_t k_second = 1'000'000;
inline constexpr std::int64_t k_hour = 3'600 * k_second;
// Changes are noted by this span: the offset of every time zone in use today is a multiple of it, so that
// an hour of any of them is a whole number of spans.
inline constexpr std::int64_t k_span = 900 * k_second;

// Rollups have the years 1 to 9999 of UTC. Beyond them arithmetic with times leaves what the server can
// hold, and one row there would keep its bucket from ever being computed. Days are counted from 2000.
inline constexpr std::int64_t k_first = -730'119 * 24 * k_hour;
inline constexpr std::int64_t k_end = 2'921'940 * 24 * k_hour;

// Whether rollups have a time, in microseconds since 2000. Infinite times are out of range as well.
[[nodiscard]] constexpr bool is_in_range(std::int64_t time) noexcept {
    return time >= k_first && time < k_end;
}

// The greatest multiple of `step`, which is positive, up to `time`.
[[nodiscard]] constexpr std::int64_t floor_to(std::int64_t time, std::int64_t step) noexcept {
    const std::int64_t rest = time % step;
    return time - (rest < 0 ? rest + step : rest);
}

// The start of the local hour that `time` is in, where clocks are `offset` seconds ahead of UTC then.
[[nodiscard]] constexpr std::int64_t hour_of(std::int64_t time, std::int64_t offset) noexcept {
    return floor_to(time + offset * k_second, k_hour) - offset * k_second;
}

} // namespace saas::core::rollup
