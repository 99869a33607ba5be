// SPDX-License-Identifier: PostgreSQL
#include "core/metrics/sessions.hpp"

#include <algorithm>

namespace saas::core::metrics {

std::optional<std::int64_t> end_of_events(session_counter &counter) noexcept {
    if (counter.events_now == 0)
        return std::nullopt;
    counter.sessions += 1;
    counter.single += counter.events_now == 1 ? 1 : 0;
    counter.events_now = 0;
    return counter.last_at - counter.began_at;
}

std::optional<std::int64_t> next_event(session_counter &counter, bool another_person,
                                       std::int64_t at, std::int64_t gap) {
    std::optional<std::int64_t> ended;
    if (!another_person && at < counter.last_at)
        throw error{k_invalid_parameter_value, "events of sessions are in the order of time"};
    // Unsigned, since the distance of two times may be more than half the range.
    const auto passed = static_cast<std::uint64_t>(at) - static_cast<std::uint64_t>(counter.last_at);
    if (another_person || passed > static_cast<std::uint64_t>(gap))
        ended = end_of_events(counter);
    if (counter.events_now == 0)
        counter.began_at = at;
    counter.users += another_person ? 1 : 0;
    counter.events += 1;
    counter.events_now += 1;
    counter.last_at = at;
    return ended;
}

std::optional<double> median_of(std::span<std::int64_t> values) {
    if (values.empty())
        return std::nullopt;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    const auto upper = static_cast<double>(*middle);
    if (values.size() % 2 != 0)
        return upper;
    const auto lower = static_cast<double>(*std::max_element(values.begin(), middle));
    return lower + 0.5 * (upper - lower);
}

} // namespace saas::core::metrics
