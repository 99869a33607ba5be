// SPDX-License-Identifier: PostgreSQL
#include "fraud/past_terms.hpp"

#include <cmath>

#include "core/error.hpp"
#include "core/fraud/list_set.hpp"
#include "fraud/history_plan.hpp"
#include "fraud/models.hpp"

#include "pg/prelude.hpp"

namespace saas::fraud {
namespace {

namespace engine = core::fraud;

engine::value list_then(const assessment_request &request, const std::string &alias,
                        const engine::value &wanted, engine::text_arena &texts) {
    if (auto known = engine::unlisted(wanted))
        return *known;
    static const std::string sql = "SELECT saas.fraud_list_held($1, $4, $5, $2)";
    engine::value held = run_history(sql, request, {alias, engine::text_of(wanted)}, texts);
    return held.type == engine::value_type::missing
               ? engine::value::failed(engine::failure_kind::unknown_list)
               : held;
}

engine::value model_then(const assessment_request &request, const std::string &name,
                         engine::text_arena &texts) {
    static const std::string sql =
        "SELECT m.version::pg_catalog.int8 FROM saas.fraud_models AS m"
        " WHERE m.team_id OPERATOR(pg_catalog.=) $1 AND m.name OPERATOR(pg_catalog.=) $4"
        " AND m.champion_periods OPERATOR(pg_catalog.@>) $2";
    engine::value version = run_history(sql, request, {name}, texts);
    if (version.type != engine::value_type::integer)
        return engine::value::missing();
    auto entry = model_version(request.team, name, static_cast<int>(version.integer));
    if (!entry)
        return engine::value::missing();
    loaded_model &which = load(request.team, entry->id);
    if (read_values(request.attributes, which))
        return engine::value::failed(engine::failure_kind::type_mismatch);
    engine::prediction said = which.model.score(which.values, which.memory);
    if (!std::isfinite(said.margin))
        return engine::value::failed(engine::failure_kind::out_of_range);
    return engine::value::of(which.model.has_probability ? said.probability : said.margin);
}

} // namespace

engine::value past_terms::resolve(std::uint32_t number, const engine::external_term &term,
                                  std::span<const engine::value> arguments, engine::moment now) {
    if (term.kind == engine::term_kind::list)
        return list_then(*request_, term.name, arguments[0], texts_);
    if (term.kind == engine::term_kind::model)
        return model_then(*request_, term.name, texts_);
    return table_terms::resolve(number, term, arguments, now);
}

} // namespace saas::fraud
