// SPDX-License-Identifier: PostgreSQL
#include "fraud/answer.hpp"

#include <string_view>

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_form_tuple
#include "funcapi.h"             // get_call_result_type
#include "utils/builtins.h"      // cstring_to_text_with_len
#include "utils/jsonb.h"         // pushJsonbValue
#include "utils/numeric.h"       // int64_to_numeric
}

namespace saas::fraud {
namespace {

namespace engine = core::fraud;

// The shape of the function's result, looked up once for each call site.
TupleDesc result_shape(FunctionCallInfo fcinfo) {
    if (fcinfo->flinfo->fn_extra == nullptr) {
        MemoryContext before = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
        TupleDesc shape = nullptr;
        (void)get_call_result_type(fcinfo, nullptr, &shape);
        fcinfo->flinfo->fn_extra = BlessTupleDesc(shape);
        MemoryContextSwitchTo(before);
    }
    return static_cast<TupleDesc>(fcinfo->flinfo->fn_extra);
}

Datum text_datum(std::string_view words) {
    return PointerGetDatum(cstring_to_text_with_len(words.data(), static_cast<int>(words.size())));
}

// Builds a JSON array of flat objects, one after another.
class objects {
public:
    objects() { (void)pushJsonbValue(&state_, WJB_BEGIN_ARRAY, nullptr); }
    void begin() { (void)pushJsonbValue(&state_, WJB_BEGIN_OBJECT, nullptr); }
    void end() { (void)pushJsonbValue(&state_, WJB_END_OBJECT, nullptr); }
    void add(std::string_view key, std::string_view words) {
        push(WJB_KEY, key);
        push(WJB_VALUE, words);
    }
    void add(std::string_view key, std::int64_t number) {
        push(WJB_KEY, key);
        JsonbValue v;
        v.type = jbvNumeric;
        v.val.numeric = int64_to_numeric(number);
        (void)pushJsonbValue(&state_, WJB_VALUE, &v);
    }
    [[nodiscard]] Datum finish() {
        return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state_, WJB_END_ARRAY, nullptr)));
    }

private:
    void push(JsonbIteratorToken token, std::string_view words) {
        JsonbValue v;
        v.type = jbvString;
        v.val.string.len = static_cast<int>(words.size());
        v.val.string.val = const_cast<char *>(words.data()); // only read
        (void)pushJsonbValue(&state_, token, &v);
    }
    JsonbParseState *state_ = nullptr;
};
static_assert(std::is_trivially_destructible_v<objects>);

void add_identity(objects &list, std::string_view id, std::string_view name) {
    list.add("id", id);
    if (!name.empty())
        list.add("name", name);
}

Datum matches(const engine::rule_set &rules, const std::vector<std::uint32_t> &hits) {
    objects list;
    for (std::uint32_t hit : hits) {
        const engine::rule_info &rule = rules.rules()[hit];
        list.begin();
        add_identity(list, rule.id, rule.name);
        list.add("action", engine::name_of(rule.head.action));
        if (rule.head.action == engine::action::score)
            list.add("score", std::int64_t{rule.head.score});
        if (rule.head.action == engine::action::tag)
            list.add("tag", rule.head.tag);
        list.end();
    }
    return list.finish();
}

Datum failures(const engine::rule_set &rules, const engine::assessment &result) {
    objects list;
    for (const engine::rule_failure &failure : result.failures) {
        const engine::rule_info &rule = rules.rules()[failure.rule];
        list.begin();
        add_identity(list, rule.id, rule.name);
        list.add("message", engine::describe(failure.kind));
        list.end();
    }
    for (const engine::broken_rule &rule : rules.broken()) {
        list.begin();
        add_identity(list, rule.id, rule.name);
        list.add("message", rule.message);
        list.end();
    }
    return list.finish();
}

} // namespace

Datum assessment_row(FunctionCallInfo fcinfo, const engine::rule_set &rules,
                     const engine::assessment &result) {
    TupleDesc shape = result_shape(fcinfo);
    Datum values[6] = {
        Int32GetDatum(result.score),    text_datum(engine::name_of(result.decision)),
        matches(rules, result.matched), matches(rules, result.shadow),
        failures(rules, result),        shape->natts == 6 ? text_datum(rules.version()) : Datum{0}};
    bool nulls[6] = {};
    return HeapTupleGetDatum(heap_form_tuple(shape, values, nulls));
}

Datum validation_row(FunctionCallInfo fcinfo, const engine::validation &verdict) {
    TupleDesc shape = result_shape(fcinfo);
    objects warnings;
    for (const engine::rule_warning &warning : verdict.warnings) {
        warnings.begin();
        warnings.add("message", warning.message);
        warnings.add("position", static_cast<std::int64_t>(warning.position));
        warnings.end();
    }
    Datum values[5] = {BoolGetDatum(verdict.valid), text_datum(verdict.message),
                       Int32GetDatum(static_cast<int32>(verdict.position)),
                       text_datum(verdict.hint), warnings.finish()};
    bool nulls[5] = {false, verdict.valid, verdict.valid, verdict.hint.empty(), false};
    return HeapTupleGetDatum(heap_form_tuple(shape, values, nulls));
}

} // namespace saas::fraud
