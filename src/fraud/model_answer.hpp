// SPDX-License-Identifier: PostgreSQL
// What a model says, as SQL values.
#pragma once

#include "fraud/models.hpp"

#include "pg/prelude.hpp"

namespace saas::fraud {

// {"base", "margin", "features": [{"feature", "attribute", "value", "contribution"}, …, the
// greatest effect first], "reasons": [the first five in words]} for the values read last.
[[nodiscard]] Datum contributions_json(loaded_model &which, double margin);

// What the model reads: [{"feature", "attribute", "category": truth value}, …] in its own order.
[[nodiscard]] Datum inputs_json(const core::fraud::model &which,
                                const std::vector<core::fraud::feature_source> &sources);

// The record of an entry point: the datums in the order of its OUT parameters. Raises as the server
// does; for use inside pg::call.
[[nodiscard]] Datum record_unsafe(FunctionCallInfo fcinfo, const Datum *values, const bool *nulls);

} // namespace saas::fraud
