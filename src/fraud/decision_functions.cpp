// SPDX-License-Identifier: PostgreSQL
// SQL entry points of decisions: assessments that can be explained and reproduced, and backtests.
#include "core/error.hpp"
#include "fraud/arguments.hpp"
#include "fraud/attributes.hpp"
#include "fraud/json_text.hpp"
#include "fraud/past_terms.hpp"
#include "fraud/recorded_terms.hpp"
#include "fraud/rules.hpp"
#include "fraud/terms.hpp"
#include "fraud/trace.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h" // GetCurrentTransactionStartTimestamp
}

using namespace saas; // NOLINT: entry points only

namespace {

core::fraud::thresholds limits_of(FunctionCallInfo fcinfo, int first) {
    core::fraud::thresholds out;
    out.review = PG_GETARG_INT32(first);
    out.challenge = PG_GETARG_INT32(first + 1);
    out.block = PG_GETARG_INT32(first + 2);
    out.failing = fraud::on_error_of(pg::text_string(PG_GETARG_DATUM(first + 3)));
    return out;
}

} // namespace

SAAS_FUNCTION(saas_trace_team_rules) {
    for (int i = 0; i < 3; ++i) {
        if (PG_ARGISNULL(i))
            PG_RETURN_NULL();
    }
    fraud::assessment_request request{fraud::uuid_of(PG_GETARG_DATUM(0)), std::nullopt,
                                      fraud::unix_time(PG_GETARG_TIMESTAMPTZ(2)),
                                      PG_GETARG_JSONB_P(1)};
    if (!PG_ARGISNULL(3))
        request.intent = fraud::uuid_of(PG_GETARG_DATUM(3));
    fraud::assessment_guard alone;
    fraud::compiled_rules &compiled = fraud::rules_of_team(request.team);
    fraud::read_attributes(request.attributes, compiled);
    // Of a former moment: lists and models as they were, as a backtest has them.
    fraud::table_terms live{request};
    fraud::past_terms past{request};
    bool is_past = PG_GETARG_TIMESTAMPTZ(2) < GetCurrentTransactionStartTimestamp();
    fraud::table_terms &terms = is_past ? past : live;
    const auto &result = compiled.memory.run(compiled.limits, {request.now, &terms, pg::stop_requested});
    return fraud::trace_row(fcinfo, compiled, compiled.limits, result);
}

SAAS_FUNCTION(saas_team_rule_set) {
    const fraud::compiled_rules *kept = fraud::kept_rules_of_team(fraud::uuid_of(PG_GETARG_DATUM(0)));
    if (kept == nullptr || kept->rules.version() != pg::text_string(PG_GETARG_DATUM(1)))
        PG_RETURN_NULL();
    return fraud::jsonb_of(kept->sources);
}

SAAS_FUNCTION(saas_replay_rules) {
    Jsonb *document = PG_GETARG_JSONB_P(4);
    Jsonb *answers = PG_GETARG_JSONB_P(5);
    auto compiled = fraud::rules_of_sources(
        pg::text_array(PG_GETARG_DATUM(0)), pg::text_array(PG_GETARG_DATUM(1)),
        pg::text_array(PG_GETARG_DATUM(2)), pg::text_array(PG_GETARG_DATUM(3)));
    fraud::read_attributes(document, *compiled);
    core::fraud::thresholds limits = limits_of(fcinfo, 6);
    fraud::recorded_terms terms{answers};
    const auto &result =
        compiled->memory.run(limits, {fraud::unix_time(PG_GETARG_TIMESTAMPTZ(10)), &terms, pg::stop_requested});
    return fraud::trace_row(fcinfo, *compiled, limits, result);
}

// Bits 0 and 1: the decision; 2: a rule matched; 3: a shadow rule matched; 4: a rule failed.
SAAS_FUNCTION(saas_backtest_verdict) {
    fraud::rule_texts rules{PG_GETARG_ARRAYTYPE_P(1), PG_GETARG_ARRAYTYPE_P(9), PG_GETARG_INT32(10)};
    fraud::assessment_request request{fraud::uuid_of(PG_GETARG_DATUM(0)),
                                      fraud::uuid_of(PG_GETARG_DATUM(4)),
                                      fraud::unix_time(PG_GETARG_TIMESTAMPTZ(3)),
                                      PG_GETARG_JSONB_P(2)};
    fraud::assessment_guard alone;
    fraud::compiled_rules &compiled = fraud::rules_of_texts(rules);
    fraud::read_attributes(request.attributes, compiled);
    fraud::past_terms terms{request};
    const auto &result = compiled.memory.run(limits_of(fcinfo, 5), {request.now, &terms, pg::stop_requested});
    int verdict = static_cast<int>(result.decision) | (result.matched.empty() ? 0 : 4) |
                  (result.shadow.empty() ? 0 : 8) | (result.failures.empty() ? 0 : 16);
    PG_RETURN_INT32(verdict);
}
