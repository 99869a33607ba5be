// SPDX-License-Identifier: PostgreSQL
// The state of everything that a plan is made of, as a number, and answers that hold as long as it does.
//
// A plan follows from the catalog (tables, columns, keys, indexes, triggers, functions, owners, rights, comments) and from
// what was declared. Not all of that is told to sessions when it changes: comments are not. So it is read anew each
// time, but no more of it than where the rows are and who wrote them, and of catalogs only in pages that changed; only when that
// changed is a plan made again. Statistics, which the server writes in place, do not count.
#include "core/error.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "pg/package.hpp"
#include "privacy/row_places.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/genam.h"              // table scans
#include "access/heapam.h"             // heap_getnext
#include "access/htup_details.h"       // HeapTupleHeaderGetRawXmin
#include "access/table.h"              // table_open
#include "access/tableam.h"            // table_beginscan
#include "catalog/pg_attrdef.h"        // AttrDefaultRelationId
#include "catalog/pg_attribute.h"      // AttributeRelationId
#include "catalog/pg_auth_members.h"   // AuthMemRelationId
#include "catalog/pg_authid.h"         // AuthIdRelationId
#include "catalog/pg_class.h"          // RelationRelationId
#include "catalog/pg_constraint.h"     // ConstraintRelationId
#include "catalog/pg_database.h"       // DatabaseRelationId
#include "catalog/pg_depend.h"         // DependRelationId
#include "catalog/pg_description.h"    // DescriptionRelationId
#include "catalog/pg_index.h"          // IndexRelationId
#include "catalog/pg_inherits.h"       // InheritsRelationId
#include "catalog/pg_namespace.h"      // NamespaceRelationId
#include "catalog/pg_proc.h"           // ProcedureRelationId
#include "catalog/pg_rewrite.h"        // RewriteRelationId
#include "catalog/pg_trigger.h"        // TriggerRelationId
#include "catalog/pg_type.h"           // TypeRelationId
#include "executor/spi.h"              // SPI_execute
#include "utils/builtins.h"            // text_to_cstring
#include "utils/memutils.h"            // TopMemoryContext
#include "utils/rel.h"                 // RelationGetRelid
#include "utils/snapmgr.h"             // GetActiveSnapshot
}

using namespace saas; // NOLINT: entry points only

namespace {

constexpr Oid k_catalogs[] = {
    AttrDefaultRelationId, AttributeRelationId,  AuthMemRelationId,     AuthIdRelationId,
    RelationRelationId,    ConstraintRelationId, DatabaseRelationId,    DependRelationId,
    DescriptionRelationId, IndexRelationId,      InheritsRelationId,    NamespaceRelationId,
    ProcedureRelationId,   RewriteRelationId,    TriggerRelationId,     TypeRelationId};

constexpr const char *k_tables[] = {"personal_data_links", "personal_data_columns",
                                    "personal_data_proposals", "data_assets", "retention_policies"};

// A plan, its statements and its problems for each of two modes, and what is done to each table.
constexpr int k_most_answers = 512;

struct answer {
    std::uint64_t state;
    char *statement;
    char *text; // nullptr for NULL
};

answer answers[k_most_answers];
int next_answer = 0;

using privacy::mixed;

// Where each visible row is and who wrote it, in whatever order they are read.
std::uint64_t state_of_unsafe(Oid table, bool is_catalog) {
    Relation relation = table_open(table, AccessShareLock);
    if (relation->rd_rel->relkind != RELKIND_RELATION || relation->rd_tableam != GetHeapamTableAmRoutine())
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("\"%s\" is no plain table", RelationGetRelationName(relation))));
    if (is_catalog) {
        const std::uint64_t sum = mixed(table) + privacy::row_places_unsafe(relation, GetActiveSnapshot());
        table_close(relation, AccessShareLock);
        return mixed(sum);
    }
    TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0, nullptr);
    std::uint64_t sum = mixed(table);
    for (HeapTuple row; (row = heap_getnext(scan, ForwardScanDirection)) != nullptr;) {
        const std::uint64_t place =
            std::uint64_t{ItemPointerGetBlockNumberNoCheck(&row->t_self)} << 16 |
            ItemPointerGetOffsetNumberNoCheck(&row->t_self);
        sum += mixed(mixed(place ^ std::uint64_t{table} << 48) +
                     HeapTupleHeaderGetRawXmin(row->t_data));
    }
    table_endscan(scan);
    table_close(relation, AccessShareLock);
    return mixed(sum);
}

std::uint64_t map_state_unsafe() {
    std::uint64_t state = 0;
    for (const Oid catalog : k_catalogs) {
        CHECK_FOR_INTERRUPTS();
        state += state_of_unsafe(catalog, true);
    }
    for (const char *name : k_tables) {
        const Oid table = pg::package_table_unsafe(name);
        state += OidIsValid(table) ? state_of_unsafe(table, false) : mixed(1);
    }
    return mixed(state);
}

char *run_unsafe(const char *statement, MemoryContext outside) {
    char *out = nullptr;
    SPI_connect();
    const int result = SPI_execute(statement, false, 0);
    if (result < 0)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                        errmsg("a statement of the privacy engine was refused: %s",
                               SPI_result_code_string(result))));
    if (SPI_tuptable != nullptr && SPI_processed > 0) {
        char *text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
        if (text != nullptr)
            out = MemoryContextStrdup(outside, text);
    }
    SPI_finish();
    return out;
}

const char *answer_unsafe(std::uint64_t state, const char *statement) {
    for (const answer &one : answers)
        if (one.statement != nullptr && one.state == state && strcmp(one.statement, statement) == 0)
            return one.text;
    char *text = run_unsafe(statement, TopMemoryContext);
    answer *place = &answers[next_answer];
    char *known = MemoryContextStrdup(TopMemoryContext, statement);
    if (place->statement != nullptr)
        pfree(place->statement);
    if (place->text != nullptr)
        pfree(place->text);
    *place = {state, known, text};
    next_answer = (next_answer + 1) % k_most_answers;
    return text;
}

} // namespace

SAAS_FUNCTION(saas_privacy_state) {
    const std::uint64_t state = pg::call([] { return map_state_unsafe(); });
    PG_RETURN_INT64(static_cast<std::int64_t>(state));
}

// (state, statement) -> the first value of its first row, kept for the same state
SAAS_FUNCTION(saas_privacy_answer) {
    const auto state = static_cast<std::uint64_t>(PG_GETARG_INT64(0));
    const char *found = pg::call([&] {
        return answer_unsafe(state, text_to_cstring(PG_GETARG_TEXT_PP(1)));
    });
    if (found == nullptr)
        PG_RETURN_NULL();
    return pg::text_datum(found);
}
