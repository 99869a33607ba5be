// SPDX-License-Identifier: PostgreSQL
// quantile_sketch: entry points.
#include "core/sketch/quantile.hpp"
#include "sketches/info.hpp"
#include "sketches/sketch.hpp"

#include <span>

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h" // FLOAT8OID
#include "utils/array.h"     // deconstruct_array
}

using namespace saas; // NOLINT: entry points only
namespace sk = core::sketch;

namespace {

struct quantile_type {
    using state = sk::quantile_state;
    static constexpr char kind = 'Q';
    static state *make(sk::allocate more) { return sk::make_quantile_state(more); }
    static void check(sk::bytes sketch) { sk::check_quantile_sketch(sketch); }
};

constexpr auto more = sketches::allocate_block<quantile_type>;

sk::bytes sketch_argument(FunctionCallInfo fcinfo) {
    return sketches::finished_bytes<quantile_type>(PG_GETARG_DATUM(0));
}

} // namespace

SAAS_SKETCH_FUNCTIONS(quantile_sketch, quantile_type);

// (state, value) -> state
SAAS_FUNCTION(saas_quantile_sketch_add) {
    if (PG_ARGISNULL(1))
        return sketches::unchanged(fcinfo);
    sk::quantile_state *state = sketches::own_state<quantile_type>(fcinfo);
    return sketches::datum_of(sk::add(state, sk::key_of(PG_GETARG_FLOAT8(1)), 1, more));
}

// (state, value) -> state without the value
SAAS_FUNCTION(saas_quantile_sketch_remove) {
    if (PG_ARGISNULL(1))
        return sketches::unchanged(fcinfo);
    sk::quantile_state *state = sketches::own_state<quantile_type>(fcinfo);
    sk::take(state, sk::key_of(PG_GETARG_FLOAT8(1)), 1);
    return sketches::datum_of(state);
}

// (state, sketch) -> state without the sketch
SAAS_FUNCTION(saas_quantile_sketch_unmerge) {
    if (PG_ARGISNULL(1))
        return sketches::unchanged(fcinfo);
    sk::quantile_state *state = sketches::own_state<quantile_type>(fcinfo);
    sk::take(state, sketches::finished_bytes<quantile_type>(PG_GETARG_DATUM(1)));
    return sketches::datum_of(state);
}

// (sketch, sketch) -> sketch
SAAS_FUNCTION(saas_quantile_sketch_subtract) {
    sk::quantile_state *state = sk::merge(quantile_type::make(more), sketch_argument(fcinfo), more);
    sk::take(state, sketches::finished_bytes<quantile_type>(PG_GETARG_DATUM(1)));
    return sketches::finish(*state);
}

// (sketch, fraction) -> double precision
SAAS_FUNCTION(saas_approx_percentile) {
    const double fraction = PG_GETARG_FLOAT8(1);
    double value = 0;
    if (!sk::quantiles(sketch_argument(fcinfo), {&fraction, 1}, {&value, 1}))
        PG_RETURN_NULL();
    PG_RETURN_FLOAT8(value);
}

// (sketch, fractions[]) -> double precision[]: same length, NULL for NULL
SAAS_FUNCTION(saas_approx_percentiles) {
    Datum *elements = nullptr;
    bool *nulls = nullptr;
    int count = 0;
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
                      TYPALIGN_DOUBLE, &elements, &nulls, &count);
    auto *values = static_cast<double *>(palloc0(sizeof(double) * static_cast<Size>(count + 1)));
    for (int i = 0; i < count; ++i) {
        if (!nulls[i])
            values[i] = DatumGetFloat8(elements[i]);
    }
    // In place: each value is read before it is written.
    const std::span<double> all{values, static_cast<std::size_t>(count)};
    if (!sk::quantiles(sketch_argument(fcinfo), all, all))
        PG_RETURN_NULL();
    for (int i = 0; i < count; ++i)
        elements[i] = Float8GetDatum(values[i]);
    int dimensions[] = {count};
    int lower[] = {1};
    PG_RETURN_ARRAYTYPE_P(construct_md_array(elements, nulls, count == 0 ? 0 : 1, dimensions, lower,
                                             FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
                                             TYPALIGN_DOUBLE));
}

// (sketch, value) -> double precision
SAAS_FUNCTION(saas_approx_percentile_rank) {
    const auto rank = sk::rank_of(sketch_argument(fcinfo), PG_GETARG_FLOAT8(1));
    if (!rank)
        PG_RETURN_NULL();
    PG_RETURN_FLOAT8(*rank);
}

// (sketch) -> bigint
SAAS_FUNCTION(saas_quantile_sketch_count) {
    PG_RETURN_INT64(
        static_cast<std::int64_t>(sk::summary_of_quantiles(sketch_argument(fcinfo)).count));
}

// (sketch) -> jsonb
SAAS_FUNCTION(saas_quantile_sketch_info) {
    const sk::bytes sketch = sketch_argument(fcinfo);
    const sk::quantile_summary summary = sk::summary_of_quantiles(sketch);
    sketches::info_text info;
    info.text("type", "quantile_sketch");
    info.whole("version", sk::k_version);
    info.whole("bytes", sketch.size());
    info.whole("count", summary.count);
    info.whole("buckets", summary.buckets);
    if (summary.count > 0) {
        info.number("min", sk::value_of(summary.least));
        info.number("max", sk::value_of(summary.greatest));
    }
    info.number("relative_error", sk::k_quantile_error);
    return info.jsonb();
}
