// SPDX-License-Identifier: PostgreSQL
// top_k_sketch: entry points.
#include "core/sketch/top_k.hpp"
#include "pg/result_set.hpp"
#include "sketches/info.hpp"
#include "sketches/sketch.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "pg/prelude.hpp"

extern "C" {
#include "mb/pg_wchar.h" // pg_verify_mbstr
}

using namespace saas; // NOLINT: entry points only
namespace sk = core::sketch;

namespace {

struct top_k_type {
    using state = sk::top_k_state;
    static constexpr char kind = 'T';
    static state *make(sk::allocate more) { return sk::make_top_k_state(more); }
    static void check(sk::bytes sketch) { sk::check_top_k_sketch(sketch); }
};

constexpr auto more = sketches::allocate_block<top_k_type>;

// A sketch may come from a database with another encoding.
std::string verified(std::string_view text) {
    if (!pg_verify_mbstr(GetDatabaseEncoding(), text.data(), static_cast<int>(text.size()), true))
        throw core::error{core::sqlstate{"22021"},
                          "a text in the sketch is not in the encoding of the database"};
    return std::string{text};
}

sk::bytes sketch_argument(FunctionCallInfo fcinfo) {
    return sketches::finished_bytes<top_k_type>(PG_GETARG_DATUM(0));
}

} // namespace

SAAS_SKETCH_FUNCTIONS(top_k_sketch, top_k_type);

// (state, text, capacity) -> state
SAAS_FUNCTION(saas_top_k_sketch_add) {
    if (PG_ARGISNULL(1))
        return sketches::unchanged(fcinfo);
    sketches::require_aggregate(fcinfo);
    const auto capacity =
        static_cast<std::uint32_t>(PG_ARGISNULL(2) ? 0 : std::max(PG_GETARG_INT32(2), 0));
    sk::top_k_state *state = PG_ARGISNULL(0) ? sk::make_top_k_state(capacity, more)
                                             : sketches::own_state<top_k_type>(fcinfo);
    const text *value = PG_GETARG_TEXT_PP(1);
    const std::string_view wanted{VARDATA_ANY(value),
                                  static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
    return sketches::datum_of(sk::add(state, wanted, more));
}

// (sketch, how many) -> set of (value, count, error)
SAAS_FUNCTION(saas_top_k) {
    const sk::bytes sketch = sketch_argument(fcinfo);
    const int most = PG_GETARG_INT32(1);
    if (most < 0)
        throw core::error{core::k_invalid_parameter_value,
                          "the number of texts must not be negative"};
    std::vector<pg::text_row> rows;
    for (const sk::frequent_text &item : sk::top_of(sketch, static_cast<std::size_t>(most)))
        rows.push_back(
            {verified(item.text), std::to_string(item.count), std::to_string(item.error)});
    pg::return_rows(fcinfo, rows);
    return Datum{0};
}

// (sketch) -> jsonb
SAAS_FUNCTION(saas_top_k_sketch_info) {
    const sk::bytes sketch = sketch_argument(fcinfo);
    const sk::top_k_summary summary = sk::summary_of_top_k(sketch);
    sketches::info_text info;
    info.text("type", "top_k_sketch");
    info.whole("version", sk::k_version);
    info.whole("bytes", sketch.size());
    info.whole("count", summary.count);
    info.whole("capacity", summary.capacity);
    info.whole("counters", summary.counters);
    info.whole("floor", summary.floor);
    return info.jsonb();
}
