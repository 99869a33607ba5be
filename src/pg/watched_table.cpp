// SPDX-License-Identifier: PostgreSQL
#include "pg/watched_table.hpp"

#include "pg/boundary.hpp"
#include "pg/invalidation.hpp"
#include "pg/package.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h" // RegisterXactCallback
#include "utils/inval.h" // AcceptInvalidationMessages
}

namespace saas::pg {

watched_table *watched_table::first_ = nullptr;

namespace {

// Rows were read by a transaction that writes: they may be its own, which are taken back with it. A
// statement that fails between its change and its AFTER triggers tells nobody of either.
bool own_rows_read = false;

} // namespace

// May run inside any server call, so it only counts.
void watched_table::changed(Oid relation) noexcept {
    for (watched_table *table = first_; table != nullptr; table = table->next_) {
        if (relation == InvalidOid || relation == table->table_) {
            ++table->generation_;
            ++all_changes_;
        }
    }
}

void watched_table::taken_back() noexcept {
    if (own_rows_read)
        changed(InvalidOid);
}

void watched_table::watch() {
    if (first_ == nullptr) {
        watch_relations(changed);
        RegisterXactCallback(
            [](XactEvent event, void *) {
                if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE)
                    return; // may still fail
                if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
                    taken_back();
                own_rows_read = false;
            },
            nullptr);
        RegisterSubXactCallback(
            [](SubXactEvent event, SubTransactionId, SubTransactionId, void *) {
                if (event == SUBXACT_EVENT_ABORT_SUB)
                    taken_back();
            },
            nullptr);
    }
    next_ = first_;
    first_ = this;
}

bool watched_table::find() {
    own_rows_read = own_rows_read || TransactionIdIsValid(GetTopTransactionIdIfAny());
    table_ = call([this] { return package_table_unsafe(name_); });
    return OidIsValid(table_);
}

void accept_changes() {
    call([] { AcceptInvalidationMessages(); });
}

} // namespace saas::pg
