// SPDX-License-Identifier: PostgreSQL
// How far somebody came in a sequence of steps.
#pragma once

#include "core/error.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace saas::core::metrics {

inline constexpr int k_most_funnel_steps = 30;

struct funnel_event {
    std::int64_t at;     // microseconds
    std::uint32_t steps; // bit k: the event is step k, counted from 0
};

// The steps that were done in order, each by an event of its own, all within `window` microseconds
// of the first one. Of all runs that begin with the first step, the one that gets furthest counts.
// Returns, for each step that was reached, the microseconds from the begin of the run that was the
// first to reach it; the size is how many steps were done.
// Events are in the order of time, else 22023; 22023 also unless 1 <= steps <= 30 and window >= 0.
[[nodiscard]] std::vector<std::int64_t> funnel_progress(std::span<const funnel_event> events,
                                                        int steps, std::int64_t window,
                                                        cancel_poll poll = cancel_poll{});

} // namespace saas::core::metrics
