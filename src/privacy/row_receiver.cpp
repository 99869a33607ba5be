// SPDX-License-Identifier: PostgreSQL
#include "privacy/row_receiver.hpp"

#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "executor/tuptable.h" // slot_getallattrs
#include "utils/memutils.h"    // MemoryContextReset
}

namespace saas::privacy {
namespace {

constexpr std::int64_t k_sample = 64;

void start_rows(DestReceiver *self, int, TupleDesc columns) {
    auto *receiver = reinterpret_cast<row_receiver *>(self);
    if (*receiver->rows != nullptr && are_rows_of(*receiver->rows, columns))
        return;
    MemoryContext before = MemoryContextSwitchTo(receiver->kept);
    *receiver->rows = make_json_rows_unsafe(columns, receiver->table);
    MemoryContextSwitchTo(before);
}

// Room for all rows once the first show how long they are: memory that grows by and by is copied and asked for again.
void make_room(const row_receiver *receiver, StringInfo out) {
    constexpr Size k_most = Size{1} << 28;
    const auto taken = static_cast<Size>(out->len - receiver->start);
    const auto left = static_cast<Size>(receiver->expected - receiver->count);
    const Size room = taken / static_cast<Size>(receiver->count) * left * 9 / 8;
    (void)room_for(out, Min(room, k_most));
}

bool take_row(TupleTableSlot *slot, DestReceiver *self) {
    auto *receiver = reinterpret_cast<row_receiver *>(self);
    row_target *target = receiver->target;
    slot_getallattrs(slot);
    MemoryContext before = MemoryContextSwitchTo(receiver->row);
    if (target->as_text) {
        if (target->rows++ > 0)
            appendBinaryStringInfo(target->out, ", ", 2);
        append_row_text_unsafe(*receiver->rows, slot->tts_values, slot->tts_isnull, target->out);
    } else {
        append_row_binary_unsafe(*receiver->rows, slot->tts_values, slot->tts_isnull, target->out);
        end_value(&target->array);
    }
    if (++receiver->count == k_sample && receiver->expected > k_sample)
        make_room(receiver, target->out);
    MemoryContextSwitchTo(before);
    MemoryContextReset(receiver->row);
    return true;
}

void nothing(DestReceiver *) {}

} // namespace

row_receiver make_receiver(row_target *target, const char *table, json_rows **rows, MemoryContext kept,
                           MemoryContext row, std::int64_t expected) {
    row_receiver out{};
    out.server.receiveSlot = take_row;
    out.server.rStartup = start_rows;
    out.server.rShutdown = nothing;
    out.server.rDestroy = nothing;
    out.server.mydest = DestNone;
    out.target = target;
    out.table = table;
    out.rows = rows;
    out.kept = kept;
    out.row = row;
    out.expected = expected;
    out.start = target->out->len;
    return out;
}

} // namespace saas::privacy
