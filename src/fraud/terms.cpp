// SPDX-License-Identifier: PostgreSQL
#include "fraud/terms.hpp"

#include <cstring>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/fraud/list_set.hpp"
#include "fraud/history_plan.hpp"
#include "fraud/lists.hpp"
#include "fraud/models.hpp"
#include "pg/boundary.hpp"
#include "pg/spi.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "pgtime.h" // pg_tzset
}

namespace saas::fraud {
namespace {

namespace engine = core::fraud;

// A feature that is no number, and a score beyond the range, fail the rule, not the payment.
engine::value champion_score(const assessment_request &request, std::string_view name) {
    try {
        auto score = model_score(request.team, name, request.attributes);
        return score ? engine::value::of(*score) : engine::value::missing();
    } catch (const core::error &e) {
        if (e.state().code() == core::k_numeric_value_out_of_range.code())
            return engine::value::failed(engine::failure_kind::out_of_range);
        if (e.state().code() != core::k_invalid_parameter_value.code())
            throw;
        return engine::value::failed(engine::failure_kind::type_mismatch);
    }
}

constinit model_provider models = champion_score;

engine::value rest_of_rules(const assessment_request &request, std::string_view subject) {
    static const std::string sql =
        "SELECT EXISTS (SELECT FROM saas.fraud_snoozes AS s"
        " WHERE s.team_id OPERATOR(pg_catalog.=) $1 AND s.value OPERATOR(pg_catalog.=) $4"
        " AND s.starts_at OPERATOR(pg_catalog.<=) $2 AND s.ends_at OPERATOR(pg_catalog.>) $2)";
    engine::text_arena texts;
    return run_history(sql, request, {std::string{subject}}, texts);
}

constinit snooze_provider snoozes = rest_of_rules;

} // namespace

void provide_models(model_provider provider) noexcept {
    models = provider;
}

void provide_snoozes(snooze_provider provider) noexcept {
    snoozes = provider;
}

bool knows_time_zone(std::string_view name) {
    std::string zone{name};
    return pg::call([&] {
        pg_tz *found = zone.size() > TZ_STRLEN_MAX ? nullptr : pg_tzset(zone.c_str());
        return found != nullptr && pg_tz_acceptable(found);
    });
}

engine::value local_time(engine::term_kind kind, std::string_view zone, engine::moment at) {
    std::string name{zone};
    return pg::call([&]() -> engine::value {
        pg_tz *found = name.size() > TZ_STRLEN_MAX ? nullptr : pg_tzset(name.c_str());
        pg_time_t seconds = at / engine::k_second - (at % engine::k_second < 0 ? 1 : 0);
        pg_tm *local = found == nullptr ? nullptr : pg_localtime(&seconds, found);
        if (local == nullptr)
            return engine::value::missing();
        int number = kind == engine::term_kind::hour ? local->tm_hour : local->tm_wday;
        return engine::value::of(std::int64_t{number});
    });
}

engine::value zone_terms::resolve(std::uint32_t, const engine::external_term &term,
                                  std::span<const engine::value> arguments, engine::moment) {
    return term.kind <= engine::term_kind::weekday
               ? local_time(term.kind, term.name, arguments[0].integer)
               : engine::value::failed(engine::failure_kind::unavailable);
}

engine::value table_terms::history(const engine::external_term &term,
                                   std::span<const engine::value> arguments) {
    std::vector<std::optional<std::string>> texts;
    texts.reserve(arguments.size());
    for (const engine::value &argument : arguments)
        texts.push_back(argument.type == engine::value_type::missing
                            ? std::nullopt
                            : std::optional{engine::text_of(argument)});
    return run_history(term.history.sql, *request_, texts, texts_);
}

// The newest rate that is not older than a week.
engine::value table_terms::amount(const engine::external_term &term,
                                  std::span<const engine::value> arguments) {
    static const std::string sql =
        "SELECT saas.amount_in($4::pg_catalog.int8, $5, $6, $2)";
    engine::value whole = engine::to_number(arguments[0]);
    if (whole.type != engine::value_type::integer)
        return engine::value::failed(engine::failure_kind::type_mismatch);
    std::vector<std::optional<std::string>> texts{engine::text_of(whole),
                                                  engine::text_of(arguments[1]), term.name};
    return run_history(sql, *request_, texts, texts_);
}

engine::value table_terms::resolve(std::uint32_t, const engine::external_term &term,
                                   std::span<const engine::value> arguments, engine::moment now) {
    switch (term.kind) {
    case engine::term_kind::hour:
    case engine::term_kind::weekday:
        return local_time(term.kind, term.name, arguments[0].integer);
    case engine::term_kind::list:
        return list_holds(request_->team, term.name, arguments[0], now);
    case engine::term_kind::snooze:
        return snoozes(*request_, engine::text_of(arguments[0]));
    case engine::term_kind::amount:
        return amount(term, arguments);
    case engine::term_kind::model:
        return models(*request_, term.name);
    case engine::term_kind::history:
        return history(term, arguments);
    }
    return engine::value::missing();
}

} // namespace saas::fraud
