// SPDX-License-Identifier: PostgreSQL
#include "privacy/row_places.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/heapam.h"       // HeapTupleSatisfiesVisibility
#include "access/htup_details.h" // HeapTupleHeaderGetRawXmin
#include "access/transam.h"      // TransactionIdPrecedes
#include "miscadmin.h"           // CHECK_FOR_INTERRUPTS
#include "storage/bufmgr.h"      // ReadBuffer
#include "storage/bufpage.h"     // PageGetLSN
#include "utils/memutils.h"      // TopMemoryContext
#include "utils/rel.h"           // RelationGetRelid
}

namespace saas::privacy {
namespace {

struct page_part {
    XLogRecPtr position; // InvalidXLogRecPtr: of no use
    std::uint64_t sum;
    Buffer buffer; // where it was last
    TransactionId horizon; // the xmin of the snapshot that saw it: what came before is over for every later one
};

struct table_parts {
    Oid table;
    std::uint64_t storage; // its file
    BlockNumber room;
    page_part *pages;
};

// The catalogs that a plan is made of.
constexpr int k_most_tables = 32;
table_parts known[k_most_tables];

std::uint64_t storage_of(Relation relation) {
#if PG_VERSION_NUM >= 160000
    return relation->rd_locator.relNumber;
#else
    return relation->rd_node.relNode;
#endif
}

// Pins the page if it is still in this buffer.
bool read_recent(Relation relation, BlockNumber block, Buffer buffer) {
#if PG_VERSION_NUM >= 160000
    return ReadRecentBuffer(relation->rd_locator, MAIN_FORKNUM, block, buffer);
#else
    return ReadRecentBuffer(relation->rd_node, MAIN_FORKNUM, block, buffer);
#endif
}

table_parts *parts_of_unsafe(Relation relation, BlockNumber pages) {
    // What is not logged changes without a new position.
    if (!RelationNeedsWAL(relation))
        return nullptr;
    const Oid table = RelationGetRelid(relation);
    table_parts *found = nullptr;
    for (table_parts &one : known) {
        if (one.table == table || one.table == InvalidOid) {
            found = &one;
            break;
        }
    }
    if (found == nullptr)
        return nullptr;
    if (found->table == InvalidOid || found->storage != storage_of(relation) || found->room < pages) {
        const BlockNumber room = pages + 16;
        auto *fresh = static_cast<page_part *>(MemoryContextAllocZero(TopMemoryContext, room * sizeof(page_part)));
        if (found->pages != nullptr)
            pfree(found->pages);
        *found = {table, storage_of(relation), room, fresh};
    }
    return found;
}

bool is_over(TransactionId xid, Snapshot snapshot) {
    return !TransactionIdIsNormal(xid) || TransactionIdPrecedes(xid, snapshot->xmin);
}

// Whether every later snapshot sees the row as this one does. The hints are set: it was looked at.
bool is_settled(HeapTupleHeader row, bool is_visible, Snapshot snapshot) {
    if (!is_visible && HeapTupleHeaderXminInvalid(row))
        return true;
    if (!HeapTupleHeaderXminFrozen(row) && !is_over(HeapTupleHeaderGetRawXmin(row), snapshot))
        return false;
    if (is_visible)
        return (row->t_infomask & HEAP_XMAX_INVALID) != 0;
    return (row->t_infomask & HEAP_XMAX_COMMITTED) != 0 && (row->t_infomask & HEAP_XMAX_IS_MULTI) == 0 &&
           is_over(HeapTupleHeaderGetRawXmax(row), snapshot);
}

// Looks at the position alone and without a lock: a change that the snapshot sees was over before it was taken.
bool has_not_changed(Relation relation, BlockNumber block, const page_part &part, Snapshot snapshot) {
    if (XLogRecPtrIsInvalid(part.position) || !TransactionIdFollowsOrEquals(snapshot->xmin, part.horizon) ||
        !read_recent(relation, block, part.buffer))
        return false;
    const bool is_same = PageGetLSN(BufferGetPage(part.buffer)) == part.position;
    ReleaseBuffer(part.buffer);
    return is_same;
}

// The sum of a page, which is locked.
std::uint64_t sum_page(Relation relation, Buffer buffer, BlockNumber block, Snapshot snapshot, bool *is_all_settled) {
    const Oid table = RelationGetRelid(relation);
    Page page = BufferGetPage(buffer);
    std::uint64_t sum = 0;
    *is_all_settled = true;
    for (OffsetNumber number = FirstOffsetNumber; number <= PageGetMaxOffsetNumber(page); ++number) {
        ItemId item = PageGetItemId(page, number);
        if (!ItemIdIsNormal(item))
            continue;
        HeapTupleData row;
        row.t_data = reinterpret_cast<HeapTupleHeader>(PageGetItem(page, item));
        row.t_len = ItemIdGetLength(item);
        row.t_tableOid = table;
        ItemPointerSet(&row.t_self, block, number);
        const bool is_visible = HeapTupleSatisfiesVisibility(&row, snapshot, buffer);
        *is_all_settled = *is_all_settled && is_settled(row.t_data, is_visible, snapshot);
        const std::uint64_t place = std::uint64_t{block} << 16 | number;
        if (is_visible)
            sum += mixed(mixed(place ^ std::uint64_t{table} << 48) + HeapTupleHeaderGetRawXmin(row.t_data));
    }
    return sum;
}

std::uint64_t read_page_unsafe(Relation relation, BlockNumber block, Snapshot snapshot, page_part *part) {
    Buffer buffer = ReadBuffer(relation, block);
    LockBuffer(buffer, BUFFER_LOCK_SHARE);
    bool is_all_settled = false;
    const std::uint64_t sum = sum_page(relation, buffer, block, snapshot, &is_all_settled);
    // The hints that were just set may have moved it, too.
    const XLogRecPtr position = BufferGetLSNAtomic(buffer);
    if (part != nullptr)
        *part = {is_all_settled ? position : InvalidXLogRecPtr, sum, buffer, snapshot->xmin};
    UnlockReleaseBuffer(buffer);
    return sum;
}

} // namespace

std::uint64_t row_places_unsafe(Relation relation, Snapshot snapshot) {
    const BlockNumber pages = RelationGetNumberOfBlocks(relation);
    table_parts *parts = parts_of_unsafe(relation, pages);
    std::uint64_t sum = 0;
    for (BlockNumber block = 0; block < pages; ++block) {
        page_part *part = parts == nullptr ? nullptr : &parts->pages[block];
        if (part == nullptr || !has_not_changed(relation, block, *part, snapshot)) {
            CHECK_FOR_INTERRUPTS();
            sum += read_page_unsafe(relation, block, snapshot, part);
        } else {
            sum += part->sum;
        }
    }
    return sum;
}

} // namespace saas::privacy
