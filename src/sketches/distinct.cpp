// SPDX-License-Identifier: PostgreSQL
// distinct_sketch: entry points.
#include "core/sketch/distinct.hpp"
#include "sketches/hash_value.hpp"
#include "sketches/info.hpp"
#include "sketches/sketch.hpp"

#include <cmath>

#include "pg/prelude.hpp"

extern "C" {
#include "utils/builtins.h" // text_to_cstring
}

using namespace saas; // NOLINT: entry points only
namespace sk = core::sketch;

namespace {

struct distinct_type {
    using state = sk::distinct_state;
    static constexpr char kind = 'D';
    static state *make(sk::allocate more) { return sk::make_distinct_state(more); }
    static void check(sk::bytes sketch) { sk::check_distinct_sketch(sketch); }
};

constexpr auto more = sketches::allocate_block<distinct_type>;

// How the values of this call are hashed, looked up once a statement.
sketches::hash_function hash_of_call(FunctionCallInfo fcinfo) {
    FmgrInfo *call = fcinfo->flinfo;
    if (call->fn_extra == nullptr)
        call->fn_extra =
            reinterpret_cast<void *>(sketches::find_hash(get_fn_expr_argtype(call, 1)));
    return reinterpret_cast<sketches::hash_function>(call->fn_extra);
}

Datum rounded(double estimate) {
    PG_RETURN_INT64(static_cast<std::int64_t>(std::llround(std::fmin(estimate, 9e18))));
}

sk::bytes sketch_argument(FunctionCallInfo fcinfo) {
    return sketches::finished_bytes<distinct_type>(PG_GETARG_DATUM(0));
}

} // namespace

SAAS_SKETCH_FUNCTIONS(distinct_sketch, distinct_type);

// (state, value of any type) -> state
SAAS_FUNCTION(saas_distinct_sketch_add) {
    if (PG_ARGISNULL(1))
        return sketches::unchanged(fcinfo);
    const std::uint64_t hash = hash_of_call(fcinfo)(PG_GETARG_DATUM(1));
    sk::distinct_state *state = sketches::own_state<distinct_type>(fcinfo);
    return sketches::datum_of(sk::add_hash(state, hash, more));
}

// (state) -> bigint; 0 without any value
SAAS_FUNCTION(saas_distinct_sketch_estimate) {
    if (PG_ARGISNULL(0))
        PG_RETURN_INT64(0);
    const sk::bytes payload = sketches::payload_of(PG_GETARG_DATUM(0));
    if (sketches::is_building<distinct_type>(payload))
        return rounded(sk::estimate_of(*sketches::block_of<distinct_type>(payload)));
    return rounded(sk::estimate_of(payload));
}

// (text) -> sketch
SAAS_FUNCTION(saas_distinct_sketch_from_text) {
    return sketches::finished(
        sketches::parse_text(text_to_cstring(PG_GETARG_TEXT_PP(0)), distinct_type::check));
}

// (sketch) -> jsonb
SAAS_FUNCTION(saas_distinct_sketch_info) {
    const sk::bytes sketch = sketch_argument(fcinfo);
    const bool sparse = sk::is_sparse(sketch);
    sketches::info_text info;
    info.text("type", "distinct_sketch");
    info.whole("version", sk::k_version);
    info.whole("bytes", sketch.size());
    info.text("form", sparse ? "sparse" : "dense");
    info.whole("precision", sparse ? sk::k_sparse_precision : sk::k_precision);
    info.whole("estimate", static_cast<std::uint64_t>(std::llround(sk::estimate_of(sketch))));
    info.number("standard_error", sparse ? 0.0007 : 0.0057);
    return info.jsonb();
}
