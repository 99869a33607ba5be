// SPDX-License-Identifier: PostgreSQL
// Rows of a range of blocks, brought to the newest keys straight in the heap: what the executor
// would do, without its reading every row a second time, and without waiting for anybody.
#include <array>
#include <cstring>

#include "core/error.hpp"
#include "encryption/errors.hpp"
#include "encryption/keystore.hpp"
#include "encryption/reencrypt.hpp"
#include "encryption/rotation_target.hpp"
#include "pg/boundary.hpp"
#include "pg/tuple.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/table.h"      // table_open
#include "access/tableam.h"    // table_beginscan_tidrange
#include "access/xact.h"       // CommandCounterIncrement
#include "executor/executor.h" // CreateExecutorState
#include "miscadmin.h"         // CHECK_FOR_INTERRUPTS
#include "utils/array.h"       // ARR_DATA_PTR
#include "utils/lsyscache.h"   // get_attnum
#include "utils/memutils.h"    // AllocSetContextCreate
#include "utils/snapmgr.h"     // PushActiveSnapshot
#include "utils/uuid.h"        // DatumGetUUIDP
}

using namespace saas;             // NOLINT: entry point
using namespace saas::encryption; // NOLINT

namespace {

struct job {
    rotation_target target;
    std::optional<core::uuid> asset;
    std::optional<core::uuid> team; // NULL for all
    const std::int64_t *keys;
    int key_count;
    BlockNumber from;
    BlockNumber before;
};

struct outcome {
    bool done = false;
    std::int64_t changed = 0;
    std::int64_t failed = 0;
    std::int64_t skipped = 0; // somebody else is at them
};

std::optional<core::uuid> uuid_at(TupleTableSlot *slot, AttrNumber column) {
    if (column == 0 || slot->tts_isnull[column - 1])
        return std::nullopt;
    core::uuid out{};
    std::memcpy(out.data(), DatumGetUUIDP(slot->tts_values[column - 1])->data, out.size());
    return out;
}

// The value when it is under one of the keys, whole; null otherwise.
const struct varlena *outdated(const job &work, TupleTableSlot *slot) {
    if (slot->tts_isnull[work.target.value - 1])
        return nullptr;
    auto *value = reinterpret_cast<struct varlena *>(
        DatumGetPointer(slot->tts_values[work.target.value - 1]));
    auto number = key_number_in_place(value);
    if (!number) {
        value = pg_detoast_datum(value);
        number = key_number_in_place(value);
    }
    for (int i = 0; i < work.key_count; ++i) {
        if (*number != 0 && work.keys[i] == static_cast<std::int64_t>(*number))
            return value;
    }
    return nullptr;
}

// Null, and counted, when the value does not open.
struct varlena *fresh_value(const job &work, TupleTableSlot *slot, const struct varlena *value,
                            outcome &answer) {
    const auto team = work.target.team == 0 ? work.team : uuid_at(slot, work.target.team);
    try {
        return reencrypted(value, {work.asset, uuid_at(slot, work.target.row), team});
    } catch (const core::error &failure) {
        if (failure.state().code() != k_decryption_failed.code() &&
            failure.state().code() != k_key_unusable.code())
            throw;
    }
    ++answer.failed;
    return nullptr;
}

// What writing needs, from the first row to the last.
struct writer {
    const job &work;
    EState *state;
    ResultRelInfo *indexes;
    Snapshot snapshot;
    TupleTableSlot *found; // the row as it is
    TupleTableSlot *fresh; // and as it will be
    TupleTableSlot *held;  // for a row that must be locked first
};

#if PG_VERSION_NUM >= 160000
using index_entries = TU_UpdateIndexes;
#else
using index_entries = bool;
#endif

TM_Result update_unsafe(const writer &to, bool wait, index_entries &entries) {
    TM_FailureData failure;
    LockTupleMode mode;
    return table_tuple_update(to.work.target.table, &to.found->tts_tid, to.fresh,
                              GetCurrentCommandId(true), to.snapshot, InvalidSnapshot, wait,
                              &failure, &mode, &entries);
}

// Whether the row is ours now: somebody has locked it, perhaps this transaction, or in a way that
// does not keep it from being written.
bool lock_unsafe(const writer &to) {
    TM_FailureData failure;
    ItemPointerData where = to.found->tts_tid;
    const TM_Result result = table_tuple_lock(to.work.target.table, &where, to.snapshot, to.held,
                                              GetCurrentCommandId(true), LockTupleNoKeyExclusive,
                                              LockWaitSkip, 0, &failure);
    ExecClearTuple(to.held);
    return result == TM_Ok;
}

void write_row_unsafe(const writer &to, outcome &answer) {
    index_entries entries{};
    TM_Result result = update_unsafe(to, false, entries);
    if (result == TM_BeingModified && lock_unsafe(to))
        result = update_unsafe(to, true, entries); // there is nobody left to wait for
    if (result != TM_Ok) {
        ++answer.skipped;
        return;
    }
    ++answer.changed;
#if PG_VERSION_NUM >= 160000
    if (entries != TU_None)
        (void)ExecInsertIndexTuples(to.indexes, to.fresh, to.state, true, false, nullptr, NIL,
                                    entries == TU_Summarizing);
#else
    if (entries)
        (void)ExecInsertIndexTuples(to.indexes, to.fresh, to.state, true, false, nullptr, NIL);
#endif
}

void take_row_unsafe(const writer &to, outcome &answer) {
    const job &work = to.work;
    TupleTableSlot *slot = to.found;
    TupleTableSlot *fresh = to.fresh;
    const auto columns = static_cast<std::size_t>(slot->tts_tupleDescriptor->natts);
    slot_getallattrs(slot);
    if (work.team && work.target.team != 0 && uuid_at(slot, work.target.team) != work.team)
        return;
    const struct varlena *value = outdated(work, slot);
    struct varlena *made = value == nullptr ? nullptr : fresh_value(work, slot, value, answer);
    if (made == nullptr)
        return;
    ExecClearTuple(fresh);
    std::memcpy(fresh->tts_values, slot->tts_values, sizeof(Datum) * columns);
    std::memcpy(fresh->tts_isnull, slot->tts_isnull, sizeof(bool) * columns);
    fresh->tts_values[work.target.value - 1] = PointerGetDatum(made);
    ExecStoreVirtualTuple(fresh);
    write_row_unsafe(to, answer);
}

void walk_unsafe(const writer &to, outcome &answer) {
    Relation table = to.work.target.table;
    ItemPointerData first;
    ItemPointerData last;
    ItemPointerSet(&first, to.work.from, FirstOffsetNumber);
    ItemPointerSet(&last, to.work.before - 1, MaxOffsetNumber);
    TableScanDesc scan = table_beginscan_tidrange(table, to.snapshot, &first, &last);
    MemoryContext row = GetPerTupleMemoryContext(to.state);
    const MemoryContext before = MemoryContextSwitchTo(row);
    while (table_scan_getnextslot_tidrange(scan, ForwardScanDirection, to.found)) {
        CHECK_FOR_INTERRUPTS();
        take_row_unsafe(to, answer);
        ExecClearTuple(to.fresh);
        MemoryContextReset(row);
    }
    MemoryContextSwitchTo(before);
    table_endscan(scan);
}

void rotate_unsafe(const job &work, outcome &answer) {
    Relation table = work.target.table;
    ResultRelInfo *indexes = makeNode(ResultRelInfo);
    InitResultRelInfo(indexes, table, 0, nullptr, 0); // in no range table
    ExecOpenIndices(indexes, false);
    PushActiveSnapshot(GetTransactionSnapshot());
    const writer to{work,
                    CreateExecutorState(),
                    indexes,
                    GetActiveSnapshot(),
                    table_slot_create(table, nullptr),
                    MakeSingleTupleTableSlot(RelationGetDescr(table), &TTSOpsVirtual),
                    table_slot_create(table, nullptr)};
    walk_unsafe(to, answer);
    ExecDropSingleTupleTableSlot(to.held);
    ExecDropSingleTupleTableSlot(to.fresh);
    ExecDropSingleTupleTableSlot(to.found);
    PopActiveSnapshot();
    ExecCloseIndices(indexes);
    FreeExecutorState(to.state);
    CommandCounterIncrement();
    answer.done = true;
}

std::optional<core::uuid> uuid_argument(FunctionCallInfo fcinfo, int at) {
    core::uuid out{};
    if (PG_ARGISNULL(at))
        return std::nullopt;
    std::memcpy(out.data(), DatumGetUUIDP(PG_GETARG_DATUM(at))->data, out.size());
    return out;
}

AttrNumber column_unsafe(FunctionCallInfo fcinfo, Oid table, int at) {
    if (PG_ARGISNULL(at))
        return 0;
    const AttrNumber found = get_attnum(table, NameStr(*PG_GETARG_NAME(at)));
    return found > 0 ? found : InvalidAttrNumber - 1; // a column that is not there has no type
}

// Arguments: table, value's, row's and team's column, team, asset, keys, first block, the one
// behind the last.
void run_unsafe(FunctionCallInfo fcinfo, outcome &answer) {
    const Oid oid = PG_GETARG_OID(0);
    ArrayType *keys = PG_GETARG_ARRAYTYPE_P(6);
    const std::int64_t from = PG_GETARG_INT64(7);
    const std::int64_t before = PG_GETARG_INT64(8);
    if (from < 0 || before <= from || before > MaxBlockNumber || ARR_HASNULL(keys) ||
        ARR_ELEMTYPE(keys) != INT8OID)
        return;
    Relation table = table_open(oid, RowExclusiveLock);
    job work{};
    work.target = {table, column_unsafe(fcinfo, oid, 1), column_unsafe(fcinfo, oid, 2),
                   column_unsafe(fcinfo, oid, 3)};
    work.team = uuid_argument(fcinfo, 4);
    work.asset = uuid_argument(fcinfo, 5);
    work.keys = reinterpret_cast<const std::int64_t *>(ARR_DATA_PTR(keys));
    work.key_count = ArrayGetNItems(ARR_NDIM(keys), ARR_DIMS(keys));
    work.from = static_cast<BlockNumber>(from);
    work.before = static_cast<BlockNumber>(before);
    if (is_plain_target_unsafe(work.target))
        rotate_unsafe(work, answer);
    table_close(table, NoLock); // the lock stays, as that of an UPDATE
}

} // namespace

SAAS_FUNCTION(saas_rotate_rows) {
    outcome answer;
    bool complete = true;
    for (int at : {0, 1, 6, 7, 8})
        complete = complete && !PG_ARGISNULL(at);
    if (complete) {
        require_unsealed();
        pg::call([&] { run_unsafe(fcinfo, answer); });
    }
    pg::tuple row{fcinfo, 3};
    if (answer.done) {
        row.set(0, Int64GetDatum(answer.changed));
        row.set(1, Int64GetDatum(answer.failed));
        row.set(2, Int64GetDatum(answer.skipped));
    }
    return row.datum();
}
