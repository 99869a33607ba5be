// SPDX-License-Identifier: PostgreSQL
// SQL entry points of the fraud models.
#include <cmath>
#include <cstring>
#include <map>

#include "core/error.hpp"
#include "core/fraud/model/stability.hpp"
#include "fraud/json_text.hpp"
#include "fraud/model_answer.hpp"
#include "fraud/models.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "pg/result_set.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h" // FLOAT8OID
#include "utils/array.h"     // deconstruct_array
#include "utils/builtins.h"  // JsonbToCString
#include "utils/uuid.h"      // DatumGetUUIDP
}

using namespace saas; // NOLINT: entry points only

namespace {

constexpr core::sqlstate k_no_data_found{"P0002"};

core::uuid uuid_of(Datum value) {
    core::uuid out{};
    std::memcpy(out.data(), DatumGetUUIDP(value)->data, UUID_LEN);
    return out;
}

std::string json_text(Jsonb *json) {
    return pg::call(
        [&] { return JsonbToCString(nullptr, &json->root, static_cast<int>(VARSIZE(json))); });
}

// The version asked for, or the champion.
fraud::model_entry find_model(const core::uuid &team, const std::string &name,
                              std::optional<int> version) {
    std::optional<fraud::model_entry> found;
    if (version)
        found = fraud::model_version(team, name, *version);
    else if (const fraud::model_entry *entry = fraud::champion(team, name))
        found = *entry;
    if (!found)
        throw core::error{k_no_data_found,
                          version ? "there is no such version of a fraud model in the team"
                                  : "no version of that fraud model is the team's champion",
                          {},
                          "saas.activate_fraud_model() makes a version the champion of its name."};
    return std::move(*found);
}

std::optional<int> version_of(FunctionCallInfo fcinfo, int argument) {
    if (PG_ARGISNULL(argument))
        return std::nullopt;
    return PG_GETARG_INT32(argument);
}

// One line of what the models in use say. A model that fails is a line with an error: the payment
// goes on.
pg::text_row line_of(const core::uuid &team, const fraud::model_entry &entry, Jsonb *attributes) {
    pg::text_row row{core::to_text(entry.id),
                     entry.name,
                     std::to_string(entry.version),
                     entry.champion ? "champion" : "challenger",
                     std::nullopt,
                     std::nullopt,
                     std::nullopt};
    try {
        fraud::loaded_model &model = fraud::load(team, entry.id);
        fraud::require_values(attributes, model);
        core::fraud::prediction said = fraud::score_values(model);
        row[4] = fraud::number_text(said.margin);
        if (!std::isnan(said.probability))
            row[5] = fraud::number_text(said.probability);
    } catch (const core::error &failure) {
        row[6] = failure.message() + (failure.detail().empty() ? "" : ": " + failure.detail());
    }
    return row;
}

std::vector<double> numbers_of(ArrayType *array) {
    Datum *elements = nullptr;
    bool *nulls = nullptr;
    int count = 0;
    pg::call([&] {
        deconstruct_array(array, FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, &nulls,
                          &count);
    });
    std::vector<double> out;
    out.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
        out.push_back(nulls[i] ? std::nan("") : DatumGetFloat8(elements[i]));
    return out;
}

} // namespace

SAAS_FUNCTION(saas_check_fraud_model) {
    std::string_view bytes = pg::text_view_unsafe(PG_GETARG_DATUM(1));
    Jsonb *given_map = PG_GETARG_JSONB_P(2);
    Jsonb *given_options = PG_GETARG_JSONB_P(3);
    std::string format = pg::text_string(PG_GETARG_DATUM(0));
    std::string map = json_text(given_map);
    std::string options = json_text(given_options);
    auto known = core::fraud::model_format_of(format);
    if (!known)
        throw core::error{core::k_invalid_parameter_value, "the format of a fraud model is unknown",
                          "Known are xgboost_json, lightgbm_text, lightgbm_json and logistic."};
    core::fraud::model model = core::fraud::read_model(
        *known, bytes, core::fraud::read_options(options), core::cancel_poll{pg::stop_requested});
    Datum inputs = fraud::inputs_json(model, core::fraud::read_feature_map(model, map));
    const char *objective = model.objective.c_str();
    auto trees = static_cast<int32>(model.trees());
    return pg::call([&] {
        const Datum values[3] = {CStringGetTextDatum(objective), Int32GetDatum(trees), inputs};
        const bool nulls[3] = {};
        return fraud::record_unsafe(fcinfo, values, nulls);
    });
}

SAAS_FUNCTION(saas_score_team_model) {
    for (int argument : {0, 1, 2, 3}) {
        if (PG_ARGISNULL(argument))
            throw core::error{core::sqlstate{"22004"},
                              "team, name, features and explain are given"};
    }
    Jsonb *attributes = PG_GETARG_JSONB_P(2);
    core::uuid team = uuid_of(PG_GETARG_DATUM(0));
    fraud::model_entry entry =
        find_model(team, pg::text_string(PG_GETARG_DATUM(1)), version_of(fcinfo, 4));
    fraud::loaded_model &model = fraud::load(team, entry.id);
    fraud::require_values(attributes, model);
    core::fraud::prediction said = fraud::score_values(model);
    bool explained = PG_GETARG_BOOL(3);
    Datum why = explained ? fraud::contributions_json(model, said.margin) : Datum{0};
    return pg::call([&] {
        const Datum values[4] = {Float4GetDatum(static_cast<float4>(said.margin)),
                                 Float8GetDatum(said.probability), why,
                                 Int32GetDatum(entry.version)};
        const bool nulls[4] = {false, std::isnan(said.probability), !explained, false};
        return fraud::record_unsafe(fcinfo, values, nulls);
    });
}

SAAS_FUNCTION(saas_score_team_models) {
    Jsonb *attributes = PG_GETARG_JSONB_P(1);
    core::uuid team = uuid_of(PG_GETARG_DATUM(0));
    std::vector<pg::text_row> rows;
    // A copy: what load() calls may read the list again.
    const std::vector<fraud::model_entry> entries = fraud::models_in_use(team);
    for (const fraud::model_entry &entry : entries)
        rows.push_back(line_of(team, entry, attributes));
    pg::return_rows(fcinfo, rows);
    return Datum{0};
}

SAAS_FUNCTION(saas_team_has_models) {
    PG_RETURN_BOOL(!fraud::models_in_use(uuid_of(PG_GETARG_DATUM(0))).empty());
}

SAAS_FUNCTION(saas_team_model_values) {
    Jsonb *attributes = PG_GETARG_JSONB_P(3);
    core::uuid team = uuid_of(PG_GETARG_DATUM(0));
    int version = PG_GETARG_INT32(2);
    fraud::model_entry entry = find_model(team, pg::text_string(PG_GETARG_DATUM(1)), version);
    fraud::loaded_model &model = fraud::load(team, entry.id);
    (void)fraud::read_values(attributes, model);
    core::fraud::prediction said = model.model.score(model.values, model.memory);
    return pg::call([&] {
        std::size_t count = model.values.size() + 1;
        auto *elements = static_cast<Datum *>(palloc(count * sizeof(Datum)));
        auto *nulls = static_cast<bool *>(palloc0(count * sizeof(bool)));
        elements[0] = Float8GetDatum(said.margin);
        for (std::size_t i = 1; i < count; ++i) {
            elements[i] = Float8GetDatum(model.values[i - 1]);
            nulls[i] = std::isnan(model.values[i - 1]);
        }
        int dimensions[1] = {static_cast<int>(count)};
        int lower[1] = {0};
        return PointerGetDatum(construct_md_array(elements, nulls, 1, dimensions, lower, FLOAT8OID,
                                                  8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
    });
}

SAAS_FUNCTION(saas_population_stability) {
    ArrayType *before = PG_GETARG_ARRAYTYPE_P(0);
    ArrayType *after = PG_GETARG_ARRAYTYPE_P(1);
    std::vector<double> baseline = numbers_of(before);
    std::vector<double> window = numbers_of(after);
    core::fraud::stability found = core::fraud::population_stability(
        baseline, window, PG_GETARG_BOOL(2), core::cancel_poll{pg::stop_requested});
    std::string bins = "[";
    for (const core::fraud::stability_bin &bin : found.bins) {
        bins += bins.size() > 1 ? "," : "";
        bins += "{\"upper\":\"" + fraud::number_text(bin.upper) +
                "\",\"baseline\":" + std::to_string(bin.baseline) +
                ",\"window\":" + std::to_string(bin.window) + "}";
    }
    bins += "]";
    return pg::call([&] {
        Datum json = DirectFunctionCall1(jsonb_in, CStringGetDatum(bins.c_str()));
        const Datum values[2] = {Float8GetDatum(found.index), json};
        const bool nulls[2] = {};
        return fraud::record_unsafe(fcinfo, values, nulls);
    });
}
