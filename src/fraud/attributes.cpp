// SPDX-License-Identifier: PostgreSQL
#include "fraud/attributes.hpp"

#include "core/error.hpp"
#include "core/fraud/operations.hpp"
#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/builtins.h" // numeric_out
#include "utils/numeric.h"  // NumericGetDatum
}

namespace saas::fraud {
namespace {

using core::fraud::value;

// Through the decimal text: exact for integers, correctly rounded for the rest.
value number_of(Numeric number) {
    const char *digits = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));
    return core::fraud::number_from(digits);
}

value value_of(const JsonbValue &found) {
    switch (found.type) {
    case jbvNull:
        return value::missing();
    case jbvBool:
        return value::of(found.val.boolean);
    case jbvString:
        return value::of(
            std::string_view{found.val.string.val, static_cast<std::size_t>(found.val.string.len)});
    case jbvNumeric:
        return number_of(found.val.numeric);
    default:
        return value::failed(core::fraud::failure_kind::type_mismatch);
    }
}

// Plain data only: what it calls may raise a server ERROR.
value look_up(Jsonb *document, const core::fraud::slot &slot) {
    JsonbContainer *container = &document->root;
    JsonbValue found;
    for (std::size_t step = 0; step < slot.path.size(); ++step) {
        const std::string &key = slot.path[step];
        if (getKeyJsonValueFromContainer(container, key.data(), static_cast<int>(key.size()),
                                         &found) == nullptr)
            return value::missing();
        if (step + 1 == slot.path.size())
            return value_of(found);
        if (found.type != jbvBinary || !JsonContainerIsObject(found.val.binary.data))
            return value::missing();
        container = found.val.binary.data;
    }
    return value::missing();
}

} // namespace

void read_attributes(Jsonb *document, compiled_rules &target) {
    if (!JB_ROOT_IS_OBJECT(document))
        throw core::error{core::k_invalid_parameter_value, "the attributes are not a JSON object"};
    pg::call([&] {
        std::size_t slot = 0;
        for (const core::fraud::slot &wanted : target.rules.slots())
            target.found[slot++] = look_up(document, wanted);
    });
    target.memory.clear();
    for (std::size_t slot = 0; slot < target.found.size(); ++slot)
        target.memory.set(slot, target.found[slot]);
}

} // namespace saas::fraud
