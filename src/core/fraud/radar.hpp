// SPDX-License-Identifier: PostgreSQL
// The attributes of Stripe Radar whose names follow a pattern, and what they mean in this language.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace saas::core::fraud {

// What computes the attribute when nobody supplies it: an expression of the rule language. Empty when
// only the caller can know it (disputes at other merchants, distances). Nothing when there is no such
// attribute. Families: {total, authorized, blocked, declined}_charges_per_…, {card, email, name, …}_count_for_…,
// {dispute, efw, refund}_count_on_…, total_customers_for_…, {average, total}_usd_amount_…_on_…,
// distance_between_…_and_…, {hours, minutes, seconds}_since_…, each with _hourly, _daily, _weekly,
// _monthly or _all_time where Radar has it; amount_in_xyz; and customer.age_days.
[[nodiscard]] std::optional<std::string> radar_meaning(std::string_view name);

} // namespace saas::core::fraud
