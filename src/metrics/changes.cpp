// SPDX-License-Identifier: PostgreSQL
#include "metrics/changes.hpp"

#include "pg/boundary.hpp"

#include <algorithm>
#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h"    // RegisterXactCallback
#include "utils/hsearch.h"  // hash_create
#include "utils/memutils.h" // TopTransactionContext
}

namespace saas::metrics {
namespace {

// So many are kept in memory, 5 MB; one statement may touch every bucket of every team.
constexpr long k_most_kept = 65'536;

HTAB *changes = nullptr; // in TopTransactionContext
change_key last{};       // noted last: rows of one bucket mostly follow one another
bool has_last = false;
std::int32_t batch = 0;

bool precedes(const change_key &a, const change_key &b) {
    return std::memcmp(&a, &b, offsetof(change_key, span)) < 0 ||
           (std::memcmp(&a, &b, offsetof(change_key, span)) == 0 && a.span < b.span);
}

void forget() {
    changes = nullptr;
    has_last = false;
    batch = 0;
}

void flush(void * = nullptr) {
    const auto count = static_cast<std::size_t>(hash_get_num_entries(changes));
    auto *keys = static_cast<change_key *>(
        MemoryContextAllocHuge(TopTransactionContext, count * sizeof(change_key) + 1));
    std::size_t i = 0;
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, changes);
    while (const auto *key = static_cast<const change_key *>(hash_seq_search(&scan)))
        keys[i++] = *key;
    std::sort(keys, keys + count, precedes);
    hash_destroy(changes);
    changes = nullptr;
    has_last = false;
    write_changes(keys, count, batch++);
    pfree(keys);
}

// What a subtransaction noted stays when that is rolled back: one bucket too many is computed anew.
void transaction_event(XactEvent event, void *) {
    switch (event) {
    case XACT_EVENT_PRE_COMMIT:
    case XACT_EVENT_PRE_PREPARE:
        if (changes != nullptr)
            pg::guarded(flush, nullptr);
        break;
    case XACT_EVENT_COMMIT:
    case XACT_EVENT_ABORT:
    case XACT_EVENT_PREPARE:
        forget();
        break;
    default:
        break;
    }
}

void begin() {
    static bool watching = false;
    if (!watching) {
        RegisterXactCallback(transaction_event, nullptr);
        watching = true;
    }
    HASHCTL control{};
    control.keysize = sizeof(change_key);
    control.entrysize = sizeof(change_key);
    control.hcxt = TopTransactionContext;
    changes = hash_create("pg_saas rollup changes", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

} // namespace

void note_change(const change_key &key) {
    if (has_last && std::memcmp(&key, &last, sizeof(key)) == 0)
        return;
    if (changes == nullptr)
        begin();
    hash_search(changes, &key, HASH_ENTER, nullptr);
    last = key;
    has_last = true;
    // Inside a subtransaction nothing is written early: rolled back, it would take along what was noted
    // before it.
    if (hash_get_num_entries(changes) >= k_most_kept && GetCurrentTransactionNestLevel() == 1)
        flush();
}

} // namespace saas::metrics
