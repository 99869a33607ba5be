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

// So many are kept in memory, 7 MB; one statement may touch every bucket of every team.
constexpr long k_most_kept = 65'536;
// And so many rows of them, 6 MB; buckets of the further ones are computed anew.
constexpr std::size_t k_most_rows_kept = 1'000'000;

// Most transactions touch a bucket or two: those need no hash table.
constexpr std::size_t k_few = 8;
change few[k_few];
std::size_t few_count = 0;
HTAB *changes = nullptr; // in TopTransactionContext, once there are more; then few has none
change *last = nullptr;  // noted last: rows of one bucket mostly follow one another
std::size_t rows_kept = 0;
std::int32_t batch = 0;

bool precedes(const change &a, const change &b) {
    const int order = std::memcmp(&a.key, &b.key, offsetof(change_key, span));
    return order < 0 || (order == 0 && a.key.span < b.key.span);
}

void forget_noted() {
    few_count = 0;
    if (changes != nullptr && IsTransactionState())
        hash_destroy(changes);
    changes = nullptr;
    last = nullptr;
    rows_kept = 0;
}

void forget_rows(change &noted) {
    noted.file = InvalidOid;
    noted.count = 0;
    noted.greatest = 0;
}

template <class Visit>
void for_each_noted(Visit visit) {
    for (std::size_t i = 0; i < few_count; ++i)
        visit(few[i]);
    if (changes == nullptr)
        return;
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, changes);
    while (auto *noted = static_cast<change *>(hash_seq_search(&scan)))
        visit(*noted);
}

// With `keep` they stay noted, and are written again later: one row more for the same bucket.
void write_all(bool keep) {
    change at_hand[k_few]; // NOLINT: only `count` of them are read
    const std::size_t count =
        changes == nullptr ? few_count : static_cast<std::size_t>(hash_get_num_entries(changes));
    auto *all = count <= k_few ? at_hand
                               : static_cast<change *>(MemoryContextAllocHuge(TopTransactionContext,
                                                                              count * sizeof(change)));
    change *next = all;
    for_each_noted([&next](const change &noted) { *next++ = noted; });
    if (!keep)
        forget_noted();
    std::sort(all, all + count, precedes);
    write_changes(all, count, batch++);
    if (all != at_hand)
        pfree(all);
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
    control.entrysize = sizeof(change);
    control.hcxt = TopTransactionContext;
    changes = hash_create("pg_saas rollup changes", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    for (std::size_t i = 0; i < few_count; ++i) {
        bool found = false;
        auto *noted = static_cast<change *>(hash_search(changes, &few[i].key, HASH_ENTER, &found));
        *noted = few[i];
    }
    few_count = 0;
}

// A new one has no row yet, and no relation.
change *find_or_add(const change_key &key, bool &found) {
    found = true;
    for (std::size_t i = 0; i < few_count; ++i) {
        if (std::memcmp(&few[i].key, &key, sizeof(key)) == 0)
            return &few[i];
    }
    change *noted = nullptr;
    if (changes == nullptr && few_count < k_few) {
        found = false;
        noted = &few[few_count++];
    } else {
        if (changes == nullptr)
            grow();
        // Inside a subtransaction nothing is written early: rolled back, it would take along what was
        // noted before it.
        if (hash_get_num_entries(changes) >= k_most_kept && GetCurrentTransactionNestLevel() == 1) {
            // What computes buckets later in this transaction sees the rows, and cannot reach what is written.
            for_each_noted(forget_rows);
            write_all(false);
            return find_or_add(key, found);
        }
        noted = static_cast<change *>(hash_search(changes, &key, HASH_ENTER, &found));
    }
    if (!found) {
        noted->key = key;
        noted->file = InvalidOid;
        noted->count = 0;
        noted->greatest = 0;
        noted->room = k_rows_at_first;
        noted->more = nullptr;
    }
    return noted;
}

change *find(const change_key &key, bool &found) {
    found = last != nullptr && std::memcmp(&key, &last->key, sizeof(key)) == 0;
    if (!found) {
        watch_transactions();
        last = find_or_add(key, found);
    }
    return last;
}

std::uint64_t number_of(const ItemPointerData &row) {
    return std::uint64_t{ItemPointerGetBlockNumberNoCheck(&row)} << 16 | ItemPointerGetOffsetNumberNoCheck(&row);
}

// Rows mostly come in the order of their places. The same one comes again after the table was emptied.
bool is_known(const change &noted, const ItemPointerData &row) {
    const ItemPointerData *rows = noted.rows();
    const auto same = [&row](const ItemPointerData &known) { return number_of(known) == number_of(row); };
    return noted.greatest >= number_of(row) && std::any_of(rows, rows + noted.count, same);
}

void make_room(change &noted) {
    auto *more = static_cast<ItemPointerData *>(
        MemoryContextAlloc(TopTransactionContext, 4 * noted.room * sizeof(ItemPointerData)));
    std::copy(noted.rows(), noted.rows() + noted.count, more);
    if (noted.more != nullptr)
        pfree(noted.more);
    noted.more = more;
    noted.room *= 4;
}

} // namespace

void note_change(const change_key &key) {
    bool found = false;
    forget_rows(*find(key, found));
}

void note_insertion(const change_key &key, Oid file, const ItemPointerData &row) {
    bool found = false;
    change &noted = *find(key, found);
    if (!found)
        noted.file = file;
    if (noted.file == InvalidOid)
        return;
    if (noted.file != file || noted.count == k_most_rows || rows_kept >= k_most_rows_kept ||
        is_known(noted, row)) {
        forget_rows(noted);
        return;
    }
    if (noted.count == noted.room)
        make_room(noted);
    (noted.more != nullptr ? noted.more : noted.first)[noted.count++] = row;
    noted.greatest = std::max(noted.greatest, number_of(row));
    ++rows_kept;
}

void write_noted_changes() {
    if (changes == nullptr && few_count == 0)
        return;
    for_each_noted(forget_rows);
    write_all(GetCurrentTransactionNestLevel() > 1);
}

} // namespace saas::metrics
