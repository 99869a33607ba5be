// SPDX-License-Identifier: PostgreSQL
// The generic cell rate algorithm (ITU-T I.371, annex A, virtual scheduling): a limit of so many
// calls a period that keeps one number, the theoretical arrival time of the next call.
#pragma once

#include <algorithm>
#include <cstdint>

namespace saas::core::rate_limit {

// All times in nanoseconds.
struct rate {
    std::int64_t interval;  // between two calls at the steady rate; at least 1
    std::int64_t tolerance; // how far ahead of it calls may be
};

// `limit` calls in `period` nanoseconds, which may all come at once. Both are at least 1.
[[nodiscard]] constexpr rate rate_of(std::int64_t limit, std::int64_t period) noexcept {
    const std::int64_t interval = std::max<std::int64_t>(period / limit, 1);
    return {interval, std::max<std::int64_t>(period - interval, 0)};
}

struct decision {
    bool allowed;
    std::int64_t retry_after; // when refused: in how many nanoseconds a call would be allowed
};

// Decides about a call at time `now`. `arrival` is what is kept between calls, 0 at first; a time
// that has passed means the same. A refused call does not count.
[[nodiscard]] constexpr decision admit(std::int64_t &arrival, std::int64_t now,
                                       const rate &limit) noexcept {
    const std::int64_t expected = std::max(arrival, now);
    const std::int64_t ahead = expected - now;
    if (ahead > limit.tolerance)
        return {false, ahead - limit.tolerance};
    arrival = expected + limit.interval;
    return {true, 0};
}

} // namespace saas::core::rate_limit
