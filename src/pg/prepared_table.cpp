// SPDX-License-Identifier: PostgreSQL
#include "pg/prepared_table.hpp"

#include "pg/invalidation.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/genam.h"           // index_open
#include "access/table.h"           // table_open
#include "access/tableam.h"         // table_slot_callbacks
#include "access/xact.h"            // XactReadOnly
#include "catalog/pg_class.h"       // RELKIND_RELATION
#include "catalog/pg_type.h"        // TYPTYPE_DOMAIN
#include "executor/executor.h"      // CreateExecutorState
#include "nodes/makefuncs.h"        // makeNode
#include "parser/parse_coerce.h"    // coerce_to_domain
#include "parser/parse_relation.h"  // addRTEPermissionInfo
#include "rewrite/rewriteHandler.h" // build_column_default
#include "utils/acl.h"              // pg_class_aclcheck
#include "utils/inval.h"            // CacheRegisterSyscacheCallback
#include "utils/lsyscache.h"        // get_opfamily_member
#include "utils/memutils.h"         // TopMemoryContext
#include "utils/rel.h"              // RelationGetDescr
#include "utils/rls.h"              // check_enable_rls
#include "utils/syscache.h"         // PROCOID
}

namespace saas::pg {
namespace {

prepared_table *first_kept = nullptr;

void mark_outdated(Oid table) {
    for (prepared_table *kept = first_kept; kept != nullptr; kept = kept->next) {
        if (!OidIsValid(table) || kept->table == table || depend_on(kept->references, table))
            kept->outdated = true;
    }
}

// Triggers, constraints and defaults call functions and check the constraints of domains: both are
// looked up once.
void part_changed(Datum, int, uint32) {
    mark_outdated(InvalidOid);
}

// Every new table is a new type: only NOT NULL of a domain is of interest.
void type_changed(Datum, int, uint32) {
    for (prepared_table *kept = first_kept; kept != nullptr; kept = kept->next) {
        if (kept->has_domains)
            kept->outdated = true;
    }
}

void watch_once() {
    static bool watching = false;
    if (watching)
        return;
    watch_relations(mark_outdated);
    CacheRegisterSyscacheCallback(PROCOID, part_changed, 0);
    CacheRegisterSyscacheCallback(CONSTROID, part_changed, 0);
    CacheRegisterSyscacheCallback(AUTHOID, part_changed, 0); // rights have been looked up
    CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, part_changed, 0);
    CacheRegisterSyscacheCallback(TYPEOID, type_changed, 0);
    watching = true;
}

void refuse_other_tables(Relation table, CmdType command) {
    const Oid oid = RelationGetRelid(table);
    if (table->rd_rel->relkind != RELKIND_RELATION || table->rd_rel->relispartition ||
        table->rd_rules != nullptr)
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("\"%s\" is not a plain table", RelationGetRelationName(table))));
    const bool may = command == CMD_INSERT
                         ? pg_class_aclcheck(oid, GetUserId(), ACL_INSERT) == ACLCHECK_OK
                         : pg_class_aclcheck(oid, GetUserId(), ACL_UPDATE) == ACLCHECK_OK &&
                               pg_class_aclcheck(oid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
    if (!may) // an update looks for the row
        aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, RelationGetRelationName(table));
    if (check_enable_rls(oid, InvalidOid, true) == RLS_ENABLED)
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("row-level security would filter what is written to \"%s\"",
                               RelationGetRelationName(table))));
}

void refuse_read_only(Relation table, CmdType command) {
    if (XactReadOnly && !table->rd_islocaltemp)
        PreventCommandIfReadOnly(command == CMD_INSERT ? "INSERT" : "UPDATE");
}

void make_range_table(prepared_table *out) {
    auto *entry = makeNode(RangeTblEntry);
    entry->rtekind = RTE_RELATION;
    entry->relid = out->table;
    entry->relkind = RELKIND_RELATION;
    entry->rellockmode = RowExclusiveLock;
#if PG_VERSION_NUM >= 160000
    List *rights = NIL;
    RTEPermissionInfo *right = addRTEPermissionInfo(&rights, entry);
    out->written_columns = &right->updatedCols;
#if PG_VERSION_NUM >= 180000
    ExecInitRangeTable(out->state, list_make1(entry), rights, bms_make_singleton(1));
#else
    ExecInitRangeTable(out->state, list_make1(entry), rights);
#endif
#else
    out->written_columns = &entry->updatedCols;
    ExecInitRangeTable(out->state, list_make1(entry));
#endif
}

// A domain may forbid it.
Node *null_of_domain(Form_pg_attribute column) {
    auto *null =
        reinterpret_cast<Node *>(makeConst(column->atttypid, -1, column->attcollation,
                                           column->attlen, Datum{0}, true, column->attbyval));
    return coerce_to_domain(null, InvalidOid, -1, column->atttypid, COERCION_IMPLICIT,
                            COERCE_IMPLICIT_CAST, -1, false);
}

void find_defaults(prepared_table *out, Relation table) {
    out->defaults = static_cast<ExprState **>(
        palloc0(sizeof(ExprState *) * static_cast<Size>(out->shape->natts)));
    for (int i = 0; i < out->shape->natts; ++i) {
        Form_pg_attribute column = TupleDescAttr(out->shape, i);
        if (column->attisdropped || column->attgenerated != '\0')
            continue;
        Node *made = build_column_default(table, i + 1);
        const bool is_domain = get_typtype(column->atttypid) == TYPTYPE_DOMAIN;
        out->has_domains = out->has_domains || is_domain;
        if (made == nullptr && is_domain)
            made = null_of_domain(column);
        if (made != nullptr)
            out->defaults[i] = ExecPrepareExpr(reinterpret_cast<Expr *>(made), out->state);
    }
}

void find_key(prepared_table *out, Relation table) {
    out->key_index = RelationGetPrimaryKeyIndex(table);
    if (!OidIsValid(out->key_index))
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("\"%s\" has no primary key", RelationGetRelationName(table))));
    Relation index = index_open(out->key_index, AccessShareLock);
    out->key_length = index->rd_index->indnkeyatts;
    for (int i = 0; i < out->key_length; ++i) {
        const Oid type = index->rd_opcintype[i];
        const Oid equal =
            get_opfamily_member(index->rd_opfamily[i], type, type, BTEqualStrategyNumber);
        out->key_columns[i] = index->rd_index->indkey.values[i];
        ScanKeyEntryInitialize(&out->keys[i], 0, static_cast<AttrNumber>(i + 1),
                               BTEqualStrategyNumber, InvalidOid, index->rd_indcollation[i],
                               get_opcode(equal), Datum{0});
    }
    index_close(index, AccessShareLock);
}

// Of the slots none may count the table's own description: they outlive the transaction.
void make_slots(prepared_table *out, Relation table) {
    const TupleTableSlotOps *form = table_slot_callbacks(table);
    out->row = MakeSingleTupleTableSlot(out->shape, form);
    out->former = MakeSingleTupleTableSlot(out->shape, form);
    out->target->ri_TrigOldSlot = MakeSingleTupleTableSlot(out->shape, form);
    out->target->ri_TrigNewSlot = MakeSingleTupleTableSlot(out->shape, form);
}

// The executor would look them up in the context of a statement.
void find_trigger_functions(prepared_table *out) {
    const TriggerDesc *triggers = out->target->ri_TrigDesc;
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; ++i)
        fmgr_info_cxt(triggers->triggers[i].tgfoid, &out->target->ri_TrigFunctions[i],
                      out->state->es_query_cxt);
}

// Leaves the indexes open, as open_indexes() does.
void prepare(prepared_table *out, Relation table) {
    out->context =
        AllocSetContextCreate(TopMemoryContext, "saas prepared table", ALLOCSET_DEFAULT_SIZES);
    MemoryContext before = MemoryContextSwitchTo(out->context);
    out->state = CreateExecutorState();
    MemoryContextSwitchTo(out->state->es_query_cxt);
    out->shape = CreateTupleDescCopyConstr(RelationGetDescr(table));
    CheckCmdReplicaIdentity(table, out->command);
    make_range_table(out);
    out->target = makeNode(ResultRelInfo);
    InitResultRelInfo(out->target, table, 1, nullptr, 0);
    out->state->es_opened_result_relations = list_make1(out->target);
    make_slots(out, table);
    find_trigger_functions(out);
    out->references = find_foreign_keys(table, out->target, out->command);
    if (out->command == CMD_INSERT)
        find_defaults(out, table);
    else
        find_key(out, table);
    ExecOpenIndices(out->target, false);
    const int count = out->target->ri_NumIndices;
    out->indexes = static_cast<Oid *>(palloc(sizeof(Oid) * static_cast<Size>(count + 1)));
    for (int i = 0; i < count; ++i)
        out->indexes[i] = RelationGetRelid(out->target->ri_IndexRelationDescs[i]);
    MemoryContextSwitchTo(before);
}

void open_indexes(prepared_table *out) {
    for (int i = 0; i < out->target->ri_NumIndices; ++i) {
        IndexInfo *info = out->target->ri_IndexRelationInfo[i];
        info->ii_CheckedUnchanged = false; // belongs to the columns of one statement
        info->ii_IndexUnchanged = false;
        info->ii_AmCache = nullptr;
        info->ii_Context = CurrentMemoryContext;
        out->target->ri_IndexRelationDescs[i] = index_open(out->indexes[i], RowExclusiveLock);
    }
}

// Whether what generated columns depend on is looked up for the columns of one statement.
bool is_of_one_statement(const prepared_table *kept) {
    const TupleConstr *constraints = kept->shape->constr;
    const TriggerDesc *triggers = kept->target->ri_TrigDesc;
    return kept->command == CMD_UPDATE && constraints != nullptr &&
           constraints->has_generated_stored &&
           (triggers == nullptr || !triggers->trig_update_before_row);
}

void forget(prepared_table *kept) {
    for (prepared_table **link = &first_kept; *link != nullptr; link = &(*link)->next) {
        if (*link == kept) {
            *link = kept->next;
            break;
        }
    }
    if (kept->context != nullptr)
        MemoryContextDelete(kept->context);
    pfree(kept);
}

prepared_table *find_kept(Oid table, CmdType command) {
    for (prepared_table *kept = first_kept; kept != nullptr; kept = kept->next) {
        if (kept->table == table && kept->command == command && kept->role == GetUserId() &&
            !kept->in_use && !kept->outdated)
            return kept;
    }
    return nullptr;
}

// Of tables that have been dropped nothing would ever be used again.
void forget_outdated() {
    prepared_table *next = nullptr;
    for (prepared_table *kept = first_kept; kept != nullptr; kept = next) {
        next = kept->next;
        if (kept->outdated && !kept->in_use)
            forget(kept);
    }
}

// Updates that a foreign key cascades to other tables leave their triggers to this statement, and
// the executor opens those tables for them.
void close_cascaded(prepared_table *opened) {
    EState *state = opened->state;
    if (state->es_trig_target_relations == NIL)
        return;
    ExecResetTupleTable(state->es_tupleTable, false);
    ListCell *cell = nullptr;
    foreach (cell, state->es_trig_target_relations)
        table_close(static_cast<ResultRelInfo *>(lfirst(cell))->ri_RelationDesc, NoLock);
    opened->outdated = true;
}

// Leaves the indexes open.
prepared_table *prepare_new(Relation table, CmdType command) {
    auto *made = static_cast<prepared_table *>(
        MemoryContextAllocZero(TopMemoryContext, sizeof(prepared_table)));
    made->table = RelationGetRelid(table);
    made->command = command;
    made->role = GetUserId();
    made->in_use = true; // may become outdated already while it is made
    made->next = first_kept;
    first_kept = made;
    PG_TRY();
    { prepare(made, table); }
    PG_CATCH();
    {
        forget(made);
        PG_RE_THROW();
    }
    PG_END_TRY();
    if (is_of_one_statement(made) || !made->references.is_whole)
        made->outdated = true;
    return made;
}

} // namespace

prepared_table *open_table(Oid oid, CmdType command) {
    watch_once();
    Relation table = table_open(oid, RowExclusiveLock); // with what others have changed of it
    refuse_read_only(table, command);
    prepared_table *found = find_kept(oid, command); // with the rights of the role
    if (found == nullptr) {                          // or a trigger of the table writes to it
        refuse_other_tables(table, command);
        forget_outdated();
        return prepare_new(table, command);
    }
    found->target->ri_RelationDesc = table;
    open_indexes(found);
    found->in_use = true; // an error before leaves it as it was
    return found;
}

void close_table(prepared_table *opened) {
    ExecClearTuple(opened->row);
    ExecClearTuple(opened->former);
    ExecClearTuple(opened->target->ri_TrigOldSlot);
    ExecClearTuple(opened->target->ri_TrigNewSlot);
    ResetPerTupleExprContext(opened->state);
    close_cascaded(opened);
    *opened->written_columns = nullptr;
    for (int i = 0; i < opened->target->ri_NumIndices; ++i) {
#if PG_VERSION_NUM >= 170000
        index_insert_cleanup(opened->target->ri_IndexRelationDescs[i],
                             opened->target->ri_IndexRelationInfo[i]);
#endif
        index_close(opened->target->ri_IndexRelationDescs[i], RowExclusiveLock);
    }
    table_close(opened->target->ri_RelationDesc, NoLock);
    opened->in_use = false;
}

// The slots may hold pages that the end of the transaction gives back: nothing of it is used again.
void abandon_table(prepared_table *opened) noexcept {
    opened->outdated = true;
    opened->in_use = false;
}

} // namespace saas::pg
