// SPDX-License-Identifier: PostgreSQL
// Revenue, funnels, significance and anomalies: entry points.
#include "core/metrics/funnel.hpp"
#include "core/metrics/monthly_amount.hpp"
#include "core/metrics/significance.hpp"
#include "core/metrics/unusual.hpp"
#include "pg/boundary.hpp"
#include "pg/result_set.hpp"
#include "pg/tuple.hpp"

#include <charconv>
#include <cmath>
#include <span>

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/timestamp.h"
}

using namespace saas; // NOLINT: entry points only
namespace metrics = core::metrics;

namespace {

constexpr core::sqlstate k_null_not_allowed{"22004"};

// The elements of an argument that is an array of fixed-length values, where they are.
template <class Value>
std::span<const Value> elements(const ArrayType *array) {
    if (ARR_HASNULL(array))
        throw core::error{k_null_not_allowed, "an element of the array is NULL"};
    if (ARR_NDIM(array) > 1)
        throw core::error{core::k_invalid_parameter_value, "the array has one dimension"};
    return {reinterpret_cast<const Value *>(ARR_DATA_PTR(array)),
            static_cast<std::size_t>(ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)))};
}

std::string number(double value) {
    if (std::isinf(value))
        return value > 0 ? "Infinity" : "-Infinity";
    char digits[32];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
    return {digits, end};
}

std::size_t least_values(int least) {
    if (least < 1)
        throw core::error{core::k_invalid_parameter_value, "the least number of values is 1 or more"};
    return static_cast<std::size_t>(least);
}

pg::text_row row(std::size_t position, const metrics::score &found) {
    return {std::to_string(position + 1), number(found.expected), number(found.value)};
}

} // namespace

// (amount, discount points, discount amount, periods a year in hundredths, interval count, tax
// numerator, tax denominator) -> minor units a month
SAAS_FUNCTION(saas_monthly_amount) {
    PG_RETURN_INT64(metrics::monthly_amount({PG_GETARG_INT64(0), PG_GETARG_INT32(1),
                                             PG_GETARG_INT64(2), PG_GETARG_INT32(3),
                                             PG_GETARG_INT32(4), PG_GETARG_INT32(5),
                                             PG_GETARG_INT32(6)}));
}

// (times, steps as bits, number of steps, window in microseconds) -> seconds to each step reached
SAAS_FUNCTION(saas_funnel_progress) {
    const auto times = elements<TimestampTz>(PG_GETARG_ARRAYTYPE_P(0));
    const auto steps = elements<std::int32_t>(PG_GETARG_ARRAYTYPE_P(1));
    if (times.size() != steps.size())
        throw core::error{core::k_invalid_parameter_value, "each event has its steps"};
    std::vector<metrics::funnel_event> events;
    events.reserve(times.size());
    for (std::size_t i = 0; i < times.size(); ++i) {
        if (TIMESTAMP_NOT_FINITE(times[i]))
            throw core::error{core::k_invalid_parameter_value, "times of events are finite"};
        events.push_back({times[i], static_cast<std::uint32_t>(steps[i])});
    }
    const auto reached = metrics::funnel_progress(events, PG_GETARG_INT32(2), PG_GETARG_INT64(3),
                                                  core::cancel_poll{pg::stop_requested});
    Datum seconds[metrics::k_most_funnel_steps];
    for (std::size_t i = 0; i < reached.size(); ++i)
        seconds[i] = Float8GetDatum(static_cast<double>(reached[i]) / 1e6);
    Datum *first = seconds;
    const int count = static_cast<int>(reached.size());
    ArrayType *array = pg::call([&] {
        return construct_array(first, count, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
                               TYPALIGN_DOUBLE);
    });
    PG_RETURN_ARRAYTYPE_P(array);
}

// (successes a, trials a, successes b, trials b, confidence) -> (z, p_value, lower, upper, reliable)
SAAS_FUNCTION(saas_compare_shares) {
    const auto found =
        metrics::compare_shares({PG_GETARG_INT64(0), PG_GETARG_INT64(1)},
                                {PG_GETARG_INT64(2), PG_GETARG_INT64(3)}, PG_GETARG_FLOAT8(4));
    pg::tuple answer{fcinfo, 5};
    answer.set(0, Float8GetDatum(found.z));
    answer.set(1, Float8GetDatum(found.p_value));
    answer.set(2, Float8GetDatum(found.lower));
    answer.set(3, Float8GetDatum(found.upper));
    answer.set(4, BoolGetDatum(found.reliable));
    return answer.datum();
}

// (count, count, share expected of the first) -> p value
SAAS_FUNCTION(saas_split_p_value) {
    PG_RETURN_FLOAT8(metrics::split_p_value(PG_GETARG_INT64(0), PG_GETARG_INT64(1),
                                            PG_GETARG_FLOAT8(2)));
}

// (values, seasons, least) -> set of (position, expected, score)
SAAS_FUNCTION(saas_seasonal_scores) {
    const auto found = metrics::seasonal_scores(elements<double>(PG_GETARG_ARRAYTYPE_P(0)),
                                                elements<std::int32_t>(PG_GETARG_ARRAYTYPE_P(1)),
                                                least_values(PG_GETARG_INT32(2)));
    std::vector<pg::text_row> rows;
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (found[i])
            rows.push_back(row(i, *found[i]));
    }
    pg::return_rows(fcinfo, rows);
    return Datum{0};
}

// (values, weight) -> set of (position, expected, score)
SAAS_FUNCTION(saas_moving_scores) {
    const auto found = metrics::moving_scores(elements<double>(PG_GETARG_ARRAYTYPE_P(0)),
                                              PG_GETARG_FLOAT8(1));
    std::vector<pg::text_row> rows;
    for (std::size_t i = 0; i < found.size(); ++i)
        rows.push_back(row(i, found[i]));
    pg::return_rows(fcinfo, rows);
    return Datum{0};
}

// (values, penalty, least) -> set of (position, mean)
SAAS_FUNCTION(saas_series_levels) {
    const auto found = metrics::levels_of(elements<double>(PG_GETARG_ARRAYTYPE_P(0)),
                                          PG_GETARG_FLOAT8(1), least_values(PG_GETARG_INT32(2)),
                                          core::cancel_poll{pg::stop_requested});
    std::vector<pg::text_row> rows;
    for (const metrics::level &level : found)
        rows.push_back({std::to_string(level.begin + 1), number(level.mean)});
    pg::return_rows(fcinfo, rows);
    return Datum{0};
}

// (values, seasons, threshold, penalty, least) -> set of (place, kind, expected, found, score)
SAAS_FUNCTION(saas_series_anomalies) {
    const metrics::unusual_limits limits{PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3),
                                         least_values(PG_GETARG_INT32(4)), 4};
    const auto found = metrics::find_unusual(elements<double>(PG_GETARG_ARRAYTYPE_P(0)),
                                             elements<std::int32_t>(PG_GETARG_ARRAYTYPE_P(1)),
                                             limits, core::cancel_poll{pg::stop_requested});
    std::vector<pg::text_row> rows;
    for (const metrics::unusual &one : found) {
        const char *kind = one.kind == metrics::unusual_kind::outlier ? "outlier"
                           : one.kind == metrics::unusual_kind::drift ? "drift"
                                                                      : "level";
        rows.push_back({std::to_string(one.place + 1), kind, number(one.expected),
                        number(one.found), number(one.score)});
    }
    pg::return_rows(fcinfo, rows);
    return Datum{0};
}
