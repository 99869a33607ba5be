// SPDX-License-Identifier: PostgreSQL
// An assessment with everything that explains and reproduces it.
#pragma once

#include "fraud/rules.hpp"

#include "pg/prelude.hpp"

namespace saas::fraud {

// The record (score, decision, matched, shadow, errors, rule_set_version, terms, settings) of what
// the set's memory has just computed. `matched` and `shadow` say what each rule read, but for rules of the
// platform, whose conditions are not the team's to know. `terms` has what each term was asked and
// answered, by its number, null for one that no rule asked. Calls the server through pg::call.
[[nodiscard]] Datum trace_row(FunctionCallInfo fcinfo, const compiled_rules &compiled,
                              const core::fraud::thresholds &limits,
                              const core::fraud::assessment &result);

} // namespace saas::fraud
