// SPDX-License-Identifier: PostgreSQL
// counter_sketch and level_sketch: entry points.
#include "core/sketch/series.hpp"
#include "sketches/info.hpp"
#include "sketches/sketch.hpp"

#include <optional>
#include <string_view>

#include "pg/prelude.hpp"

extern "C" {
#include "utils/timestamp.h" // TimestampTz
}

using namespace saas; // NOLINT: entry points only
namespace sk = core::sketch;
using sk::series_kind;

namespace {

// Finished series are one stretch.
Datum finish_joined(const sk::series_state &state) {
    auto *value = static_cast<bytea *>(palloc(sk::most_bytes_joined() + VARHDRSZ));
    const Size size = sk::encode_joined(state, reinterpret_cast<std::uint8_t *>(VARDATA(value)));
    SET_VARSIZE(value, size + VARHDRSZ);
    return PointerGetDatum(value);
}

struct counter_type {
    using state = sk::series_state;
    static constexpr char kind = 'C';
    static state *make(sk::allocate more) { return sk::make_series_state(series_kind::none, more); }
    static void check(sk::bytes sketch) { sk::check_counter_sketch(sketch); }
    static Datum finish(const state &all) { return finish_joined(all); }
};

struct level_type {
    using state = sk::series_state;
    static constexpr char kind = 'W';
    static state *make(sk::allocate more) { return sk::make_series_state(series_kind::none, more); }
    static void check(sk::bytes sketch) { sk::check_level_sketch(sketch); }
    static Datum finish(const state &all) { return finish_joined(all); }
};

// (state, time, value) of the call
template <class Sketch>
Datum add_reading(FunctionCallInfo fcinfo, series_kind kind) {
    if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
        return sketches::unchanged(fcinfo);
    constexpr auto more = sketches::allocate_block<Sketch>;
    sketches::require_aggregate(fcinfo);
    const TimestampTz at = PG_GETARG_TIMESTAMPTZ(1);
    if (TIMESTAMP_NOT_FINITE(at))
        throw core::error{core::k_invalid_parameter_value, "the time of a reading must be finite"};
    sk::series_state *state =
        PG_ARGISNULL(0) ? sk::make_series_state(kind, more) : sketches::own_state<Sketch>(fcinfo);
    if (state->kind != kind)
        throw core::error{core::k_invalid_parameter_value,
                          "the method must be the same for all readings"};
    return sketches::datum_of(sk::add(state, at, PG_GETARG_FLOAT8(2), more));
}

template <class Sketch>
std::optional<sk::stretch> whole(FunctionCallInfo fcinfo) {
    return sk::join(sketches::finished_bytes<Sketch>(PG_GETARG_DATUM(0))).all;
}

double seconds(std::int64_t from, std::int64_t until) {
    return static_cast<double>(until - from) / USECS_PER_SEC;
}

series_kind method_argument(FunctionCallInfo fcinfo) {
    if (!PG_ARGISNULL(3)) {
        const text *name = PG_GETARG_TEXT_PP(3);
        const std::string_view method{VARDATA_ANY(name),
                                      static_cast<std::size_t>(VARSIZE_ANY_EXHDR(name))};
        if (method == "locf")
            return series_kind::stepped;
        if (method == "linear")
            return series_kind::linear;
    }
    throw core::error{core::k_invalid_parameter_value,
                      "unknown method of averaging",
                      {},
                      "The methods are 'locf', the last value until the next, and 'linear'."};
}

void describe(sketches::info_text &info, const std::optional<sk::stretch> &all) {
    info.whole("readings", all ? all->readings : 0);
    if (all)
        info.number("seconds", seconds(all->first_at, all->last_at));
}

} // namespace

SAAS_SKETCH_FUNCTIONS(counter_sketch, counter_type);
SAAS_SKETCH_FUNCTIONS(level_sketch, level_type);

// (state, time, value) -> state
SAAS_FUNCTION(saas_counter_sketch_add) {
    return add_reading<counter_type>(fcinfo, series_kind::counter);
}

// (state, time, value) -> state
SAAS_FUNCTION(saas_level_sketch_add) {
    return add_reading<level_type>(fcinfo, series_kind::stepped);
}

// (state, time, value, method) -> state
SAAS_FUNCTION(saas_level_sketch_add_method) {
    return add_reading<level_type>(fcinfo, method_argument(fcinfo));
}

// (counter) -> double precision: what it rose
SAAS_FUNCTION(saas_counter_delta) {
    const auto all = whole<counter_type>(fcinfo);
    if (!all)
        PG_RETURN_NULL();
    PG_RETURN_FLOAT8(all->sum);
}

// (counter) -> double precision: what it rose a second
SAAS_FUNCTION(saas_counter_rate) {
    const auto all = whole<counter_type>(fcinfo);
    if (!all || all->first_at == all->last_at)
        PG_RETURN_NULL();
    PG_RETURN_FLOAT8(all->sum / seconds(all->first_at, all->last_at));
}

// (counter) -> bigint
SAAS_FUNCTION(saas_counter_resets) {
    const auto all = whole<counter_type>(fcinfo);
    PG_RETURN_INT64(all ? static_cast<std::int64_t>(all->resets) : 0);
}

// (level) -> double precision
SAAS_FUNCTION(saas_time_weighted_average) {
    const auto all = whole<level_type>(fcinfo);
    if (!all)
        PG_RETURN_NULL();
    const double span = seconds(all->first_at, all->last_at);
    PG_RETURN_FLOAT8(span > 0 ? all->sum / span : all->last);
}

// (level, until) -> double precision: the last value holds until then
SAAS_FUNCTION(saas_time_weighted_average_until) {
    const auto all = whole<level_type>(fcinfo);
    const TimestampTz until = PG_GETARG_TIMESTAMPTZ(1);
    if (!all)
        PG_RETURN_NULL();
    if (TIMESTAMP_NOT_FINITE(until) || until < all->last_at)
        throw core::error{core::k_invalid_parameter_value,
                          "the end of the average must be finite and not before the last reading"};
    const double span = seconds(all->first_at, until);
    PG_RETURN_FLOAT8(span > 0 ? (all->sum + all->last * seconds(all->last_at, until)) / span
                              : all->last);
}

// (counter) -> jsonb
SAAS_FUNCTION(saas_counter_sketch_info) {
    const sk::bytes sketch = sketches::finished_bytes<counter_type>(PG_GETARG_DATUM(0));
    const auto all = sk::join(sketch).all;
    sketches::info_text info;
    info.text("type", "counter_sketch");
    info.whole("version", sk::k_version);
    info.whole("bytes", sketch.size());
    describe(info, all);
    if (all) {
        info.number("delta", all->sum);
        info.whole("resets", all->resets);
    }
    return info.jsonb();
}

// (level) -> jsonb
SAAS_FUNCTION(saas_level_sketch_info) {
    const sk::bytes sketch = sketches::finished_bytes<level_type>(PG_GETARG_DATUM(0));
    const sk::series series = sk::join(sketch);
    sketches::info_text info;
    info.text("type", "level_sketch");
    info.whole("version", sk::k_version);
    info.whole("bytes", sketch.size());
    info.text("method", series.kind == series_kind::linear ? "linear" : "locf");
    describe(info, series.all);
    if (series.all)
        info.number("last", series.all->last);
    return info.jsonb();
}
