// SPDX-License-Identifier: PostgreSQL
// The composite results of the SQL functions.
#pragma once

#include "fraud/rules.hpp"

#include "pg/prelude.hpp"

namespace saas::fraud {

// What a match of each rule says, as a JSON object: made once, so that an assessment only copies
// it.
[[nodiscard]] std::vector<json_container> describe_rules(const core::fraud::rule_set &rules);

// (score, decision, matched, shadow, errors), and rule_set_version when the function's result has
// it. Plain data and views only: may be called where a server ERROR must not skip destructors.
[[nodiscard]] Datum assessment_row(FunctionCallInfo fcinfo, const compiled_rules &compiled,
                                   const core::fraud::assessment &result);

// (valid, message, position, hint, warnings). The same holds.
[[nodiscard]] Datum validation_row(FunctionCallInfo fcinfo, const core::fraud::validation &verdict);

} // namespace saas::fraud
