// SPDX-License-Identifier: PostgreSQL
// Stretches of use: events of one person of which each follows the one before within a gap.
#pragma once

#include "core/error.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace saas::core::metrics {

// Counts sessions in one pass over events in the order of person and time. Plain data, so that it may
// live in memory of the server.
struct session_counter {
    std::int64_t users = 0;
    std::int64_t sessions = 0; // those that have ended
    std::int64_t events = 0;
    std::int64_t single = 0; // sessions of one event
    std::int64_t began_at = 0;
    std::int64_t last_at = 0;
    std::int64_t events_now = 0; // of the session that goes on; 0: there is none
};

// The next event: of another person, or of the one before. Times and gap in microseconds, gap above 0.
// Returns the microseconds that the session took which the event ended, if it ended one. Throws 22023
// for an event of the same person that is earlier than the one before.
std::optional<std::int64_t> next_event(session_counter &counter, bool another_person,
                                       std::int64_t at, std::int64_t gap);

// Ends the last session; the microseconds that it took, if there was one.
std::optional<std::int64_t> end_of_events(session_counter &counter) noexcept;

// The median, half way between the two in the middle of an even number. Reorders. Empty for none.
[[nodiscard]] std::optional<double> median_of(std::span<std::int64_t> values);

} // namespace saas::core::metrics
