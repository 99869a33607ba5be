// SPDX-License-Identifier: PostgreSQL
// From what each state of each subscription is worth a month to what the customer's sum changed by.
#pragma once

#include "core/error.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace saas::core::metrics {

// What a subscription is worth a month from a moment on, until its next state.
struct revenue_state {
    std::array<std::uint8_t, 16> subscription;
    std::int32_t revision;      // in the order of which states follow each other
    std::int32_t discount_ends; // 0: it does not
    std::int64_t starts_at;            // microseconds
    std::int64_t discount_ends_at;     // microseconds, if the discount ends
    std::int64_t mrr;                  // minor units a month, until then
    std::int64_t mrr_without_discount; // and from then on
};

struct movement {
    std::int64_t at;     // microseconds
    std::int64_t amount; // minor units a month, not 0
    std::int64_t after;  // the customer's sum from then on
};

// The changes of the sum over the states of one customer in one currency, in the order of time. What
// happens at one moment is one change, and none when it adds up to nothing; a state that ends when it
// begins takes no time. Puts the states in order of subscription and revision. Polls every few
// thousand states. Throws 22003 when a sum leaves the range of 64 bits.
[[nodiscard]] std::vector<movement> movements_of(std::span<revenue_state> states,
                                                 cancel_poll poll = cancel_poll{});

// What moved a customer's sum within one month.
struct month_change {
    std::int64_t month;  // which of the months, from 1; 0: before them all
    std::int64_t cohort; // the same of the customer's first revenue
    std::int64_t start;  // minor units when the month began
    std::int64_t new_mrr = 0;
    std::int64_t expansion = 0;
    std::int64_t contraction = 0; // 0 or less
    std::int64_t churned = 0;     // 0 or less
    std::int64_t reactivation = 0;
    std::int64_t churns = 0; // how often
    std::int64_t reactivations = 0;
};

// The months in which something moved, in order. `months` are the moments at which each begins, and at
// last the one at which the last one ends, ascending; what is later counts for nothing. `steps` are as
// movements_of() returns them. Throws 22023 for another order.
[[nodiscard]] std::vector<month_change> by_month(std::span<const movement> steps,
                                                 std::span<const std::int64_t> months);

} // namespace saas::core::metrics
