// SPDX-License-Identifier: PostgreSQL
// Points in time and durations as rules write them.
#pragma once

#include "core/fraud/value.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace saas::core::fraud {

// Microseconds since 1970-01-01 00:00 UTC.
using moment = std::int64_t;

inline constexpr std::int64_t k_second = 1'000'000;
inline constexpr std::int64_t k_day = 86'400 * k_second;

// The moment that an ISO 8601 text names: 2026-12-31, 2026-12-31T23:59:59.25Z,
// 2026-12-31 23:59+01:00. Years 1 to 9999, Gregorian; without a zone it is UTC. Nothing for another text.
[[nodiscard]] std::optional<moment> parse_moment(std::string_view words) noexcept;

// A moment from a value: a text as above, or a number of seconds since 1970-01-01 00:00 UTC. Missing
// and failures stay what they are; else type_mismatch or out_of_range. The answer is an integer.
[[nodiscard]] value to_moment(const value &a) noexcept;

// Days from the moment in `a` to `now`, a fraction; negative for a moment to come.
[[nodiscard]] value age_in_days(const value &a, moment now) noexcept;

// The seconds of one unit: s, sec, second(s), m, min, minute(s), h, hour(s), d, day(s), w, week(s), in any
// case. 0 for another word.
[[nodiscard]] std::int64_t seconds_of_unit(std::string_view unit) noexcept;

// Hour (0 to 23) and day of the week (0 is Sunday) in UTC.
[[nodiscard]] value utc_hour(moment at) noexcept;
[[nodiscard]] value utc_weekday(moment at) noexcept;

} // namespace saas::core::fraud
