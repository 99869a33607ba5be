// SPDX-License-Identifier: PostgreSQL
#include "fraud/model_answer.hpp"

#include "fraud/json_text.hpp"
#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_form_tuple
#include "funcapi.h"             // get_call_result_type
#include "utils/builtins.h"      // CStringGetDatum
#include "utils/fmgrprotos.h"    // jsonb_in
}

namespace saas::fraud {
namespace {

constexpr std::size_t k_reasons = 5;

void append_value(std::string &out, const core::fraud::raw_value &value) {
    switch (value.is) {
    case core::fraud::raw_value::kind::number:
        append_number(out, value.number);
        break;
    case core::fraud::raw_value::kind::truth:
        out += value.number != 0 ? "true" : "false";
        break;
    case core::fraud::raw_value::kind::text:
        append_quoted(out, value.text);
        break;
    default:
        out += "null";
    }
}

} // namespace

Datum contributions_json(loaded_model &which, double margin) {
    core::fraud::explanation why = core::fraud::explain(which.model, which.values, which.memory,
                                                        core::cancel_poll{pg::stop_requested});
    std::vector<std::uint32_t> order = core::fraud::ranked(why);
    std::string out = "{\"base\":";
    append_number(out, why.base);
    out += ",\"margin\":";
    append_number(out, margin);
    out += ",\"features\":[";
    for (std::size_t i = 0; i < order.size(); ++i) {
        const core::fraud::feature_source &source = which.sources[order[i]];
        out += i == 0 ? "{\"feature\":" : ",{\"feature\":";
        append_quoted(out, which.model.feature_names[order[i]]);
        out += ",\"attribute\":";
        append_quoted(out, source.attribute);
        out += ",\"value\":";
        append_value(out, which.raw[order[i]]);
        out += ",\"contribution\":";
        append_number(out, why.contributions[order[i]]);
        out += '}';
    }
    out += "],\"reasons\":[";
    for (std::size_t i = 0; i < std::min(order.size(), k_reasons); ++i) {
        out += i == 0 ? "" : ",";
        append_quoted(out,
                      core::fraud::reason_in_words(which.sources[order[i]], which.raw[order[i]],
                                                   why.contributions[order[i]]));
    }
    return jsonb_of(out + "]}");
}

Datum inputs_json(const core::fraud::model &which,
                  const std::vector<core::fraud::feature_source> &sources) {
    std::string out = "[";
    for (std::size_t i = 0; i < sources.size(); ++i) {
        out += i == 0 ? "{\"feature\":" : ",{\"feature\":";
        append_quoted(out, which.feature_names[i]);
        out += ",\"attribute\":";
        append_quoted(out, sources[i].attribute);
        out += sources[i].category ? ",\"category\":true}" : ",\"category\":false}";
    }
    return jsonb_of(out + "]");
}

Datum record_unsafe(FunctionCallInfo fcinfo, const Datum *values, const bool *nulls) {
    if (fcinfo->flinfo->fn_extra == nullptr) {
        MemoryContext before = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
        TupleDesc shape = nullptr;
        (void)get_call_result_type(fcinfo, nullptr, &shape);
        fcinfo->flinfo->fn_extra = BlessTupleDesc(shape);
        MemoryContextSwitchTo(before);
    }
    auto *shape = static_cast<TupleDesc>(fcinfo->flinfo->fn_extra);
    return HeapTupleGetDatum(
        heap_form_tuple(shape, const_cast<Datum *>(values), const_cast<bool *>(nulls)));
}

} // namespace saas::fraud
