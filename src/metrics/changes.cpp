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

// Most transactions touch a bucket or two: those need no hash table.
constexpr std::size_t k_few = 8;
change_key few[k_few];
std::size_t few_count = 0;
HTAB *changes = nullptr; // in TopTransactionContext, once there are more; then few has none
change_key last{};       // noted last: rows of one bucket mostly follow one another
bool has_last = false;
std::int32_t batch = 0;

bool precedes(const change_key &a, const change_key &b) {
    const int order = std::memcmp(&a, &b, offsetof(change_key, span));
    return order < 0 || (order == 0 && a.span < b.span);
}

void forget_noted() {
    few_count = 0;
    if (changes != nullptr && IsTransactionState())
        hash_destroy(changes);
    changes = nullptr;
    has_last = false;
}

// With `keep` they stay noted, and are written again later: one row more for the same bucket.
void write_all(bool keep) {
    const std::size_t count =
        changes == nullptr ? few_count : static_cast<std::size_t>(hash_get_num_entries(changes));
    auto *keys = static_cast<change_key *>(
        MemoryContextAllocHuge(TopTransactionContext, count * sizeof(change_key)));
    if (changes == nullptr) {
        std::copy(few, few + count, keys);
    } else {
        change_key *next = keys;
        HASH_SEQ_STATUS scan;
        hash_seq_init(&scan, changes);
        while (const auto *key = static_cast<const change_key *>(hash_seq_search(&scan)))
            *next++ = *key;
    }
    if (!keep)
        forget_noted();
    std::sort(keys, keys + count, precedes);
    write_changes(keys, count, batch++);
    pfree(keys);
}

void flush(void *) {
    write_all(false);
}

// What a subtransaction noted stays when that is rolled back: one bucket too many is computed anew.
void transaction_event(XactEvent event, void *) {
    switch (event) {
    case XACT_EVENT_PRE_COMMIT:
    case XACT_EVENT_PRE_PREPARE:
        if (changes != nullptr || few_count > 0)
            pg::guarded(flush, nullptr);
        break;
    case XACT_EVENT_COMMIT:
    case XACT_EVENT_ABORT:
    case XACT_EVENT_PREPARE:
        forget_noted();
        batch = 0;
        break;
    default:
        break;
    }
}

void watch_transactions() {
    static bool watching = false;
    if (!watching) {
        RegisterXactCallback(transaction_event, nullptr);
        watching = true;
    }
}

// Into a hash table with all of them.
void grow() {
    HASHCTL control{};
    control.keysize = sizeof(change_key);
    control.entrysize = sizeof(change_key);
    control.hcxt = TopTransactionContext;
    changes = hash_create("pg_saas rollup changes", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    for (std::size_t i = 0; i < few_count; ++i)
        hash_search(changes, &few[i], HASH_ENTER, nullptr);
    few_count = 0;
}

void add(const change_key &key) {
    if (changes == nullptr) {
        for (std::size_t i = 0; i < few_count; ++i) {
            if (std::memcmp(&few[i], &key, sizeof(key)) == 0)
                return;
        }
        if (few_count < k_few) {
            few[few_count++] = key;
            return;
        }
        grow();
    }
    hash_search(changes, &key, HASH_ENTER, nullptr);
    // Inside a subtransaction nothing is written early: rolled back, it would take along what was noted
    // before it.
    if (hash_get_num_entries(changes) >= k_most_kept && GetCurrentTransactionNestLevel() == 1)
        write_all(false);
}

} // namespace

void note_change(const change_key &key) {
    if (has_last && std::memcmp(&key, &last, sizeof(key)) == 0)
        return;
    watch_transactions();
    last = key;
    has_last = true;
    add(key);
}

void write_noted_changes() {
    if (changes != nullptr || few_count > 0)
        write_all(GetCurrentTransactionNestLevel() > 1);
}

} // namespace saas::metrics
