// SPDX-License-Identifier: PostgreSQL
#include "fraud/answer.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "pg/boundary.hpp"
#include "pg/json_value.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_form_tuple
#include "funcapi.h"             // get_call_result_type
#include "utils/builtins.h"      // cstring_to_text_with_len
#include "utils/jsonb.h"         // JsonbValue
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

pg::json_member member(std::string_view key, std::string_view words) {
    JsonbValue value;
    value.type = jbvString;
    value.val.string.len = static_cast<int>(words.size());
    value.val.string.val = const_cast<char *>(words.data()); // only read
    return {key.data(), static_cast<int>(key.size()), value};
}

pg::json_member member(std::string_view key, std::int64_t number) {
    JsonbValue value;
    value.type = jbvNumeric;
    value.val.numeric = int64_to_numeric(number);
    return {key.data(), static_cast<int>(key.size()), value};
}

// An object of a few members, given in jsonb's order of keys: the shorter first.
class object {
public:
    void add(const pg::json_member &made) { members_[count_++] = made; }
    void add_identity(std::string_view id, std::string_view name) {
        add(member("id", id));
        if (!name.empty())
            add(member("name", name));
    }
    [[nodiscard]] Jsonb *finish() const { return pg::make_json_object(members_, count_); }

private:
    pg::json_member members_[5];
    int count_ = 0;
};

JsonbValue element(const void *container, Size bytes) {
    JsonbValue value;
    value.type = jbvBinary;
    value.val.binary.len = static_cast<int>(bytes);
    value.val.binary.data = static_cast<JsonbContainer *>(const_cast<void *>(container));
    return value;
}

JsonbValue element(Jsonb *json) {
    return element(&json->root, VARSIZE(json) - VARHDRSZ);
}

JsonbValue *allocate_elements(std::size_t count) {
    return static_cast<JsonbValue *>(palloc(sizeof(JsonbValue) * std::max<std::size_t>(count, 1)));
}

Jsonb *describe(const engine::rule_info &rule) {
    object out;
    out.add(member("id", rule.id));
    if (rule.head.action == engine::action::tag)
        out.add(member("tag", rule.head.tag));
    if (!rule.name.empty())
        out.add(member("name", rule.name));
    if (rule.platform)
        out.add(member("scope", "platform"));
    if (rule.head.action == engine::action::score)
        out.add(member("score", std::int64_t{rule.head.score}));
    out.add(member("action", engine::name_of(rule.head.action)));
    return out.finish();
}

Datum matches(const compiled_rules &compiled, const std::vector<std::uint32_t> &hits) {
    JsonbValue *elements = allocate_elements(hits.size());
    int count = 0;
    for (std::uint32_t hit : hits) {
        const json_container &words = compiled.described[hit];
        elements[count++] = element(words.data(), words.size() * sizeof(words[0]));
    }
    return JsonbPGetDatum(pg::make_json_array(elements, count));
}

Jsonb *failure(std::string_view id, std::string_view name, std::string_view message) {
    object out;
    out.add_identity(id, name);
    out.add(member("message", message));
    return out.finish();
}

Datum failures(const engine::rule_set &rules, const engine::assessment &result) {
    JsonbValue *elements = allocate_elements(result.failures.size() + rules.broken().size());
    int count = 0;
    for (const engine::rule_failure &failed : result.failures) {
        const engine::rule_info &rule = rules.rules()[failed.rule];
        elements[count++] = element(failure(rule.id, rule.name, engine::describe(failed.kind)));
    }
    for (const engine::broken_rule &rule : rules.broken())
        elements[count++] = element(failure(rule.id, rule.name, rule.message));
    return JsonbPGetDatum(pg::make_json_array(elements, count));
}

Datum warnings(const std::vector<engine::rule_warning> &list) {
    JsonbValue *elements = allocate_elements(list.size());
    int count = 0;
    for (const engine::rule_warning &warning : list) {
        object out;
        out.add(member("message", warning.message));
        out.add(member("position", static_cast<std::int64_t>(warning.position)));
        if (!warning.statement.empty())
            out.add(member("statement", warning.statement));
        elements[count++] = element(out.finish());
    }
    return JsonbPGetDatum(pg::make_json_array(elements, count));
}

} // namespace

std::vector<json_container> describe_rules(const engine::rule_set &rules) {
    std::vector<json_container> out;
    out.reserve(rules.rules().size());
    for (const engine::rule_info &rule : rules.rules()) {
        Jsonb *json = pg::call([&] { return describe(rule); });
        // A last text may end between two words; the rest of its word is padding.
        Size bytes = VARSIZE(json) - VARHDRSZ;
        json_container words((bytes + sizeof(std::uint32_t) - 1) / sizeof(std::uint32_t));
        std::memcpy(words.data(), &json->root, bytes);
        out.push_back(std::move(words));
        pg::call([&] { pfree(json); });
    }
    return out;
}

Datum assessment_row(FunctionCallInfo fcinfo, const compiled_rules &compiled,
                     const engine::assessment &result) {
    TupleDesc shape = result_shape(fcinfo);
    const engine::rule_set &rules = compiled.rules;
    Datum values[6] = {
        Int32GetDatum(result.score),       text_datum(engine::name_of(result.decision)),
        matches(compiled, result.matched), matches(compiled, result.shadow),
        failures(rules, result),           Datum{0}};
    if (shape->natts == 6)
        values[5] = text_datum(rules.version());
    bool nulls[6] = {};
    return HeapTupleGetDatum(heap_form_tuple(shape, values, nulls));
}

Datum validation_row(FunctionCallInfo fcinfo, const engine::validation &verdict) {
    TupleDesc shape = result_shape(fcinfo);
    Datum values[5] = {BoolGetDatum(verdict.valid), text_datum(verdict.message),
                       Int32GetDatum(static_cast<int32>(verdict.position)),
                       text_datum(verdict.hint), warnings(verdict.warnings)};
    bool nulls[5] = {false, verdict.valid, verdict.valid, verdict.hint.empty(), false};
    return HeapTupleGetDatum(heap_form_tuple(shape, values, nulls));
}

} // namespace saas::fraud
