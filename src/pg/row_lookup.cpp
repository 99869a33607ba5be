// SPDX-License-Identifier: PostgreSQL
#include "pg/row_lookup.hpp"

#include "pg/index_scan.hpp"
#include "pg/invalidation.hpp"

#include <cstdint>
#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "access/genam.h"      // index_getnext_slot
#include "access/table.h"      // table_open
#include "access/tableam.h"    // table_tuple_lock
#include "access/xact.h"       // XactReadOnly
#include "catalog/pg_am.h"     // BTREE_AM_OID
#include "catalog/pg_class.h"  // RELKIND_RELATION
#include "executor/executor.h" // ExecQual
#include "utils/acl.h"         // pg_class_aclcheck
#include "utils/builtins.h"    // text_to_cstring_buffer
#include "utils/inval.h"       // CacheRegisterSyscacheCallback
#include "utils/lsyscache.h"   // get_relname_relid
#include "utils/memutils.h"    // TopMemoryContext
#include "utils/rel.h"         // RelationGetDescr
#include "utils/rls.h"         // check_enable_rls
#include "utils/syscache.h"    // AUTHOID
#include "utils/snapmgr.h"     // GetActiveSnapshot
}

namespace saas::pg {
namespace {

// What is known of an index, kept until the server announces a change.
struct known_index {
    Oid type; // of the table's rows
    NameData name;
    Oid role; // that may read the table
    bool may_lock;
    Oid table;
    Oid index;
    int length; // 0: not learned yet
    bool nulls_equal;
    bool is_partial;
    bool outdated;
    AttrNumber columns[INDEX_MAX_KEYS];
    ScanKeyData keys[INDEX_MAX_KEYS];
    known_index *next;
};

// What one call looks for.
struct wanted_row {
    Oid index;
    int length;
    bool is_partial;
    AttrNumber columns[INDEX_MAX_KEYS];
    ScanKeyData keys[INDEX_MAX_KEYS];
};

known_index *first_known = nullptr;

void mark_outdated(Oid relation) {
    for (known_index *known = first_known; known != nullptr; known = known->next) {
        if (!OidIsValid(relation) || known->table == relation || known->index == relation)
            known->outdated = true;
    }
}

void rights_changed(Datum, int, uint32) {
    mark_outdated(InvalidOid);
}

void watch_once() {
    static bool watching = false;
    if (watching)
        return;
    watch_relations(mark_outdated);
    CacheRegisterSyscacheCallback(AUTHOID, rights_changed, 0);
    CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, rights_changed, 0);
    watching = true;
}

void forget_outdated() {
    known_index **link = &first_known;
    while (*link != nullptr) {
        known_index *known = *link;
        if (!known->outdated && known->length > 0) {
            link = &known->next;
            continue;
        }
        *link = known->next;
        pfree(known);
    }
}

known_index *find_known(Oid type, const char *name) {
    for (known_index *known = first_known; known != nullptr; known = known->next) {
        if (known->type == type && known->role == GetUserId() && !known->outdated &&
            known->length > 0 && std::strcmp(NameStr(known->name), name) == 0)
            return known;
    }
    return nullptr;
}

void refuse_other_index(Relation table, Relation index, const char *name) {
    if (index->rd_index->indrelid != RelationGetRelid(table) ||
        index->rd_rel->relam != BTREE_AM_OID)
        ereport(ERROR,
                (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" is not a btree index of \"%s\"",
                                                            name, RelationGetRelationName(table))));
}

void learn_keys(known_index *out, Relation index) {
    const int length = index->rd_index->indnkeyatts;
    out->nulls_equal = index->rd_index->indnullsnotdistinct;
    out->is_partial = RelationGetIndexPredicate(index) != NIL;
    for (int i = 0; i < length; ++i) {
        const Oid type = index->rd_opcintype[i];
        const Oid equal =
            get_opfamily_member(index->rd_opfamily[i], type, type, BTEqualStrategyNumber);
        out->columns[i] = index->rd_index->indkey.values[i]; // 0: an expression
        ScanKeyEntryInitialize(&out->keys[i], 0, static_cast<AttrNumber>(i + 1),
                               BTEqualStrategyNumber, InvalidOid, index->rd_indcollation[i],
                               get_opcode(equal), Datum{0});
    }
    out->length = length;
}

// The table is locked. What is learned holds for this call, also if the index is being renamed.
known_index *learn(Oid type, const char *name, Relation table) {
    const Oid oid = get_relname_relid(name, RelationGetNamespace(table));
    if (!OidIsValid(oid) || get_rel_relkind(oid) != RELKIND_INDEX)
        ereport(ERROR,
                (errcode(ERRCODE_UNDEFINED_OBJECT),
                 errmsg("\"%s\" has no index \"%s\"", RelationGetRelationName(table), name)));
    Relation index = index_open(oid, AccessShareLock);
    refuse_other_index(table, index, name);
    forget_outdated();
    auto *out =
        static_cast<known_index *>(MemoryContextAllocZero(TopMemoryContext, sizeof(known_index)));
    out->type = type;
    out->role = GetUserId();
    namestrcpy(&out->name, name);
    out->table = RelationGetRelid(table);
    out->index = oid;
    out->next = first_known;
    first_known = out;
    MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);
    learn_keys(out, index);
    MemoryContextSwitchTo(before);
    index_close(index, NoLock);
    return out;
}

void refuse_table(Relation table, bool locks) {
    const Oid oid = RelationGetRelid(table);
    if (table->rd_rel->relkind != RELKIND_RELATION)
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("\"%s\" is not a plain table", RelationGetRelationName(table))));
    if (pg_class_aclcheck(oid, GetUserId(), ACL_SELECT) != ACLCHECK_OK ||
        (locks && pg_class_aclcheck(oid, GetUserId(), ACL_UPDATE) != ACLCHECK_OK))
        aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, RelationGetRelationName(table));
    if (check_enable_rls(oid, InvalidOid, true) == RLS_ENABLED)
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("row-level security would filter what is read of \"%s\"",
                               RelationGetRelationName(table))));
}

[[noreturn]] void refuse_type(Oid type) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("%s is not the row type of a table", format_type_be(type))));
    pg_unreachable();
}

// Opens the table of the rows' type and says what is known of its index, with the rights of the
// role.
const known_index *open_table_of(Oid type, const char *name, bool locks, Relation *opened) {
    known_index *known = find_known(type, name);
    const Oid table = known != nullptr ? known->table : get_typ_typrelid(type);
    if (!OidIsValid(table))
        refuse_type(type);
    *opened = table_open(table, locks ? RowShareLock : AccessShareLock); // with others' changes
    known = find_known(type, name);
    if (known == nullptr || (locks && !known->may_lock))
        refuse_table(*opened, locks);
    if (known == nullptr)
        known = learn(type, name, *opened);
    known->may_lock = known->may_lock || locks;
    if (locks && XactReadOnly && !(*opened)->rd_islocaltemp)
        PreventCommandIfReadOnly("SELECT FOR UPDATE");
    return known;
}

// Takes the values of the call, from argument `first` on. False when no row can have them.
bool take_values(FunctionCallInfo fcinfo, int first, Relation table, const known_index *by,
                 wanted_row *out) {
    bool possible = true;
    out->index = by->index;
    out->is_partial = by->is_partial;
    out->length = PG_NARGS() - first;
    if (get_fn_expr_variadic(fcinfo->flinfo) || out->length < 1 || out->length > by->length)
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                        errmsg("there is not one value for each column")));
    for (int i = 0; i < out->length; ++i) {
        const AttrNumber column = by->columns[i];
        const Oid given = get_fn_expr_argtype(fcinfo->flinfo, first + i);
        if (column <= 0)
            ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                            errmsg("the index \"%s\" is one of expressions", NameStr(by->name))));
        Form_pg_attribute form = TupleDescAttr(RelationGetDescr(table), column - 1);
        if (given != form->atttypid)
            ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                            errmsg("column \"%s\" is of type %s, not %s", NameStr(form->attname),
                                   format_type_be(form->atttypid), format_type_be(given)),
                            errhint("Cast the value.")));
        out->columns[i] = column;
        out->keys[i] = by->keys[i];
        fmgr_info_copy(&out->keys[i].sk_func, const_cast<FmgrInfo *>(&by->keys[i].sk_func),
                       CurrentMemoryContext);
        if (!PG_ARGISNULL(first + i))
            out->keys[i].sk_argument = PG_GETARG_DATUM(first + i);
        else if (by->nulls_equal)
            out->keys[i].sk_flags |= SK_ISNULL | SK_SEARCHNULL;
        else
            possible = false;
    }
    return possible;
}

bool has_values(const wanted_row *wanted, TupleTableSlot *row) {
    for (int i = 0; i < wanted->length; ++i) {
        const ScanKeyData &key = wanted->keys[i];
        bool is_null = false;
        const Datum value = slot_getattr(row, wanted->columns[i], &is_null);
        if (is_null != ((key.sk_flags & SK_ISNULL) != 0))
            return false;
        if (!is_null && !DatumGetBool(FunctionCall2Coll(const_cast<FmgrInfo *>(&key.sk_func),
                                                        key.sk_collation, value, key.sk_argument)))
            return false;
    }
    return true;
}

// Whether a partial index would have the row.
bool is_in_part(Relation index, TupleTableSlot *row) {
    EState *state = CreateExecutorState();
    ExprState *condition = ExecPrepareQual(RelationGetIndexPredicate(index), state);
    ExprContext *context = GetPerTupleExprContext(state);
    context->ecxt_scantuple = row;
    const bool is_in = ExecQual(condition, context);
    FreeExecutorState(state);
    return is_in;
}

bool is_wanted(const wanted_row *wanted, Relation index, TupleTableSlot *row) {
    return has_values(wanted, row) && (!wanted->is_partial || is_in_part(index, row));
}

[[noreturn]] void refuse_change(const char *what) {
    ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                    errmsg("could not serialize access due to concurrent %s", what)));
    pg_unreachable();
}

// As the executor locks what a SELECT FOR UPDATE has found: false for a row that has gone meanwhile
// or is no longer the one that is wanted. Leaves the row as it has become in the slot.
bool lock_found(const wanted_row *wanted, Relation table, Relation index, TupleTableSlot *row,
                LockTupleMode mode) {
    ItemPointerData place = row->tts_tid;
    std::uint8_t flags = TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS;
    if (!IsolationUsesXactSnapshot())
        flags |= TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
    TM_FailureData failure;
    ExecClearTuple(row);
    switch (table_tuple_lock(table, &place, GetActiveSnapshot(), row, GetCurrentCommandId(true),
                             mode, LockWaitBlock, flags, &failure)) {
    case TM_Ok:
        return !failure.traversed || is_wanted(wanted, index, row);
    case TM_Updated:
        refuse_change("update");
    case TM_Deleted:
        if (IsolationUsesXactSnapshot())
            refuse_change("delete");
        return false;
    case TM_SelfModified: // by the command that calls: it does not see what it does itself
        return false;
    default:
        elog(ERROR, "the row cannot be locked");
    }
    return false;
}

bool find_in_index(const wanted_row *wanted, Relation table, Relation index, TupleTableSlot *row,
                   const LockTupleMode *lock) {
    IndexScanDesc scan =
        begin_index_scan(table, index, GetActiveSnapshot(), wanted->keys, wanted->length);
    bool found = false;
    while (!found && index_getnext_slot(scan, ForwardScanDirection, row)) {
        CHECK_FOR_INTERRUPTS();
        found = lock == nullptr || lock_found(wanted, table, index, row, *lock);
    }
    index_endscan(scan);
    return found;
}

bool find_in_table(const wanted_row *wanted, Relation table, Relation index, TupleTableSlot *row,
                   const LockTupleMode *lock) {
    TableScanDesc scan = table_beginscan(table, GetActiveSnapshot(), 0, nullptr);
    bool found = false;
    while (!found && table_scan_getnextslot(scan, ForwardScanDirection, row)) {
        CHECK_FOR_INTERRUPTS();
        found = is_wanted(wanted, index, row) &&
                (lock == nullptr || lock_found(wanted, table, index, row, *lock));
    }
    table_endscan(scan);
    return found;
}

text *required(FunctionCallInfo fcinfo, int argument, const char *what) {
    if (PG_ARGISNULL(argument))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("no %s is named", what)));
    return PG_GETARG_TEXT_PP(argument);
}

// The values follow the name of the index, which is argument `at`. Copies the row to `out`, where
// there is one.
bool look_up(FunctionCallInfo fcinfo, int at, const LockTupleMode *lock, HeapTupleHeader *out) {
    watch_once();
    NameData name;
    text_to_cstring_buffer(required(fcinfo, at, "index"), NameStr(name), NAMEDATALEN);
    Relation table = nullptr;
    const known_index *known = open_table_of(get_fn_expr_argtype(fcinfo->flinfo, 0), NameStr(name),
                                             lock != nullptr, &table);
    wanted_row wanted;
    bool found = false;
    if (take_values(fcinfo, at + 1, table, known, &wanted)) {
        TupleTableSlot *row =
            MakeSingleTupleTableSlot(RelationGetDescr(table), table_slot_callbacks(table));
        Relation index = index_open(wanted.index, AccessShareLock);
        found = is_usable(index) ? find_in_index(&wanted, table, index, row, lock)
                                 : find_in_table(&wanted, table, index, row, lock);
        if (found && out != nullptr)
            *out = DatumGetHeapTupleHeader(ExecFetchSlotHeapTupleDatum(row));
        index_close(index, NoLock);
        ExecDropSingleTupleTableSlot(row);
    }
    table_close(table, NoLock);
    return found;
}

LockTupleMode lock_named(text *named) {
    struct lock_name {
        const char *name;
        LockTupleMode mode;
    };
    static constexpr lock_name k_names[] = {{"FOR UPDATE", LockTupleExclusive},
                                            {"FOR NO KEY UPDATE", LockTupleNoKeyExclusive},
                                            {"FOR SHARE", LockTupleShare},
                                            {"FOR KEY SHARE", LockTupleKeyShare}};
    const Size length = VARSIZE_ANY_EXHDR(named);
    for (const lock_name &known : k_names) {
        if (std::strlen(known.name) == length &&
            std::memcmp(known.name, VARDATA_ANY(named), length) == 0)
            return known.mode;
    }
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("\"%s\" is no lock of rows", text_to_cstring(named)),
                    errhint("Name FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE or FOR KEY SHARE.")));
    pg_unreachable();
}

} // namespace

HeapTupleHeader find_row(FunctionCallInfo fcinfo) {
    HeapTupleHeader out = nullptr;
    (void)look_up(fcinfo, 1, nullptr, &out);
    return out;
}

bool has_row(FunctionCallInfo fcinfo) {
    return look_up(fcinfo, 1, nullptr, nullptr);
}

HeapTupleHeader lock_row(FunctionCallInfo fcinfo) {
    const LockTupleMode mode = lock_named(required(fcinfo, 1, "lock"));
    HeapTupleHeader out = nullptr;
    (void)look_up(fcinfo, 2, &mode, &out);
    return out;
}

} // namespace saas::pg
