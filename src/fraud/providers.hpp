// SPDX-License-Identifier: PostgreSQL
// What other parts of the module know that rules may ask for. A provider is set once, by _PG_init. Without one
// model_score() is that of the team's champion, and snoozed() asks saas.fraud_snoozes.
#pragma once

#include <optional>
#include <string_view>

#include "core/fraud/moment.hpp"
#include "core/fraud/value.hpp"
#include "core/uuid.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/jsonb.h" // Jsonb
}

namespace saas::fraud {

// The assessment that asks.
struct assessment_request {
    core::uuid team;
    std::optional<core::uuid> intent; // the payment intent being assessed, whose rows do not count as history
    core::fraud::moment now;
    Jsonb *attributes; // all attributes of the payment
};

// The score of a model of the team by its name, or missing. C++ objects are alive around the call: the
// server is called through pg::call.
using model_provider = core::fraud::value (*)(const assessment_request &, std::string_view name);
// Whether rules rest for a customer or card (a truth value), or missing.
using snooze_provider = core::fraud::value (*)(const assessment_request &,
                                               std::string_view subject);

void provide_models(model_provider provider) noexcept;
void provide_snoozes(snooze_provider provider) noexcept;

} // namespace saas::fraud
