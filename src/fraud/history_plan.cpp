// SPDX-License-Identifier: PostgreSQL
#include "fraud/history_plan.hpp"

#include <algorithm>
#include <cstring>

#include <boost/unordered/unordered_flat_map.hpp>

#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "pg/spi.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h" // TEXTOID
#include "executor/spi.h"    // SPI_prepare_cursor
#include "nodes/parsenodes.h" // CURSOR_OPT_GENERIC_PLAN
#include "utils/builtins.h"  // cstring_to_text_with_len
#include "utils/numeric.h"   // numeric_out
#include "utils/timestamp.h" // TimestampTz
#include "utils/uuid.h"      // UUIDPGetDatum
}

namespace saas::fraud {
namespace {

namespace engine = core::fraud;

constexpr std::size_t k_kept_plans = 500;
constexpr int k_max_parameters = 64;
constexpr std::int64_t k_server_epoch = 946'684'800LL * 1'000'000;

boost::unordered_flat_map<std::string, SPIPlanPtr> &plans() {
    static boost::unordered_flat_map<std::string, SPIPlanPtr> all;
    return all;
}

// Always the generic plan: the time of an assessment must not contain planning.
SPIPlanPtr plan_of(const std::string &sql, int parameters) {
    auto known = plans().find(sql);
    if (known != plans().end())
        return known->second;
    if (plans().size() >= k_kept_plans) {
        for (auto &[text, plan] : plans())
            pg::call([&plan = plan] { SPI_freeplan(plan); });
        plans().clear();
    }
    SPIPlanPtr plan = pg::call([&] {
        Oid types[k_max_parameters] = {UUIDOID, TIMESTAMPTZOID, UUIDOID};
        for (int i = 3; i < parameters; ++i)
            types[i] = TEXTOID;
        SPIPlanPtr made = SPI_prepare_cursor(sql.c_str(), parameters, types,
                                             CURSOR_OPT_GENERIC_PLAN | CURSOR_OPT_NO_SCROLL);
        if (made != nullptr)
            SPI_keepplan(made);
        return made;
    });
    if (plan == nullptr)
        throw core::error{core::k_internal_error, "a statement over history cannot be planned"};
    plans().emplace(sql, plan);
    return plan;
}

struct answer {
    engine::value value;
    bool is_text = false; // the value is a view of memory that SPI frees
};

// Plain data only.
answer value_of(Datum datum, Oid type) {
    switch (type) {
    case INT8OID:
        return {engine::value::of(std::int64_t{DatumGetInt64(datum)})};
    case FLOAT8OID:
        return {engine::value::of(DatumGetFloat8(datum))};
    case BOOLOID:
        return {engine::value::of(DatumGetBool(datum))};
    case NUMERICOID:
        return {engine::number_from(
            DatumGetCString(DirectFunctionCall1(numeric_out, datum)))};
    case TEXTOID:
    case VARCHAROID:
        return {engine::value::of(pg::text_view_unsafe(datum)), true};
    default:
        return {engine::value::failed(engine::failure_kind::type_mismatch)};
    }
}

} // namespace

engine::value run_history(const std::string &sql, const assessment_request &request,
                          const std::vector<std::optional<std::string>> &arguments,
                          engine::text_arena &texts) {
    int parameters = 3 + static_cast<int>(arguments.size());
    if (parameters > k_max_parameters)
        return engine::value::failed(engine::failure_kind::out_of_range);
    pg::as_role reader{pg::internal_role_id()};
    pg::spi connection;
    SPIPlanPtr plan = plan_of(sql, parameters);
    answer found = pg::call([&] {
        Datum values[k_max_parameters] = {};
        char nulls[k_max_parameters];
        std::memset(nulls, ' ', sizeof(nulls));
        pg_uuid_t ids[2];
        std::memcpy(ids[0].data, request.team.data(), UUID_LEN);
        values[0] = UUIDPGetDatum(&ids[0]);
        values[1] = TimestampTzGetDatum(request.now - k_server_epoch);
        nulls[2] = request.intent ? ' ' : 'n';
        if (request.intent) {
            std::memcpy(ids[1].data, request.intent->data(), UUID_LEN);
            values[2] = UUIDPGetDatum(&ids[1]);
        }
        for (std::size_t i = 0; i < arguments.size(); ++i) {
            nulls[3 + i] = arguments[i] ? ' ' : 'n';
            if (arguments[i])
                values[3 + i] = PointerGetDatum(cstring_to_text_with_len(
                    arguments[i]->data(), static_cast<int>(arguments[i]->size())));
        }
        int code = SPI_execute_plan(plan, values, nulls, true, 1);
        if (code != SPI_OK_SELECT)
            throw core::error{core::k_internal_error, "a statement over history gave no rows"};
        if (SPI_processed == 0)
            return answer{engine::value::missing()};
        bool null = false;
        TupleDesc shape = SPI_tuptable->tupdesc;
        Datum datum = SPI_getbinval(SPI_tuptable->vals[0], shape, 1, &null);
        return null ? answer{engine::value::missing()}
                    : value_of(datum, TupleDescAttr(shape, 0)->atttypid);
    });
    if (found.is_text && found.value.type == engine::value_type::text) {
        char *copy = texts.take(std::max<std::size_t>(found.value.length, 1));
        std::memcpy(copy, found.value.text, found.value.length);
        found.value = engine::value::of(std::string_view{copy, found.value.length});
    }
    connection.close();
    return found.value;
}

} // namespace saas::fraud
