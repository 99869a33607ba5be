// SPDX-License-Identifier: PostgreSQL
#include "fraud/recorded_terms.hpp"

#include "core/fraud/operations.hpp"
#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/builtins.h" // numeric_out
#include "utils/numeric.h"  // NumericGetDatum
}

namespace saas::fraud {
namespace {

namespace engine = core::fraud;

bool find(JsonbContainer *object, std::string_view key, JsonbValue &out) {
    return getKeyJsonValueFromContainer(object, key.data(), static_cast<int>(key.size()), &out) !=
           nullptr;
}

std::string_view text_of(const JsonbValue &found) {
    return found.type == jbvString ? std::string_view{found.val.string.val,
                                                      static_cast<std::size_t>(found.val.string.len)}
                                   : std::string_view{};
}

engine::value failure_of(JsonbContainer *object) {
    JsonbValue words;
    if (find(object, "failure", words)) {
        for (int kind = 0; kind <= static_cast<int>(engine::failure_kind::unknown_list); ++kind) {
            auto failure = static_cast<engine::failure_kind>(kind);
            if (engine::describe(failure) == text_of(words))
                return engine::value::failed(failure);
        }
    }
    return engine::value::failed(engine::failure_kind::unavailable);
}

engine::value value_of(const JsonbValue &found, bool real) {
    switch (found.type) {
    case jbvNull:
        return engine::value::missing();
    case jbvBool:
        return engine::value::of(found.val.boolean);
    case jbvString:
        return engine::value::of(text_of(found));
    case jbvNumeric: {
        engine::value number = engine::number_from(
            DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(found.val.numeric))));
        if (real && number.type == engine::value_type::integer)
            return engine::value::of(static_cast<double>(number.integer));
        return number;
    }
    case jbvBinary:
        return failure_of(found.val.binary.data);
    default:
        return engine::value::failed(engine::failure_kind::unavailable);
    }
}

// Plain data only: what it calls may raise a server ERROR.
engine::value look_up(Jsonb *terms, std::uint32_t number, std::string_view kind,
                      std::string_view name) {
    engine::value unknown = engine::value::failed(engine::failure_kind::unavailable);
    if (!JB_ROOT_IS_ARRAY(terms))
        return unknown;
    JsonbValue *entry = getIthJsonbValueFromContainer(&terms->root, number);
    if (entry == nullptr || entry->type != jbvBinary ||
        !JsonContainerIsObject(entry->val.binary.data))
        return unknown;
    JsonbContainer *object = entry->val.binary.data;
    JsonbValue found;
    if (!find(object, "kind", found) || text_of(found) != kind || !find(object, "name", found) ||
        text_of(found) != name)
        return unknown;
    JsonbValue mark;
    bool real = find(object, "real", mark);
    return find(object, "value", found) ? value_of(found, real) : unknown;
}

} // namespace

engine::value recorded_terms::resolve(std::uint32_t number, const engine::external_term &term,
                                      std::span<const engine::value>, engine::moment) {
    std::string_view kind = engine::name_of(term.kind);
    std::string_view name =
        term.kind == engine::term_kind::history ? term.history.source : term.name;
    return pg::call([&] { return look_up(terms_, number, kind, name); });
}

} // namespace saas::fraud
