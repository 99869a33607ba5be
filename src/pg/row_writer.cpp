// SPDX-License-Identifier: PostgreSQL
#include "pg/row_writer.hpp"

#include "pg/index_scan.hpp"
#include "pg/prepared_table.hpp"

#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "access/genam.h"             // index_getnext_slot
#include "access/htup_details.h"      // heap_deform_tuple
#include "access/tableam.h"           // table_tuple_insert
#include "access/xact.h"              // CommandCounterIncrement
#include "commands/trigger.h"         // ExecBRInsertTriggers
#include "executor/executor.h"        // ExecConstraints
#include "executor/nodeModifyTable.h" // ExecComputeStoredGenerated
#include "utils/datum.h"              // datum_image_eq
#include "utils/lsyscache.h"          // get_typ_typrelid
#include "utils/rel.h"                // RelationGetRelid
#include "utils/snapmgr.h"            // PushCopiedSnapshot
}

namespace saas::pg {
namespace {

Oid table_of(HeapTupleHeader row) {
    const Oid table = get_typ_typrelid(HeapTupleHeaderGetTypeId(row));
    if (!OidIsValid(table))
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("the row is of no table")));
    return table;
}

HeapTupleData tuple_of(HeapTupleHeader row) {
    HeapTupleData tuple;
    tuple.t_len = HeapTupleHeaderGetDatumLength(row);
    ItemPointerSetInvalid(&tuple.t_self);
    tuple.t_tableOid = InvalidOid;
    tuple.t_data = row;
    return tuple;
}

// Puts the row into the slot, which stays empty until it is stored.
void take_columns(prepared_table *to, HeapTupleHeader row) {
    HeapTupleData tuple = tuple_of(row);
    ExecClearTuple(to->row);
    heap_deform_tuple(&tuple, to->shape, to->row->tts_values, to->row->tts_isnull);
}

void store_row(TupleTableSlot *row) {
    ExecStoreVirtualTuple(row);
    ExecMaterializeSlot(row);
}

void refuse_identity(Form_pg_attribute column) {
    if (column->attidentity == ATTRIBUTE_IDENTITY_ALWAYS)
        ereport(ERROR, (errcode(ERRCODE_GENERATED_ALWAYS),
                        errmsg("column \"%s\" is GENERATED ALWAYS", NameStr(column->attname))));
}

void take_defaults(prepared_table *to) {
    for (int i = 0; i < to->shape->natts; ++i) {
        if (!to->row->tts_isnull[i])
            refuse_identity(TupleDescAttr(to->shape, i));
        if (to->row->tts_isnull[i] && to->defaults[i] != nullptr)
            to->row->tts_values[i] = ExecEvalExprSwitchContext(
                to->defaults[i], GetPerTupleExprContext(to->state), &to->row->tts_isnull[i]);
    }
}

void begin(prepared_table *to) {
    to->state->es_snapshot = GetActiveSnapshot();
    to->state->es_output_cid = GetCurrentCommandId(true);
    ResetPerTupleExprContext(to->state);
    AfterTriggerBeginQuery();
}

void check_row(prepared_table *to, CmdType command) {
    Relation table = to->target->ri_RelationDesc;
    const TupleConstr *constraints = RelationGetDescr(table)->constr;
    to->row->tts_tableOid = RelationGetRelid(table);
    if (constraints == nullptr)
        return;
    if (constraints->has_generated_stored)
        ExecComputeStoredGenerated(to->target, to->state, to->row, command);
    ExecConstraints(to->target, to->row, to->state);
}

List *insert_index_entries(prepared_table *to, bool is_update,
                           [[maybe_unused]] bool only_summaries) {
    if (to->target->ri_NumIndices == 0)
        return NIL;
#if PG_VERSION_NUM >= 160000
    return ExecInsertIndexTuples(to->target, to->row, to->state, is_update, false, nullptr, NIL,
                                 only_summaries);
#else
    return ExecInsertIndexTuples(to->target, to->row, to->state, is_update, false, nullptr, NIL);
#endif
}

HeapTupleHeader stored_row(prepared_table *of) {
    return DatumGetHeapTupleHeader(ExecFetchSlotHeapTupleDatum(of->row));
}

bool insert_stored(prepared_table *to, TransitionCaptureState *capture) {
    const TriggerDesc *triggers = to->target->ri_TrigDesc;
    if (triggers != nullptr && triggers->trig_insert_before_row &&
        !ExecBRInsertTriggers(to->state, to->target, to->row))
        return false;
    check_row(to, CMD_INSERT);
    table_tuple_insert(to->target->ri_RelationDesc, to->row, to->state->es_output_cid, 0, nullptr);
    List *recheck = insert_index_entries(to, false, false);
    check_foreign_keys(to->references, to->target, nullptr, to->row, &to->outdated);
    ExecARInsertTriggers(to->state, to->target, to->row, recheck, capture);
    restore_triggers(to->references, to->target);
    list_free(recheck);
    return true;
}

HeapTupleHeader insert_into(prepared_table *to, HeapTupleHeader row) {
    begin(to);
    TransitionCaptureState *capture =
        MakeTransitionCaptureState(to->target->ri_TrigDesc, to->table, CMD_INSERT);
    take_columns(to, row);
    take_defaults(to);
    store_row(to->row);
    ExecBSInsertTriggers(to->state, to->target);
    const bool stored = insert_stored(to, capture);
    ExecASInsertTriggers(to->state, to->target, capture);
    HeapTupleHeader out = stored ? stored_row(to) : nullptr;
    AfterTriggerEndQuery(to->state);
    CommandCounterIncrement();
    return out;
}

// Finds the row of the key that is in to->row by an index scan, as the caller's statement sees it
// with what the transaction itself has done since: a change of others that it does not see is then
// noticed.
bool find_former(prepared_table *to) {
    for (int i = 0; i < to->key_length; ++i) {
        const int column = to->key_columns[i] - 1;
        if (to->row->tts_isnull[column])
            return false;
        to->keys[i].sk_argument = to->row->tts_values[column];
    }
    Relation table = to->target->ri_RelationDesc;
    Relation index = index_open(to->key_index, AccessShareLock);
    PushCopiedSnapshot(GetActiveSnapshot());
    UpdateActiveSnapshotCommandId();
    Snapshot seen = GetActiveSnapshot();
    IndexScanDesc scan = begin_index_scan(table, index, seen, to->keys, to->key_length);
    const bool found = index_getnext_slot(scan, ForwardScanDirection, to->former);
    if (found)
        ExecMaterializeSlot(to->former);
    index_endscan(scan);
    PopActiveSnapshot();
    index_close(index, AccessShareLock);
    return found;
}

// Which columns differ from the former row, by the numbers that the executor gives them.
Bitmapset *changed_columns(prepared_table *to) {
    Bitmapset *changed = nullptr;
    slot_getallattrs(to->former);
    for (int i = 0; i < to->shape->natts; ++i) {
        Form_pg_attribute column = TupleDescAttr(to->shape, i);
        if (column->attisdropped)
            continue;
        if (column->attgenerated != '\0') {
            to->row->tts_values[i] = to->former->tts_values[i];
            to->row->tts_isnull[i] = to->former->tts_isnull[i];
            continue;
        }
        const bool same = to->row->tts_isnull[i] == to->former->tts_isnull[i] &&
                          (to->row->tts_isnull[i] ||
                           datum_image_eq(to->row->tts_values[i], to->former->tts_values[i],
                                          column->attbyval, column->attlen));
        if (same)
            continue;
        refuse_identity(column);
        changed = bms_add_member(changed, i + 1 - FirstLowInvalidHeapAttributeNumber);
    }
    return changed;
}

[[noreturn]] void refuse_race(Relation table) {
    ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                    errmsg("a row of \"%s\" was changed meanwhile by another transaction",
                           RelationGetRelationName(table)),
                    errhint("Lock the row before reading what is to be changed.")));
    pg_unreachable();
}

// BEFORE triggers lock the row themselves, and would run the plan of a statement again if it had
// changed: there is none, so nobody may come between.
void lock_former(prepared_table *to, ItemPointer place) {
    Relation table = to->target->ri_RelationDesc;
    TM_FailureData failure;
    if (table_tuple_lock(table, place, to->state->es_snapshot, to->former, to->state->es_output_cid,
                         ExecUpdateLockMode(to->state, to->target), LockWaitBlock, 0,
                         &failure) != TM_Ok)
        refuse_race(table);
}

bool fire_before_update(prepared_table *to, ItemPointer place) {
    const TriggerDesc *triggers = to->target->ri_TrigDesc;
    if (triggers == nullptr || !triggers->trig_update_before_row)
        return true;
    EPQState again;
    TM_FailureData failure;
#if PG_VERSION_NUM >= 160000
    EvalPlanQualInit(&again, to->state, nullptr, NIL, -1, NIL);
    TM_Result result = TM_Ok;
#if PG_VERSION_NUM >= 180000
    return ExecBRUpdateTriggers(to->state, &again, to->target, place, nullptr, to->row, &result,
                                &failure, false);
#else
    return ExecBRUpdateTriggers(to->state, &again, to->target, place, nullptr, to->row, &result,
                                &failure);
#endif
#else
    EvalPlanQualInit(&again, to->state, nullptr, NIL, -1);
    return ExecBRUpdateTriggers(to->state, &again, to->target, place, nullptr, to->row, &failure);
#endif
}

bool update_stored(prepared_table *to, ItemPointer place, TransitionCaptureState *capture) {
    Relation table = to->target->ri_RelationDesc;
    if (!fire_before_update(to, place))
        return false;
    check_row(to, CMD_UPDATE);
    TM_FailureData failure;
    LockTupleMode mode = LockTupleExclusive;
#if PG_VERSION_NUM >= 160000
    TU_UpdateIndexes indexes = TU_None;
#else
    bool indexes = false;
#endif
    const TM_Result result =
        table_tuple_update(table, place, to->row, to->state->es_output_cid, to->state->es_snapshot,
                           InvalidSnapshot, true, &failure, &mode, &indexes);
    if (result == TM_SelfModified)
        ereport(ERROR,
                (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
                 errmsg("a trigger of \"%s\" has changed the row that is to be updated",
                        RelationGetRelationName(table)),
                 errhint("Change other rows in an AFTER trigger, not in a BEFORE trigger.")));
    if (result != TM_Ok)
        refuse_race(table);
    List *recheck = NIL;
#if PG_VERSION_NUM >= 160000
    if (indexes != TU_None)
        recheck = insert_index_entries(to, true, indexes == TU_Summarizing);
#else
    if (indexes)
        recheck = insert_index_entries(to, true, false);
#endif
    // Where a key that others refer to changes, what that brings about comes first.
    if (ExecUpdateLockMode(to->state, to->target) == LockTupleNoKeyExclusive)
        check_foreign_keys(to->references, to->target, to->former, to->row, &to->outdated);
    ExecARUpdateTriggers(to->state, to->target, nullptr, nullptr, place, nullptr, to->row, recheck,
                         capture, false);
    restore_triggers(to->references, to->target);
    list_free(recheck);
    return true;
}

HeapTupleHeader update_in(prepared_table *to, HeapTupleHeader row) {
    CommandCounterIncrement();
    take_columns(to, row);
    if (!find_former(to))
        ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
                        errmsg("there is no such row in \"%s\"",
                               RelationGetRelationName(to->target->ri_RelationDesc))));
    *to->written_columns = changed_columns(to);
    const bool differs = *to->written_columns != nullptr;
    store_row(to->row);
    if (!differs)
        return stored_row(to);
    ItemPointerData place = to->former->tts_tid;
    begin(to);
    TransitionCaptureState *capture =
        MakeTransitionCaptureState(to->target->ri_TrigDesc, to->table, CMD_UPDATE);
    lock_former(to, &place);
    ExecBSUpdateTriggers(to->state, to->target);
    const bool stored = update_stored(to, &place, capture);
    ExecASUpdateTriggers(to->state, to->target, capture);
    HeapTupleHeader out = stored ? stored_row(to) : nullptr;
    AfterTriggerEndQuery(to->state);
    CommandCounterIncrement();
    return out;
}

template <class Write>
HeapTupleHeader write(HeapTupleHeader row, CmdType command, Write how) {
    prepared_table *to = open_table(table_of(row), command);
    HeapTupleHeader volatile out = nullptr;
    PG_TRY();
    {
        out = how(to, row);
        close_table(to);
    }
    PG_CATCH();
    {
        abandon_table(to);
        PG_RE_THROW();
    }
    PG_END_TRY();
    return out;
}

} // namespace

void require_row(FunctionCallInfo fcinfo) {
    if (!type_is_rowtype(get_fn_expr_argtype(fcinfo->flinfo, 0)))
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("the row is of no table")));
}

HeapTupleHeader insert_row(HeapTupleHeader row) {
    return write(row, CMD_INSERT, insert_into);
}

HeapTupleHeader update_row(HeapTupleHeader row) {
    return write(row, CMD_UPDATE, update_in);
}

} // namespace saas::pg
