// SPDX-License-Identifier: PostgreSQL
// SQL entry points of the privacy engine: the order of an erasure, statements that it runs, and the search
// for what should be gone.
#include "core/error.hpp"
#include "core/privacy/erasure_plan.hpp"
#include "core/privacy/needles.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "pg/erasing.hpp"
#include "pg/result_set.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h" // UUIDOID
#include "executor/spi.h"    // SPI_execute_with_args
#include "fmgr.h"            // fcinfo->flinfo
#include "utils/builtins.h"  // cstring_to_text, pg_lltoa
}

using namespace saas; // NOLINT: entry points only
namespace privacy = saas::core::privacy;

namespace {

std::string number_list(const std::vector<std::size_t> &numbers) {
    std::string out{"{"};
    for (std::size_t number : numbers)
        out += (out.size() > 1 ? "," : "") + std::to_string(number);
    return out + "}";
}

// Runs one statement with the parameters $1 uuid, $2 integer and $3 bigint, and with the rights of the caller. Returns the
// text of the first value of the first row, or nullptr; of a statement without rows the number of those that it changed.
char *run_unsafe(FunctionCallInfo fcinfo) {
    constexpr Size k_number_room = 21;
    const char *statement = text_to_cstring(PG_GETARG_TEXT_PP(0));
    Oid types[] = {UUIDOID, INT4OID, INT8OID};
    Datum values[3];
    char nulls[3];
    for (int i = 0; i < 3; ++i) {
        nulls[i] = PG_ARGISNULL(i + 1) ? 'n' : ' ';
        values[i] = PG_ARGISNULL(i + 1) ? 0 : PG_GETARG_DATUM(i + 1);
    }
    MemoryContext outside = CurrentMemoryContext;
    SPI_connect();
    const int result = SPI_execute_with_args(statement, 3, types, values, nulls, false, 0);
    if (result < 0)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                        errmsg("a statement of the privacy engine was refused: %s",
                               SPI_result_code_string(result))));
    char *out = nullptr;
    if (SPI_tuptable != nullptr && SPI_processed > 0) {
        char *text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
        if (text != nullptr)
            out = MemoryContextStrdup(outside, text);
    } else if (result == SPI_OK_UPDATE || result == SPI_OK_DELETE || result == SPI_OK_INSERT) {
        out = static_cast<char *>(MemoryContextAlloc(outside, k_number_room));
        pg_lltoa(static_cast<std::int64_t>(SPI_processed), out);
    }
    SPI_finish();
    return out;
}

} // namespace

// (tables, edges, root) -> rows in the order of erasure
SAAS_FUNCTION(saas_erasure_order) {
    const auto graph = privacy::read_graph(pg::text_array(PG_GETARG_DATUM(0)),
                                           pg::text_array(PG_GETARG_DATUM(1)), PG_GETARG_INT32(2));
    const auto plan = privacy::plan_erasure(graph, core::cancel_poll{pg::stop_requested});
    std::vector<pg::text_row> rows;
    for (const auto &one : plan.tables)
        rows.push_back({std::to_string(rows.size()), std::to_string(one.table),
                        std::to_string(one.hops), std::to_string(one.group),
                        std::string{privacy::name_of(one.way)}, std::to_string(one.rows),
                        number_list(one.route), number_list(one.nulls)});
    pg::return_rows(fcinfo, rows);
    return Datum{0};
}

// (tables, edges, root) -> cost of each edge
SAAS_FUNCTION(saas_erasure_costs) {
    const auto graph = privacy::read_graph(pg::text_array(PG_GETARG_DATUM(0)),
                                           pg::text_array(PG_GETARG_DATUM(1)), PG_GETARG_INT32(2));
    const auto plan = privacy::plan_erasure(graph, core::cancel_poll{pg::stop_requested});
    std::vector<pg::text_row> rows;
    for (const auto &one : plan.edges)
        rows.push_back(
            {std::to_string(one.edge), std::to_string(one.cost), std::to_string(one.saved)});
    pg::return_rows(fcinfo, rows);
    return Datum{0};
}

SAAS_FUNCTION(saas_erase_by) {
    if (PG_ARGISNULL(0))
        throw core::error{core::k_invalid_parameter_value, "a statement is needed"};
    const pg::erasing permitted;
    char *out = pg::call([&] { return run_unsafe(fcinfo); });
    if (out == nullptr)
        PG_RETURN_NULL();
    return pg::text_datum(out);
}

SAAS_FUNCTION(saas_privacy_query) {
    if (PG_ARGISNULL(0))
        throw core::error{core::k_invalid_parameter_value, "a statement is needed"};
    char *out = pg::call([&] { return run_unsafe(fcinfo); });
    if (out == nullptr)
        PG_RETURN_NULL();
    return pg::text_datum(out);
}

SAAS_FUNCTION(saas_is_erasing) {
    PG_RETURN_BOOL(pg::is_erasing());
}

// (key, value) -> nine bytes for each way to write the value, NULL for one without words
SAAS_FUNCTION(saas_erasure_needle) {
    const auto key = pg::bytes(PG_GETARG_DATUM(0));
    privacy::siphash_key inner;
    if (key.size() != inner.size())
        throw core::error{core::k_invalid_parameter_value, "the key must have 16 bytes"};
    std::copy(key.begin(), key.end(), inner.begin());
    std::vector<std::uint8_t> packed;
    for (const privacy::needle &one : privacy::make_needles(inner, pg::text_string(PG_GETARG_DATUM(1)))) {
        const auto bytes = privacy::pack_needle(one);
        packed.insert(packed.end(), bytes.begin(), bytes.end());
    }
    if (packed.empty())
        PG_RETURN_NULL();
    return pg::bytea_datum(packed);
}
