// SPDX-License-Identifier: PostgreSQL
#include "pg/key_statements.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h"   // GETSTRUCT
#include "catalog/pg_class.h"      // Form_pg_class
#include "catalog/pg_operator.h"   // Form_pg_operator
#include "executor/spi.h"          // SPI_prepare_cursor
#include "lib/stringinfo.h"        // StringInfoData
#include "miscadmin.h"             // SetUserIdAndSecContext
#include "storage/lmgr.h"          // LockRelationOid
#include "utils/builtins.h"        // quote_qualified_identifier
#include "utils/hsearch.h"         // hash_search
#include "utils/lsyscache.h"       // get_rel_name
#include "utils/memutils.h"        // TopMemoryContext
#include "utils/syscache.h"        // SearchSysCache1
}

namespace saas::pg {
namespace {

// One key is looked after from both of its tables.
struct plans_key {
    Oid constraint;
    key_action action;
};

// Prepared once a session; as long as the tables stay as they are.
struct kept_plans {
    plans_key key; // of the hash table
    SPIPlanPtr few;
    SPIPlanPtr many;
};

const char *table_text(Oid table) {
    return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), get_rel_name(table));
}

const char *operator_text(Oid number) {
    HeapTuple entry = SearchSysCache1(OPEROID, ObjectIdGetDatum(number));
    if (!HeapTupleIsValid(entry))
        elog(ERROR, "cache lookup failed for operator %u", number);
    const auto *row = reinterpret_cast<Form_pg_operator>(GETSTRUCT(entry));
    const char *text = psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(row->oprnamespace)), NameStr(row->oprname));
    ReleaseSysCache(entry);
    return text;
}

// Rows of the noted values as k, and that a row x of the other table goes with one of them.
void append_keys(StringInfo text, const related_key *key) {
    appendStringInfoString(text, "ROWS FROM (");
    for (int i = 0; i < key->columns; ++i)
        appendStringInfo(text, "%spg_catalog.unnest($%d)", i == 0 ? "" : ", ", i + 1);
    appendStringInfoString(text, ") AS k (");
    for (int i = 0; i < key->columns; ++i)
        appendStringInfo(text, "%sk%d", i == 0 ? "" : ", ", i + 1);
    appendStringInfoChar(text, ')');
}

void append_match(StringInfo text, const related_key *key) {
    for (int i = 0; i < key->columns; ++i) {
        const char *other = quote_identifier(get_attname(key->table, key->others[i], false));
        appendStringInfoString(text, i == 0 ? "" : " AND ");
        if (key->action == key_action::all_refer)
            appendStringInfo(text, "x.%s %s k.k%d", other, operator_text(key->equal[i]), i + 1);
        else
            appendStringInfo(text, "k.k%d %s x.%s", i + 1, operator_text(key->equal[i]), other);
    }
}

// The values without repetitions and without those that do not refer, as k.
void append_distinct(StringInfo text, const related_key *key) {
    appendStringInfoString(text, "(SELECT DISTINCT k.* FROM ");
    append_keys(text, key);
    for (int i = 0; i < key->columns; ++i)
        appendStringInfo(text, "%sk.k%d IS NOT NULL", i == 0 ? " WHERE " : " AND ", i + 1);
    appendStringInfoString(text, ") AS k");
}

void append_emptied(StringInfo text, const related_key *key) {
    const bool all = key->emptied_count == 0;
    for (int i = 0; i < (all ? key->columns : key->emptied_count); ++i)
        appendStringInfo(text, "%s%s = NULL", i == 0 ? "" : ", ",
                         quote_identifier(get_attname(key->table, all ? key->others[i] : key->emptied[i], false)));
}

const char *statement_of(const related_key *key) {
    StringInfoData text;
    initStringInfo(&text);
    // As in the triggers: partitions refer through their table, heirs do not refer.
    const char *only = get_rel_relkind(key->table) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ";
    const char *table = table_text(key->table);
    switch (key->action) {
    case key_action::none_refers:
        appendStringInfoString(&text, "SELECT 1 FROM ");
        append_keys(&text, key);
        appendStringInfo(&text, " JOIN %s%s AS x ON ", only, table);
        append_match(&text, key);
        appendStringInfoString(&text, " LIMIT 1 FOR KEY SHARE OF x");
        break;
    case key_action::erase:
        appendStringInfo(&text, "DELETE FROM %s%s AS x USING ", only, table);
        append_keys(&text, key);
        appendStringInfoString(&text, " WHERE ");
        append_match(&text, key);
        break;
    case key_action::empty:
        appendStringInfo(&text, "UPDATE %s%s AS x SET ", only, table);
        append_emptied(&text, key);
        appendStringInfoString(&text, " FROM ");
        append_keys(&text, key);
        appendStringInfoString(&text, " WHERE ");
        append_match(&text, key);
        break;
    case key_action::all_refer:
        appendStringInfoString(&text, "SELECT 1 WHERE (SELECT pg_catalog.count(*) FROM ");
        append_distinct(&text, key);
        appendStringInfoString(&text, ") OPERATOR(pg_catalog.>) (SELECT pg_catalog.count(*) FROM (SELECT FROM ");
        append_distinct(&text, key);
        appendStringInfo(&text, " JOIN %s%s AS x ON ", only, table);
        append_match(&text, key);
        appendStringInfoString(&text, " FOR KEY SHARE OF x) AS p)");
        break;
    }
    return text.data;
}

kept_plans *plans_of(const related_key *key) {
    static HTAB *kept = nullptr;
    if (kept == nullptr) {
        HASHCTL control{};
        control.keysize = sizeof(plans_key);
        control.entrysize = sizeof(kept_plans);
        control.hcxt = TopMemoryContext;
        kept = hash_create("keys to rows that go", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    }
    static_assert(sizeof(plans_key) == sizeof(Oid) + sizeof(key_action), "compared byte by byte");
    const plans_key wanted{key->constraint, key->action};
    bool found;
    auto *plans = static_cast<kept_plans *>(hash_search(kept, &wanted, HASH_ENTER, &found));
    if (!found) {
        plans->few = nullptr;
        plans->many = nullptr;
    }
    return plans;
}

// Runs as the owner of the other table.
SPIPlanPtr prepare(const related_key *key, const Oid *types, bool many) {
    kept_plans *plans = plans_of(key);
    SPIPlanPtr *kept = many ? &plans->many : &plans->few;
    if (*kept != nullptr && SPI_plan_is_valid(*kept))
        return *kept;
    if (*kept != nullptr)
        SPI_freeplan(*kept);
    *kept = nullptr;
    SPIPlanPtr plan = SPI_prepare_cursor(statement_of(key), key->columns, const_cast<Oid *>(types),
                                         many ? CURSOR_OPT_CUSTOM_PLAN : CURSOR_OPT_GENERIC_PLAN);
    if (plan == nullptr || SPI_keepplan(plan) != 0)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("cannot check a foreign key: %s", SPI_result_code_string(SPI_result))));
    *kept = plan;
    return plan;
}

// InvalidOid when the table has gone.
Oid owner_of(Oid table) {
    HeapTuple entry = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
    if (!HeapTupleIsValid(entry))
        return InvalidOid;
    const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(entry))->relowner;
    ReleaseSysCache(entry);
    return owner;
}

} // namespace

bool run_key_statement(const related_key *key, const Oid *types, const Datum *arrays, bool many) {
    // Before names are looked up, which the statement is made of: they could be exchanged meanwhile.
    const bool reads = key->action == key_action::none_refers || key->action == key_action::all_refer;
    LockRelationOid(key->table, reads ? RowShareLock : RowExclusiveLock);
    const Oid owner = owner_of(key->table);
    if (!OidIsValid(owner))
        return false;
    Oid caller;
    int security;
    GetUserIdAndSecContext(&caller, &security);
    SetUserIdAndSecContext(owner, security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
    const int result = SPI_execute_plan(prepare(key, types, many), const_cast<Datum *>(arrays), nullptr, false, 0);
    const bool found = SPI_processed > 0;
    SPI_freetuptable(SPI_tuptable);
    SetUserIdAndSecContext(caller, security);
    if (result < 0)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("cannot check a foreign key: %s", SPI_result_code_string(result))));
    return found && reads;
}

} // namespace saas::pg
