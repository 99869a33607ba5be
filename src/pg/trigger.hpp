// SPDX-License-Identifier: PostgreSQL
// What trigger functions share.
#pragma once

#include "core/error.hpp"

#include <string>

#include "pg/prelude.hpp"

extern "C" {
#include "commands/trigger.h" // CALLED_AS_TRIGGER, TriggerData
}

namespace saas::pg {

// A trigger function is used otherwise than it is meant.
inline constexpr core::sqlstate k_trigger_protocol_violated{"39P01"};

// The trigger's data. Throws core::error 39P01 when the function `name` is called otherwise.
[[nodiscard]] inline TriggerData &trigger_data(FunctionCallInfo fcinfo, const char *name) {
    if (!CALLED_AS_TRIGGER(fcinfo))
        throw core::error{k_trigger_protocol_violated,
                          std::string{"saas."} + name + "() is for triggers"};
    return *reinterpret_cast<TriggerData *>(fcinfo->context);
}

} // namespace saas::pg
