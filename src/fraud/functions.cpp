// SPDX-License-Identifier: PostgreSQL
// SQL entry points of the fraud rule engine.
#include <cstring>

#include "core/error.hpp"
#include "fraud/answer.hpp"
#include "fraud/attributes.hpp"
#include "fraud/rules.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/uuid.h" // DatumGetUUIDP
}

using namespace saas; // NOLINT: entry points only

namespace {

core::fraud::thresholds thresholds_of(int32 review, int32 block) {
    if (review < 0 || review > 101 || block < 0 || block > 101)
        throw core::error{core::k_invalid_parameter_value,
                          "a threshold lies between 0 and 101",
                          {},
                          "A score reaches 100, so 101 is never reached."};
    return {review, block};
}

} // namespace

SAAS_FUNCTION(saas_validate_rule) {
    std::string rule = pg::text_string(PG_GETARG_DATUM(0));
    core::fraud::validation verdict = core::fraud::validate(rule);
    return pg::call([&] { return fraud::validation_row(fcinfo, verdict); });
}

SAAS_FUNCTION(saas_evaluate_rules) {
    ArrayType *texts = PG_GETARG_ARRAYTYPE_P(0);
    Jsonb *document = PG_GETARG_JSONB_P(1);
    auto limits = thresholds_of(PG_GETARG_INT32(2), PG_GETARG_INT32(3));
    fraud::compiled_rules &compiled = fraud::rules_of_texts(texts);
    fraud::read_attributes(document, compiled);
    return fraud::assessment_row(fcinfo, compiled, compiled.memory.run(limits));
}

SAAS_FUNCTION(saas_evaluate_team_rules) {
    core::uuid team{};
    std::memcpy(team.data(), DatumGetUUIDP(PG_GETARG_DATUM(0))->data, UUID_LEN);
    Jsonb *document = PG_GETARG_JSONB_P(1);
    auto limits = thresholds_of(PG_GETARG_INT32(2), PG_GETARG_INT32(3));
    fraud::compiled_rules &compiled = fraud::rules_of_team(team);
    fraud::read_attributes(document, compiled);
    return fraud::assessment_row(fcinfo, compiled, compiled.memory.run(limits));
}
