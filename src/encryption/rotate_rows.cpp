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

// Writes the row that `fresh` is in place of the one at `where`.
void write_row_unsafe(const job &work, ItemPointer where, TupleTableSlot *fresh, Snapshot snapshot,
                      ResultRelInfo *indexes, EState *state, outcome &answer) {
    TM_FailureData failure;
    LockTupleMode mode;
#if PG_VERSION_NUM >= 160000
    TU_UpdateIndexes entries = TU_None;
#else
    bool entries = false;
#endif
    const TM_Result result =
        table_tuple_update(work.target.table, where, fresh, GetCurrentCommandId(true), snapshot,
                           InvalidSnapshot, false, &failure, &mode, &entries);
    if (result != TM_Ok) {
        ++answer.skipped;
        return;
    }
    ++answer.changed;
#if PG_VERSION_NUM >= 160000
    if (entries != TU_None)
        (void)ExecInsertIndexTuples(indexes, fresh, state, true, false, nullptr, NIL,
                                    entries == TU_Summarizing);
#else
    if (entries)
        (void)ExecInsertIndexTuples(indexes, fresh, state, true, false, nullptr, NIL);
#endif
}

void take_row_unsafe(const job &work, TupleTableSlot *slot, TupleTableSlot *fresh,
                     Snapshot snapshot, ResultRelInfo *indexes, EState *state, outcome &answer) {
    const int columns = slot->tts_tupleDescriptor->natts;
    slot_getallattrs(slot);
    if (work.team && work.target.team != 0 && uuid_at(slot, work.target.team) != work.team)
        return;
    const struct varlena *value = outdated(work, slot);
    struct varlena *made = value == nullptr ? nullptr : fresh_value(work, slot, value, answer);
    if (made == nullptr)
        return;
    ExecClearTuple(fresh);
    std::memcpy(fresh->tts_values, slot->tts_values,
                sizeof(Datum) * static_cast<std::size_t>(columns));
    std::memcpy(fresh->tts_isnull, slot->tts_isnull,
                sizeof(bool) * static_cast<std::size_t>(columns));
    fresh->tts_values[work.target.value - 1] = PointerGetDatum(made);
    ExecStoreVirtualTuple(fresh);
    write_row_unsafe(work, &slot->tts_tid, fresh, snapshot, indexes, state, answer);
}

void rotate_unsafe(const job &work, outcome &answer) {
    Relation table = work.target.table;
    EState *state = CreateExecutorState();
    ResultRelInfo *indexes = makeNode(ResultRelInfo);
    InitResultRelInfo(indexes, table, 1, nullptr, 0);
    ExecOpenIndices(indexes, false);
    PushActiveSnapshot(GetTransactionSnapshot());
    const Snapshot snapshot = GetActiveSnapshot();
    TupleTableSlot *slot = table_slot_create(table, nullptr);
    TupleTableSlot *fresh = MakeSingleTupleTableSlot(RelationGetDescr(table), &TTSOpsVirtual);
    ItemPointerData first;
    ItemPointerData last;
    ItemPointerSet(&first, work.from, FirstOffsetNumber);
    ItemPointerSet(&last, work.before - 1, MaxOffsetNumber);
    TableScanDesc scan = table_beginscan_tidrange(table, snapshot, &first, &last);
    MemoryContext row = GetPerTupleMemoryContext(state);
    const MemoryContext before = MemoryContextSwitchTo(row);
    while (table_scan_getnextslot_tidrange(scan, ForwardScanDirection, slot)) {
        CHECK_FOR_INTERRUPTS();
        take_row_unsafe(work, slot, fresh, snapshot, indexes, state, answer);
        ExecClearTuple(fresh);
        MemoryContextReset(row);
    }
    MemoryContextSwitchTo(before);
    table_endscan(scan);
    ExecDropSingleTupleTableSlot(fresh);
    ExecDropSingleTupleTableSlot(slot);
    PopActiveSnapshot();
    ExecCloseIndices(indexes);
    FreeExecutorState(state);
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
