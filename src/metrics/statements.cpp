// SPDX-License-Identifier: PostgreSQL
// Statements of refreshes, planned once a session: saas.keeps_rollup_statement(), saas.run_rollup_statement().
// PL/pgSQL plans what EXECUTE runs each time, which takes longer than adding a few late rows.
#include "core/error.hpp"
#include "pg/boundary.hpp"

#include <algorithm>
#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h"  // INT8OID
#include "executor/spi.h"     // SPI_prepare_cursor
#include "miscadmin.h"        // GetUserId
#include "nodes/parsenodes.h" // CURSOR_OPT_GENERIC_PLAN
#include "utils/builtins.h"   // text_to_cstring
#include "utils/inval.h"      // CacheRegisterSyscacheCallback
#include "utils/memutils.h"   // TopMemoryContext
#include "utils/syscache.h"   // PROCOID
}

using namespace saas; // NOLINT: entry points only

namespace {

constexpr core::sqlstate k_no_such_statement{"26000"};
constexpr int k_first_argument = 2;
constexpr int k_most_arguments = 20;

struct kept_statement {
    char *key; // in TopMemoryContext; null: free
    Oid user;  // whose rights it was planned with
    SPIPlanPtr plan;
    std::uint64_t used;
};

// A plan with partitions takes some 100 kB; those of more rollups than these are planned anew.
kept_statement statements[64];
std::uint64_t uses = 0;
bool outdated = false;

// The functions that write the statements may have changed. Only marks: it runs in the middle of
// whatever the server does.
void function_changed(Datum, int, uint32) {
    outdated = true;
}

void forget(kept_statement &statement) {
    SPI_freeplan(statement.plan);
    pfree(statement.key);
    statement = {};
}

void forget_outdated() {
    static bool watching = false;
    if (!watching) {
        CacheRegisterSyscacheCallback(PROCOID, function_changed, 0);
        watching = true;
    }
    if (!outdated)
        return;
    outdated = false;
    for (kept_statement &statement : statements) {
        if (statement.key != nullptr)
            forget(statement);
    }
}

kept_statement *find(const char *key) {
    for (kept_statement &statement : statements) {
        if (statement.key != nullptr && statement.user == GetUserId() && std::strcmp(statement.key, key) == 0)
            return &statement;
    }
    return nullptr;
}

// In the place of the one that was not used for longest. Connected to SPI.
kept_statement *keep_unsafe(const char *key, const char *text, int count, Oid *types) {
    SPIPlanPtr plan = SPI_prepare_cursor(text, count, types, CURSOR_OPT_GENERIC_PLAN);
    if (plan == nullptr)
        elog(ERROR, "SPI_prepare_cursor: %s", SPI_result_code_string(SPI_result));
    kept_statement *place = std::min_element(std::begin(statements), std::end(statements),
                                             [](const auto &a, const auto &b) { return a.used < b.used; });
    char *own_key = MemoryContextStrdup(TopMemoryContext, key);
    if (place->key != nullptr)
        forget(*place);
    SPI_keepplan(plan);
    *place = {own_key, GetUserId(), plan, 0};
    return place;
}

std::int64_t answer_of(std::uint64_t processed, SPITupleTable *rows) {
    if (rows == nullptr || rows->numvals == 0 || SPI_gettypeid(rows->tupdesc, 1) != INT8OID)
        return static_cast<std::int64_t>(processed);
    bool is_null = false;
    return DatumGetInt64(SPI_getbinval(rows->vals[0], rows->tupdesc, 1, &is_null));
}

std::int64_t execute_unsafe(kept_statement &statement, Datum *values, const char *nulls) {
    statement.used = ++uses;
    const int code = SPI_execute_plan(statement.plan, values, nulls, false, 0);
    if (code < 0)
        elog(ERROR, "SPI_execute_plan: %s", SPI_result_code_string(code));
    return answer_of(SPI_processed, SPI_tuptable);
}

} // namespace

SAAS_FUNCTION(saas_keeps_rollup_statement) {
    forget_outdated();
    PG_RETURN_BOOL(find(text_to_cstring(PG_GETARG_TEXT_PP(0))) != nullptr);
}

SAAS_FUNCTION(saas_run_rollup_statement) {
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    Oid types[k_most_arguments];
    Datum values[k_most_arguments];
    char nulls[k_most_arguments];
    const int count = std::min(PG_NARGS() - k_first_argument, k_most_arguments);
    for (int i = 0; i < count; ++i) {
        types[i] = get_fn_expr_argtype(fcinfo->flinfo, i + k_first_argument);
        nulls[i] = PG_ARGISNULL(i + k_first_argument) ? 'n' : ' ';
        values[i] = PG_GETARG_DATUM(i + k_first_argument);
    }
    const char *key = text_to_cstring(PG_GETARG_TEXT_PP(0));
    SPI_connect();
    kept_statement *statement = find(key);
    if (statement == nullptr) {
        if (PG_ARGISNULL(1))
            throw core::error{k_no_such_statement, "the statement is not kept in this session, and has no text"};
        statement = keep_unsafe(key, text_to_cstring(PG_GETARG_TEXT_PP(1)), count, types);
    }
    const std::int64_t answer = execute_unsafe(*statement, values, nulls);
    SPI_finish();
    PG_RETURN_INT64(answer);
}
