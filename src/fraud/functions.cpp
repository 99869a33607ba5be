// SPDX-License-Identifier: PostgreSQL
// SQL entry points of the fraud rule engine.
#include <set>

#include "core/error.hpp"
#include "core/fraud/history.hpp"
#include "core/fraud/list_set.hpp"
#include "core/fraud/satisfaction.hpp"
#include "fraud/answer.hpp"
#include "fraud/arguments.hpp"
#include "fraud/attributes.hpp"
#include "fraud/rules.hpp"
#include "fraud/terms.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "pg/result_set.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/builtins.h"    // cstring_to_text_with_len
}

using namespace saas; // NOLINT: entry points only

namespace {

core::fraud::thresholds thresholds_of(int32 review, int32 block) {
    if (review < 0 || review > 101 || block < 0 || block > 101)
        throw core::error{core::k_invalid_parameter_value,
                          "a threshold lies between 0 and 101",
                          {},
                          "A score reaches 100, so 101 is never reached."};
    core::fraud::thresholds out;
    out.review = review;
    out.block = block;
    return out;
}

core::fraud::list_kind list_kind_of(const std::string &name) {
    auto kind = core::fraud::list_kind_of(name);
    if (!kind)
        throw core::error{core::k_invalid_parameter_value, "there is no such kind of list",
                          {},
                          "Kinds are string, case_sensitive_string, email, domain, ip, country, "
                          "bin, card_fingerprint and customer."};
    return *kind;
}

} // namespace

SAAS_FUNCTION(saas_validate_rule) {
    std::string rule = pg::text_string(PG_GETARG_DATUM(0));
    core::fraud::validation verdict = core::fraud::validate(rule, fraud::knows_time_zone);
    return pg::call([&] { return fraud::validation_row(fcinfo, verdict); });
}

SAAS_FUNCTION(saas_evaluate_rules) {
    ArrayType *texts = PG_GETARG_ARRAYTYPE_P(0);
    Jsonb *document = PG_GETARG_JSONB_P(1);
    auto limits = thresholds_of(PG_GETARG_INT32(2), PG_GETARG_INT32(3));
    fraud::compiled_rules &compiled = fraud::rules_of_texts({texts});
    fraud::read_attributes(document, compiled);
    fraud::zone_terms zones;
    const auto &result =
        compiled.memory.run(limits, {fraud::unix_time(PG_GETARG_TIMESTAMPTZ(4)), &zones,
                                     pg::stop_requested});
    return pg::call([&] { return fraud::assessment_row(fcinfo, compiled, result); });
}

SAAS_FUNCTION(saas_evaluate_team_rules) {
    for (int i : {0, 1, 4}) {
        if (PG_ARGISNULL(i))
            PG_RETURN_NULL();
    }
    Jsonb *document = PG_GETARG_JSONB_P(1);
    fraud::assessment_request request{fraud::uuid_of(PG_GETARG_DATUM(0)), std::nullopt,
                                      fraud::unix_time(PG_GETARG_TIMESTAMPTZ(4)), document};
    if (!PG_ARGISNULL(5))
        request.intent = fraud::uuid_of(PG_GETARG_DATUM(5));
    fraud::assessment_guard alone;
    fraud::compiled_rules &compiled = fraud::rules_of_team(request.team);
    fraud::read_attributes(document, compiled);
    core::fraud::thresholds limits = compiled.limits;
    if (!PG_ARGISNULL(2))
        limits.review = thresholds_of(PG_GETARG_INT32(2), 0).review;
    if (!PG_ARGISNULL(3))
        limits.block = thresholds_of(0, PG_GETARG_INT32(3)).block;
    fraud::table_terms terms{request};
    const auto &result = compiled.memory.run(limits, {request.now, &terms, pg::stop_requested});
    return pg::call([&] { return fraud::assessment_row(fcinfo, compiled, result); });
}

SAAS_FUNCTION(saas_normalize_list_value) {
    std::string kind = pg::text_string(PG_GETARG_DATUM(0));
    std::string entry = core::fraud::list_entry(list_kind_of(kind),
                                                pg::text_string(PG_GETARG_DATUM(1)));
    return pg::call([&] { return PointerGetDatum(cstring_to_text_with_len(
                              entry.data(), static_cast<int>(entry.size()))); });
}

SAAS_FUNCTION(saas_list_candidates) {
    std::string kind = pg::text_string(PG_GETARG_DATUM(0));
    std::vector<std::string> found = core::fraud::list_candidates(
        list_kind_of(kind), pg::text_string(PG_GETARG_DATUM(1)));
    return pg::text_array_datum(found);
}

SAAS_FUNCTION(saas_fraud_rule_indexes) {
    std::string rule = pg::text_string(PG_GETARG_DATUM(0));
    std::vector<pg::text_row> rows;
    for (const core::fraud::history_query &query : core::fraud::histories_of(rule)) {
        std::string columns = pg::array_literal(query.index_columns);
        rows.push_back({query.table, columns, core::fraud::index_statement(query)});
    }
    pg::return_rows(fcinfo, rows);
    return Datum{0};
}

SAAS_FUNCTION(saas_fraud_rule_terms) {
    core::fraud::rule_ast ast = core::fraud::parse_rule(pg::text_string(PG_GETARG_DATUM(0)));
    std::set<std::pair<std::string, std::string>> found;
    for (const core::fraud::external_term &term : ast.terms)
        found.emplace(core::fraud::name_of(term.kind), term.name);
    std::vector<pg::text_row> rows;
    for (const auto &[kind, name] : found)
        rows.push_back({kind, name});
    pg::return_rows(fcinfo, rows);
    return Datum{0};
}

SAAS_FUNCTION(saas_fraud_rule_conflicts) {
    core::fraud::rule_ast ast = core::fraud::parse_rule(pg::text_string(PG_GETARG_DATUM(0)));
    std::vector<std::string> others = pg::text_array(PG_GETARG_DATUM(1));
    std::vector<std::string> names = pg::text_array(PG_GETARG_DATUM(2));
    core::cancel_poll poll{pg::stop_requested};
    std::vector<std::string> found;
    for (std::size_t i = 0; i < others.size() && i < names.size(); ++i) {
        poll.step();
        core::fraud::validation verdict = core::fraud::validate(others[i]);
        if (!verdict.valid)
            continue;
        if (auto words = core::fraud::conflict(ast, core::fraud::parse_rule(others[i]), names[i]))
            found.push_back(std::move(*words));
    }
    return pg::text_array_datum(found);
}
