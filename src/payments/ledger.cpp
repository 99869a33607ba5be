// SPDX-License-Identifier: PostgreSQL
// Triggers of the ledger: what is posted balances, and stays.
#include <cstring>

#include "core/error.hpp"
#include "pg/boundary.hpp"
#include "payments/initialise.hpp"
#include "pg/key_lookup.hpp"
#include "pg/spi.hpp"
#include "pg/trigger.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_getattr
#include "access/xact.h"         // GetCurrentSubTransactionId
#include "catalog/pg_type.h"     // UUIDOID
#include "executor/spi.h"        // SPI_execute_plan
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

bool balances_unsafe(transaction_key &key) {
    static SPIPlanPtr plan = nullptr;
    Datum values[2] = {UUIDPGetDatum(&key.team), UUIDPGetDatum(&key.id)};
    Oid types[2] = {UUIDOID, UUIDOID};
    SPI_connect();
    if (plan == nullptr) {
        SPIPlanPtr made = SPI_prepare("SELECT 1 FROM (SELECT pg_catalog.count(*) AS entries, "
                                      "pg_catalog.sum(e.amount) AS amount"
                                      " FROM saas.ledger_entries AS e"
                                      " WHERE e.team_id OPERATOR(pg_catalog.=) $1 AND "
                                      "e.transaction_id OPERATOR(pg_catalog.=) $2"
                                      " GROUP BY e.currency, e.layer) AS s"
                                      " HAVING pg_catalog.sum(s.entries) OPERATOR(pg_catalog.>=) 2"
                                      " AND pg_catalog.bool_and(s.amount OPERATOR(pg_catalog.=) 0)",
                                      2, types);
        if (made == nullptr || SPI_keepplan(made) != 0)
            elog(ERROR, "cannot prepare the check of the ledger: %s",
                 SPI_result_code_string(SPI_result));
        plan = made;
    }
    const int code = SPI_execute_plan(plan, values, nullptr, false, 1);
    if (code != SPI_OK_SELECT)
        elog(ERROR, "cannot check the ledger: %s", SPI_result_code_string(code));
    const bool balances = SPI_processed == 1;
    SPI_finish();
    return balances;
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
    bool balances = false;
    {
        pg::as_role reader{pg::internal_role_id()};
        balances = pg::call([&] { return balances_unsafe(now.key); });
    }
    if (!balances)
        throw core::error{
            k_unbalanced, "a transaction of the ledger does not balance",
            "For each currency and layer, its two or more entries have to sum to zero."};
    now.command = GetCurrentCommandId(false);
    last_checked = now;
    return PointerGetDatum(nullptr);
}
