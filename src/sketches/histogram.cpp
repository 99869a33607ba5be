// SPDX-License-Identifier: PostgreSQL
// histogram_sketch: entry points.
#include "core/sketch/histogram.hpp"
#include "sketches/info.hpp"
#include "sketches/sketch.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h" // FLOAT8OID
#include "utils/array.h"     // ARR_DATA_PTR
}

using namespace saas; // NOLINT: entry points only
namespace sk = core::sketch;

namespace {

struct histogram_type {
    using state = sk::histogram_state;
    static constexpr char kind = 'H';
    static state *make(sk::allocate more) { return sk::make_histogram_state(more); }
    static void check(sk::bytes sketch) { sk::check_histogram_sketch(sketch); }
};

constexpr auto more = sketches::allocate_block<histogram_type>;

// The bounds, where they are in the array.
std::span<const double> bounds_argument(FunctionCallInfo fcinfo) {
    ArrayType *bounds = PG_GETARG_ARRAYTYPE_P(2);
    if (ARR_NDIM(bounds) > 1 || array_contains_nulls(bounds))
        throw core::error{
            core::k_invalid_parameter_value,
            "the bounds of a histogram must be an array of one dimension without NULL"};
    return {reinterpret_cast<const double *>(ARR_DATA_PTR(bounds)),
            static_cast<std::size_t>(ArrayGetNItems(ARR_NDIM(bounds), ARR_DIMS(bounds)))};
}

void require_bounds(const sk::histogram_state &state, std::span<const double> bounds) {
    if (!sk::has_bounds(state, bounds))
        throw core::error{core::k_invalid_parameter_value,
                          "the bounds of a histogram must be the same for all its values"};
}

// The state with the bounds that the call gives.
sk::histogram_state *state_with_bounds(FunctionCallInfo fcinfo) {
    sketches::require_aggregate(fcinfo);
    if (PG_ARGISNULL(2))
        throw core::error{core::k_invalid_parameter_value, "a histogram needs bounds"};
    if (PG_ARGISNULL(0))
        return sk::make_histogram_state(bounds_argument(fcinfo), more);
    sk::histogram_state *state = sketches::own_state<histogram_type>(fcinfo);
    require_bounds(*state, bounds_argument(fcinfo));
    return state;
}

// The histogram in the form of a state, as both forms of values are.
const sk::histogram_state &state_argument(FunctionCallInfo fcinfo, int number) {
    return *sketches::merge_value<sk::histogram_state, histogram_type>(histogram_type::make(more),
                                                                       PG_GETARG_DATUM(number));
}

} // namespace

SAAS_SKETCH_FUNCTIONS(histogram_sketch, histogram_type);

// (state, value, bounds[]) -> state
SAAS_FUNCTION(saas_histogram_sketch_add) {
    if (PG_ARGISNULL(1))
        return sketches::unchanged(fcinfo);
    sk::histogram_state *state = state_with_bounds(fcinfo);
    sk::add(state, PG_GETARG_FLOAT8(1));
    return sketches::datum_of(state);
}

// (state, value, bounds[]) -> state without the value
SAAS_FUNCTION(saas_histogram_sketch_remove) {
    if (PG_ARGISNULL(1))
        return sketches::unchanged(fcinfo);
    sk::histogram_state *state = state_with_bounds(fcinfo);
    sk::take(state, PG_GETARG_FLOAT8(1));
    return sketches::datum_of(state);
}

// (state, sketch) -> state without the sketch
SAAS_FUNCTION(saas_histogram_sketch_unmerge) {
    if (PG_ARGISNULL(1))
        return sketches::unchanged(fcinfo);
    sk::histogram_state *state = sketches::own_state<histogram_type>(fcinfo);
    sk::take(state, state_argument(fcinfo, 1));
    return sketches::datum_of(state);
}

// (sketch, sketch) -> sketch
SAAS_FUNCTION(saas_histogram_sketch_subtract) {
    auto *state = const_cast<sk::histogram_state *>(&state_argument(fcinfo, 0)); // a copy
    sk::take(state, state_argument(fcinfo, 1));
    return sketches::finish(*state);
}

// (sketch) -> double precision[]
SAAS_FUNCTION(saas_histogram_sketch_bounds) {
    const auto bounds = sk::bounds_of(state_argument(fcinfo, 0));
    auto *values = static_cast<Datum *>(palloc(sizeof(Datum) * (bounds.size() + 1)));
    for (std::size_t i = 0; i < bounds.size(); ++i)
        values[i] = Float8GetDatum(bounds[i]);
    PG_RETURN_ARRAYTYPE_P(construct_array(values, static_cast<int>(bounds.size()), FLOAT8OID,
                                          sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

// (sketch) -> bigint[]: one more than bounds
SAAS_FUNCTION(saas_histogram_sketch_counts) {
    const auto counts = sk::counts_of(state_argument(fcinfo, 0));
    auto *values = static_cast<Datum *>(palloc(sizeof(Datum) * counts.size()));
    for (std::size_t i = 0; i < counts.size(); ++i)
        values[i] = Int64GetDatum(static_cast<std::int64_t>(counts[i]));
    PG_RETURN_ARRAYTYPE_P(construct_array(values, static_cast<int>(counts.size()), INT8OID,
                                          sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

// (sketch) -> jsonb
SAAS_FUNCTION(saas_histogram_sketch_info) {
    const auto &state = state_argument(fcinfo, 0);
    sketches::info_text info;
    info.text("type", "histogram_sketch");
    info.whole("version", sk::k_version);
    info.whole("bytes", sketches::finished_bytes<histogram_type>(PG_GETARG_DATUM(0)).size());
    info.whole("count", state.count);
    info.whole("bounds", state.bounds);
    return info.jsonb();
}
