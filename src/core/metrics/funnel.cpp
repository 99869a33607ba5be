// SPDX-License-Identifier: PostgreSQL
#include "core/metrics/funnel.hpp"

#include <array>
#include <optional>

namespace saas::core::metrics {

namespace {

// b - a for a <= b; nothing when that does not fit.
std::optional<std::int64_t> distance(std::int64_t a, std::int64_t b) noexcept {
    std::int64_t result = 0;
    if (__builtin_sub_overflow(b, a, &result))
        return std::nullopt;
    return result;
}

} // namespace

std::vector<std::int64_t> funnel_progress(std::span<const funnel_event> events, int steps,
                                          std::int64_t window, cancel_poll poll) {
    if (steps < 1 || steps > k_most_funnel_steps)
        throw error{k_invalid_parameter_value, "a funnel has 1 to 30 steps"};
    if (window < 0)
        throw error{k_invalid_parameter_value, "the window of a funnel is not negative"};

    const auto count = static_cast<std::size_t>(steps);
    // For each step the latest begin of a run that has reached it: that run's window closes last, so
    // no other run can get further than it.
    std::array<std::optional<std::int64_t>, k_most_funnel_steps> begins{};
    std::vector<std::int64_t> reached;
    std::optional<std::int64_t> before;
    for (const funnel_event &event : events) {
        poll.step();
        if (before && event.at < *before)
            throw error{k_invalid_parameter_value, "events of a funnel are in the order of time"};
        before = event.at;
        // Backwards, so that one event is not two steps of a run.
        for (std::size_t k = count; k-- > 1;) {
            if ((event.steps >> k & 1U) == 0 || !begins[k - 1])
                continue;
            const auto elapsed = distance(*begins[k - 1], event.at);
            if (!elapsed || *elapsed > window)
                continue;
            begins[k] = begins[k - 1];
            if (k == reached.size())
                reached.push_back(*elapsed);
        }
        if ((event.steps & 1U) != 0) {
            begins[0] = event.at;
            if (reached.empty())
                reached.push_back(0);
        }
    }
    return reached;
}

} // namespace saas::core::metrics
