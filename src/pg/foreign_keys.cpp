// SPDX-License-Identifier: PostgreSQL
#include "pg/foreign_keys.hpp"

#include "pg/index_scan.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/table.h"          // table_open
#include "access/tableam.h"        // table_tuple_lock
#include "access/xact.h"           // IsolationUsesXactSnapshot
#include "catalog/pg_am.h"         // BTREE_AM_OID
#include "catalog/pg_class.h"      // RELKIND_RELATION
#include "catalog/pg_constraint.h" // Form_pg_constraint
#include "catalog/pg_trigger.h"    // TRIGGER_FOR_AFTER
#include "commands/trigger.h"      // RI_FKey_trigger_type
#include "executor/tuptable.h"     // MakeSingleTupleTableSlot
#include "nodes/parsenodes.h"      // FKCONSTR_MATCH_SIMPLE
#include "storage/lmgr.h"          // ConditionalLockRelationOid
#include "utils/acl.h"             // pg_class_aclcheck
#include "utils/lsyscache.h"       // get_op_opfamily_strategy
#include "utils/rel.h"             // ForeignKeyCacheInfo
#include "utils/snapmgr.h"         // GetLatestSnapshot
#include "utils/syscache.h"        // CONSTROID
}

namespace saas::pg {
namespace {

bool fires_after_row(const Trigger &trigger, CmdType command) {
    return TRIGGER_FOR_ROW(trigger.tgtype) && TRIGGER_FOR_AFTER(trigger.tgtype) &&
           (command == CMD_INSERT ? TRIGGER_FOR_INSERT(trigger.tgtype)
                                  : TRIGGER_FOR_UPDATE(trigger.tgtype));
}

bool is_match_simple(Oid constraint) {
    HeapTuple found = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
    if (!HeapTupleIsValid(found))
        return false;
    auto *form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(found));
    const bool out = form->contype == CONSTRAINT_FOREIGN &&
                     form->confmatchtype == FKCONSTR_MATCH_SIMPLE && !form->condeferrable;
    ReleaseSysCache(found);
    return out;
}

bool find_constraint(Relation table, Oid constraint, ForeignKeyCacheInfo *out) {
    ListCell *cell = nullptr;
    foreach (cell, RelationGetFKeyList(table)) {
        auto *info = static_cast<ForeignKeyCacheInfo *>(lfirst(cell));
        if (info->conoid == constraint) {
            *out = *info;
            return true;
        }
    }
    return false;
}

// The server reads the referenced table with the rights of its owner.
bool may_be_read(Relation referenced) {
    const Oid oid = RelationGetRelid(referenced);
    const Oid owner = referenced->rd_rel->relowner;
    return referenced->rd_rel->relkind == RELKIND_RELATION && !referenced->rd_rel->relispartition &&
           pg_class_aclcheck(oid, owner, ACL_SELECT) == ACLCHECK_OK &&
           pg_class_aclcheck(oid, owner, ACL_UPDATE) == ACLCHECK_OK;
}

// One column of the index: the referencing column and how it is compared. False where the
// comparison is not that of the index.
bool learn_column(const ForeignKeyCacheInfo &info, Relation table, Relation referenced,
                  Relation index, int place, foreign_key *out) {
    const AttrNumber column = index->rd_index->indkey.values[place];
    int i = 0;
    while (i < info.nkeys && info.confkey[i] != column)
        ++i;
    if (i == info.nkeys)
        return false;
    Form_pg_attribute theirs = TupleDescAttr(RelationGetDescr(referenced), column - 1);
    Form_pg_attribute ours = TupleDescAttr(RelationGetDescr(table), info.conkey[i] - 1);
    const Oid equal = info.conpfeqop[i];
    Oid left = InvalidOid;
    Oid right = InvalidOid;
    op_input_types(equal, &left, &right);
    if (ours->atttypid != theirs->atttypid || left != right ||
        index->rd_indcollation[place] != theirs->attcollation ||
        get_op_opfamily_strategy(equal, index->rd_opfamily[place]) != BTEqualStrategyNumber)
        return false;
    out->columns[place] = info.conkey[i];
    ScanKeyEntryInitialize(&out->keys[place], 0, static_cast<AttrNumber>(place + 1),
                           BTEqualStrategyNumber, right, index->rd_indcollation[place],
                           get_opcode(equal), Datum{0});
    return true;
}

bool learn_index(const ForeignKeyCacheInfo &info, Relation table, Relation referenced,
                 Relation index, foreign_key *out) {
    const Form_pg_index form = index->rd_index;
    if (index->rd_rel->relam != BTREE_AM_OID || form->indrelid != info.confrelid ||
        !form->indisunique || !form->indimmediate || form->indnkeyatts != info.nkeys ||
        RelationGetIndexPredicate(index) != NIL)
        return false;
    for (int i = 0; i < info.nkeys; ++i) {
        if (form->indkey.values[i] <= 0 || !learn_column(info, table, referenced, index, i, out))
            return false;
    }
    out->table = info.confrelid;
    out->index = RelationGetRelid(index);
    out->length = info.nkeys;
    return true;
}

// The referenced table is locked.
bool learn_referenced(const ForeignKeyCacheInfo &info, Relation table, Oid index_oid,
                      foreign_key *out) {
    Relation referenced = table_open(info.confrelid, NoLock);
    bool learned = false;
    if (may_be_read(referenced)) {
        Relation index = index_open(index_oid, AccessShareLock);
        learned = learn_index(info, table, referenced, index, out);
        index_close(index, AccessShareLock);
    }
    table_close(referenced, NoLock);
    return learned;
}

// What the executor compares when it asks which triggers a row has.
bool is_on(char enabled) {
    return enabled == TRIGGER_FIRES_ON_ORIGIN || enabled == TRIGGER_FIRES_ALWAYS;
}

bool is_key_of_row(const foreign_key &key, TupleTableSlot *row, ScanKeyData *keys) {
    for (int i = 0; i < key.length; ++i) {
        bool is_null = false;
        keys[i] = key.keys[i];
        keys[i].sk_argument = slot_getattr(row, key.columns[i], &is_null);
        if (is_null)
            return false;
    }
    return true;
}

bool lock_referenced(Relation referenced, Relation index, const ScanKeyData *keys, int length) {
    TupleTableSlot *found =
        MakeSingleTupleTableSlot(RelationGetDescr(referenced), table_slot_callbacks(referenced));
    IndexScanDesc scan = begin_index_scan(referenced, index, GetActiveSnapshot(), keys, length);
    bool locked = false;
    if (index_getnext_slot(scan, ForwardScanDirection, found)) {
        ItemPointerData place = found->tts_tid;
        TM_FailureData failure;
        ExecClearTuple(found);
        locked = table_tuple_lock(referenced, &place, GetActiveSnapshot(), found,
                                  GetCurrentCommandId(true), LockTupleKeyShare, LockWaitSkip,
                                  TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS, &failure) == TM_Ok &&
                 !failure.traversed;
    }
    index_endscan(scan);
    ExecDropSingleTupleTableSlot(found);
    return locked;
}

bool is_referenced(const foreign_key &key, const ScanKeyData *keys, const bool *outdated) {
    Relation referenced = table_open(key.table, RowShareLock); // with what others have changed
    bool locked = false;
    if (!*outdated) {
        Relation index = index_open(key.index, RowShareLock);
        locked = is_usable(index) && lock_referenced(referenced, index, keys, key.length);
        index_close(index, NoLock);
    }
    table_close(referenced, NoLock);
    return locked;
}

// As the server does it: only a key that has changed is checked, and one that refers to nothing
// never. The newest snapshot is active from the first look-up on; the row itself may be what it
// refers to.
bool is_well(const foreign_key &key, ResultRelInfo *target, TupleTableSlot *former,
             TupleTableSlot *row, const bool *outdated, bool *pushed) {
    Trigger *trigger = &target->ri_TrigDesc->triggers[key.trigger];
    if (former != nullptr &&
        !RI_FKey_fk_upd_check_required(trigger, target->ri_RelationDesc, former, row))
        return true;
    ScanKeyData keys[INDEX_MAX_KEYS];
    if (!is_key_of_row(key, row, keys))
        return true;
    if (!*pushed) {
        CommandCounterIncrement();
        PushActiveSnapshot(GetLatestSnapshot());
        *pushed = true;
    }
    return is_referenced(key, keys, outdated);
}

} // namespace

foreign_keys find_foreign_keys(Relation table, const ResultRelInfo *target, CmdType command) {
    foreign_keys out{nullptr, 0, true};
    const TriggerDesc *triggers = target->ri_TrigDesc;
    if (triggers == nullptr)
        return out;
    out.keys = static_cast<foreign_key *>(
        palloc(sizeof(foreign_key) * static_cast<Size>(triggers->numtriggers)));
    for (int i = 0; i < triggers->numtriggers; ++i) {
        const Trigger &trigger = triggers->triggers[i];
        const int kind = RI_FKey_trigger_type(trigger.tgfoid);
        if (!fires_after_row(trigger, command) || kind == RI_TRIGGER_PK)
            continue;
        if (kind != RI_TRIGGER_FK)
            break; // the check comes after what this trigger does
        ForeignKeyCacheInfo info;
        if (!is_on(trigger.tgenabled) || trigger.tgdeferrable || trigger.tgqual != nullptr ||
            trigger.tgnattr != 0 || !is_match_simple(trigger.tgconstraint) ||
            !find_constraint(table, trigger.tgconstraint, &info))
            continue;
        if (!ConditionalLockRelationOid(info.confrelid, AccessShareLock)) {
            out.is_whole = false;
            continue;
        }
        foreign_key *key = &out.keys[out.count];
        key->trigger = i;
        key->enabled = trigger.tgenabled;
        if (learn_referenced(info, table, trigger.tgconstrindid, key))
            ++out.count;
    }
    return out;
}

bool depend_on(const foreign_keys &known, Oid relation) noexcept {
    for (int i = 0; i < known.count; ++i) {
        if (known.keys[i].table == relation || known.keys[i].index == relation)
            return true;
    }
    return false;
}

void check_foreign_keys(const foreign_keys &known, ResultRelInfo *target, TupleTableSlot *former,
                        TupleTableSlot *row, const bool *outdated) {
    if (known.count == 0 || IsolationUsesXactSnapshot() ||
        SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
        return;
    bool pushed = false;
    for (int i = 0; i < known.count; ++i) {
        const foreign_key &key = known.keys[i];
        if (is_well(key, target, former, row, outdated, &pushed))
            target->ri_TrigDesc->triggers[key.trigger].tgenabled = TRIGGER_DISABLED;
    }
    if (pushed)
        PopActiveSnapshot();
}

void restore_triggers(const foreign_keys &known, ResultRelInfo *target) noexcept {
    for (int i = 0; i < known.count; ++i)
        target->ri_TrigDesc->triggers[known.keys[i].trigger].tgenabled = known.keys[i].enabled;
}

} // namespace saas::pg
