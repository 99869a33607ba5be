// SPDX-License-Identifier: PostgreSQL
// saas.insert_together(): rows of many requests by one statement, which is planned once a session, and whose foreign keys
// are looked after once for all rows.
#include "core/error.hpp"
#include "pg/boundary.hpp"
#include "pg/row_statement.hpp"

#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "executor/spi.h"     // SPI_prepare_cursor
#include "miscadmin.h"        // GetUserId
#include "nodes/parsenodes.h" // CURSOR_OPT_GENERIC_PLAN
#include "utils/builtins.h"   // text_to_cstring
#include "utils/memutils.h"   // TopMemoryContext
}

using namespace saas; // NOLINT: entry points only

namespace {

constexpr int k_most_arguments = 20;

// The package has two such statements.
struct kept_statement {
    char *text; // in TopMemoryContext; null: free
    Oid user;   // whose rights it was planned with
    SPIPlanPtr plan;
};

kept_statement statements[4];
int next_place = 0;

bool takes(SPIPlanPtr plan, int count, const Oid *types) {
    if (SPI_getargcount(plan) != count)
        return false;
    for (int i = 0; i < count; ++i)
        if (SPI_getargtypeid(plan, i) != types[i])
            return false;
    return true;
}

SPIPlanPtr plan_unsafe(const char *text, int count, Oid *types) {
    for (const kept_statement &statement : statements)
        if (statement.text != nullptr && statement.user == GetUserId() && std::strcmp(statement.text, text) == 0 &&
            takes(statement.plan, count, types))
            return statement.plan;
    SPIPlanPtr plan = SPI_prepare_cursor(text, count, types, CURSOR_OPT_GENERIC_PLAN);
    if (plan == nullptr || SPI_keepplan(plan) != 0)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("a statement of the privacy engine was refused: %s",
                                                                SPI_result_code_string(SPI_result))));
    char *own = MemoryContextStrdup(TopMemoryContext, text);
    kept_statement *place = &statements[next_place];
    next_place = (next_place + 1) % static_cast<int>(lengthof(statements));
    if (place->text != nullptr) {
        SPI_freeplan(place->plan);
        pfree(place->text);
    }
    *place = {own, GetUserId(), plan};
    return plan;
}

std::uint64_t insert_unsafe(FunctionCallInfo fcinfo) {
    Oid types[k_most_arguments]{};
    Datum values[k_most_arguments]{};
    char nulls[k_most_arguments]{};
    const int count = Min(PG_NARGS() - 1, k_most_arguments);
    for (int i = 0; i < count; ++i) {
        types[i] = get_fn_expr_argtype(fcinfo->flinfo, i + 1);
        nulls[i] = PG_ARGISNULL(i + 1) ? 'n' : ' ';
        values[i] = PG_ARGISNULL(i + 1) ? 0 : PG_GETARG_DATUM(i + 1);
    }
    SPI_connect();
    const pg::row_statement statement{plan_unsafe(text_to_cstring(PG_GETARG_TEXT_PP(0)), count, types), count, types,
                                      values, nulls, 0, nullptr, nullptr};
    const std::uint64_t rows = pg::run_row_statement(statement);
    SPI_finish();
    return rows;
}

} // namespace

// (statement, its parameters) -> number of rows
SAAS_FUNCTION(saas_insert_together) {
    if (PG_ARGISNULL(0))
        throw core::error{core::k_invalid_parameter_value, "a statement is needed"};
    PG_RETURN_INT64(static_cast<int64>(pg::call([&] { return insert_unsafe(fcinfo); })));
}
