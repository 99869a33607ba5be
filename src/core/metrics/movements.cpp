// SPDX-License-Identifier: PostgreSQL
#include "core/metrics/movements.hpp"

#include <algorithm>
#include <optional>
#include <tuple>

namespace saas::core::metrics {

namespace {

struct delta {
    std::int64_t at;
    std::int64_t amount;
};

std::int64_t sum(std::int64_t a, std::int64_t b) {
    std::int64_t result = 0;
    if (__builtin_add_overflow(a, b, &result))
        throw error{k_numeric_value_out_of_range, "recurring revenue is out of range"};
    return result;
}

std::int64_t difference(std::int64_t a, std::int64_t b) {
    std::int64_t result = 0;
    if (__builtin_sub_overflow(a, b, &result))
        throw error{k_numeric_value_out_of_range, "recurring revenue is out of range"};
    return result;
}

bool over_by(const revenue_state &state, std::int64_t at) noexcept {
    return state.discount_ends != 0 && state.discount_ends_at <= at;
}

// What one subscription adds, state by state; `states` are its own, in order.
void add_deltas(std::span<const revenue_state> states, std::vector<delta> &deltas) {
    std::int64_t before = 0;
    for (std::size_t i = 0; i < states.size(); ++i) {
        const revenue_state &state = states[i];
        const bool last = i + 1 == states.size();
        const std::int64_t next = last ? 0 : states[i + 1].starts_at;
        const bool starts_without = over_by(state, state.starts_at);
        const std::int64_t first = starts_without ? state.mrr_without_discount : state.mrr;
        deltas.push_back({state.starts_at, difference(first, before)});
        before = first;
        if (!starts_without && state.discount_ends != 0 && (last || state.discount_ends_at < next)) {
            deltas.push_back(
                {state.discount_ends_at, difference(state.mrr_without_discount, first)});
            before = state.mrr_without_discount;
        }
    }
}

} // namespace

std::vector<movement> movements_of(std::span<revenue_state> states, cancel_poll poll) {
    std::sort(states.begin(), states.end(), [](const revenue_state &a, const revenue_state &b) {
        return std::tie(a.subscription, a.revision) < std::tie(b.subscription, b.revision);
    });
    std::vector<delta> deltas;
    deltas.reserve(states.size());
    for (std::size_t begin = 0, end = 0; begin < states.size(); begin = end) {
        while (end < states.size() && states[end].subscription == states[begin].subscription) {
            poll.step();
            ++end;
        }
        add_deltas(states.subspan(begin, end - begin), deltas);
    }
    std::sort(deltas.begin(), deltas.end(),
              [](const delta &a, const delta &b) { return a.at < b.at; });

    std::vector<movement> result;
    result.reserve(deltas.size());
    std::int64_t after = 0;
    for (std::size_t i = 0; i < deltas.size();) {
        poll.step();
        const std::int64_t at = deltas[i].at;
        const std::int64_t before = after;
        for (; i < deltas.size() && deltas[i].at == at; ++i)
            after = sum(after, deltas[i].amount);
        if (after != before)
            result.push_back({at, difference(after, before), after});
    }
    return result;
}

std::vector<month_change> by_month(std::span<const movement> steps,
                                   std::span<const std::int64_t> months) {
    const auto not_after = [](std::int64_t a, std::int64_t b) { return a >= b; };
    if (months.empty() ||
        std::adjacent_find(months.begin(), months.end(), not_after) != months.end())
        throw error{k_invalid_parameter_value, "months ascend, and the end of the last one is told"};
    std::vector<month_change> result;
    std::int64_t before = 0;
    std::optional<std::int64_t> latest;
    auto next = months.begin(); // the first month that begins after the step
    for (const movement &step : steps) {
        if ((latest && step.at < *latest) || sum(before, step.amount) != step.after)
            throw error{k_invalid_parameter_value, "changes of revenue follow each other"};
        if (step.at >= months.back())
            break;
        while (*next <= step.at)
            ++next;
        const std::int64_t month = next - months.begin();
        if (result.empty() || result.back().month != month)
            result.push_back({month, result.empty() ? month : result.front().month, before});
        month_change &change = result.back();
        if (!latest) {
            change.new_mrr = step.amount;
        } else if (before == 0) {
            change.reactivation = sum(change.reactivation, step.amount);
            change.reactivations += 1;
        } else if (step.after == 0) {
            change.churned = sum(change.churned, step.amount);
            change.churns += 1;
        } else if (step.amount > 0) {
            change.expansion = sum(change.expansion, step.amount);
        } else {
            change.contraction = sum(change.contraction, step.amount);
        }
        before = step.after;
        latest = step.at;
    }
    return result;
}

} // namespace saas::core::metrics
