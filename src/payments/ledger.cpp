// SPDX-License-Identifier: PostgreSQL
// Triggers of the ledger: what is posted balances, and stays.
#include <cstdint>
#include <cstring>

#include "core/error.hpp"
#include "pg/boundary.hpp"
#include "payments/initialise.hpp"
#include "pg/key_lookup.hpp"
#include "pg/trigger.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_getattr
#include "access/xact.h"         // GetCurrentSubTransactionId
#include "catalog/pg_type.h"     // UUIDOID
#include "executor/spi.h"        // SPI_fnumber
#include "utils/rel.h"           // RelationGetDescr
#include "utils/timestamp.h"     // DatumGetTimestampTz
#include "utils/uuid.h"          // pg_uuid_t
#include "utils/xid8.h"          // DatumGetFullTransactionId
}

using namespace saas; // NOLINT: entry points only

namespace {

constexpr core::sqlstate k_unbalanced{"SA075"};
constexpr core::sqlstate k_posted{"SA076"};

constexpr pg::column_form k_transaction_form[] = {
    {"team_id", UUIDOID}, {"id", UUIDOID}, {"xact_id", XID8OID}, {"effective_at", TIMESTAMPTZOID}};
constinit pg::key_lookup transactions{"ledger_transactions", k_transaction_form, 2};
constexpr pg::column_form k_entry_form[] = {{"team_id", UUIDOID},
                                            {"transaction_id", UUIDOID},
                                            {"currency", BPCHAROID},
                                            {"layer", TEXTOID},
                                            {"amount", INT8OID}};
constinit pg::key_lookup entries{"ledger_entries", k_entry_form, 2};

struct transaction_key {
    pg_uuid_t team;
    pg_uuid_t id;
};

// A ledger transaction that was found to balance, and when: nothing has been written since while
// the command and the subtransaction are the same.
struct checked_transaction {
    transaction_key key;
    TransactionId transaction;
    SubTransactionId subtransaction;
    CommandId command;
};
checked_transaction last_checked{};

bool same_moment(const checked_transaction &a, const checked_transaction &b) {
    return a.transaction == b.transaction && a.subtransaction == b.subtransaction &&
           a.command == b.command && std::memcmp(&a.key, &b.key, sizeof(a.key)) == 0;
}

pg_uuid_t uuid_column(const TriggerData &data, const char *name) {
    TupleDesc columns = RelationGetDescr(data.tg_relation);
    const int number = SPI_fnumber(columns, name);
    bool missing = true;
    Datum value = 0;
    if (number > 0 && TupleDescAttr(columns, number - 1)->atttypid == UUIDOID)
        value = heap_getattr(data.tg_trigtuple, number, columns, &missing);
    if (missing)
        throw core::error{pg::k_trigger_protocol_violated,
                          "saas.enforce_ledger_balance() is for tables of the ledger"};
    return *DatumGetUUIDP(value);
}

// Entries of a transaction by currency and layer.
struct layer_sum {
    bytea *currency;
    bytea *layer;
    int128 amount; // aligned as palloc() aligns
};
struct layer_sums {
    layer_sum *first;
    int count;
    int room;
    std::int64_t entries;
    bool whole; // no column of an entry is NULL
};

bool same_text(const bytea *a, const bytea *b) {
    return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
           std::memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

bytea *copied_unsafe(const bytea *value) {
    return static_cast<bytea *>(std::memcpy(palloc(VARSIZE_ANY(value)), value, VARSIZE_ANY(value)));
}

layer_sum &sum_of_unsafe(layer_sums &sums, const bytea *currency, const bytea *layer) {
    for (int i = 0; i < sums.count; ++i) {
        if (same_text(sums.first[i].currency, currency) && same_text(sums.first[i].layer, layer))
            return sums.first[i];
    }
    if (sums.count == sums.room) {
        sums.room *= 2;
        sums.first = static_cast<layer_sum *>(
            repalloc(sums.first, sizeof(layer_sum) * static_cast<Size>(sums.room)));
    }
    sums.first[sums.count] = {copied_unsafe(currency), copied_unsafe(layer), 0};
    return sums.first[sums.count++];
}

bool balances(const transaction_key &key) {
    const Datum id[2] = {UUIDPGetDatum(&key.team), UUIDPGetDatum(&key.id)};
    constexpr int k_room = 4;
    layer_sums sums{
        pg::call([] { return static_cast<layer_sum *>(palloc(sizeof(layer_sum) * k_room)); }), 0,
        k_room, 0, true};
    layer_sums *out = &sums;
    entries.read_each(id, [=](const Datum *values, const bool *nulls) {
        out->whole = out->whole && !nulls[2] && !nulls[3] && !nulls[4];
        if (!out->whole)
            return;
        sum_of_unsafe(*out, PG_DETOAST_DATUM_PACKED(values[2]), PG_DETOAST_DATUM_PACKED(values[3]))
            .amount += DatumGetInt64(values[4]);
        ++out->entries;
    });
    for (int i = 0; i < sums.count; ++i) {
        if (sums.first[i].amount != 0)
            return false;
    }
    return sums.whole && sums.entries >= 2;
}

// Whether this database transaction has posted the ledger transaction, with this time.
bool is_open(const transaction_key &key, TimestampTz effective_at) {
    const Datum id[2] = {UUIDPGetDatum(&key.team), UUIDPGetDatum(&key.id)};
    const FullTransactionId now = GetTopFullTransactionIdIfAny();
    bool open = false;
    bool *out = &open;
    (void)transactions.read(id, [=](const Datum *values, const bool *nulls) {
        *out = !nulls[2] && !nulls[3] &&
               FullTransactionIdEquals(DatumGetFullTransactionId(values[2]), now) &&
               DatumGetTimestampTz(values[3]) == effective_at;
    });
    return open;
}

} // namespace

void saas::payments::initialise_ledger() {
    transactions.watch();
    entries.watch();
}

SAAS_FUNCTION(saas_enforce_open_ledger) {
    const TriggerData &data = pg::trigger_data(fcinfo, "enforce_open_ledger");
    TupleDesc columns = RelationGetDescr(data.tg_relation);
    const int number = SPI_fnumber(columns, "effective_at");
    bool missing = true;
    Datum at = 0;
    if (number > 0 && TupleDescAttr(columns, number - 1)->atttypid == TIMESTAMPTZOID)
        at = heap_getattr(data.tg_trigtuple, number, columns, &missing);
    if (missing || !is_open({uuid_column(data, "team_id"), uuid_column(data, "transaction_id")},
                            DatumGetTimestampTz(at)))
        throw core::error{k_posted,
                          "an entry belongs to a transaction of the ledger that is being posted",
                          {},
                          "What has been posted stays. Post a transaction that corrects it."};
    return PointerGetDatum(data.tg_trigtuple);
}

SAAS_FUNCTION(saas_enforce_ledger_balance) {
    const TriggerData &data = pg::trigger_data(fcinfo, "enforce_ledger_balance");
    if (data.tg_trigger->tgnargs != 1)
        throw core::error{pg::k_trigger_protocol_violated,
                          "saas.enforce_ledger_balance() needs the column of the transaction"};
    checked_transaction now{
        {uuid_column(data, "team_id"), uuid_column(data, data.tg_trigger->tgargs[0])},
        GetTopTransactionIdIfAny(),
        GetCurrentSubTransactionId(),
        GetCurrentCommandId(false)};
    if (same_moment(now, last_checked))
        return PointerGetDatum(nullptr);
    if (!balances(now.key))
        throw core::error{
            k_unbalanced, "a transaction of the ledger does not balance",
            "For each currency and layer, its two or more entries have to sum to zero."};
    now.command = GetCurrentCommandId(false);
    last_checked = now;
    return PointerGetDatum(nullptr);
}
