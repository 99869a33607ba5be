// SPDX-License-Identifier: PostgreSQL
// Searches a table for what many requests erased, in one pass over its rows where they are.
#include "core/error.hpp"
#include "core/privacy/escapes.hpp"
#include "core/privacy/needles.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "privacy/row_text.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pg/prelude.hpp"

extern "C" {
#include "access/heapam.h"      // heap_getnext
#include "access/table.h"       // table_open
#include "access/tableam.h"     // table_beginscan
#include "catalog/pg_inherits.h" // find_all_inheritors
#include "catalog/pg_type.h"    // BYTEAOID
#include "executor/tuptable.h"  // ExecFetchSlotHeapTuple
#include "funcapi.h"            // InitMaterializedSRF
#include "utils/acl.h"          // pg_class_aclcheck
#include "utils/array.h"        // deconstruct_array
#include "utils/builtins.h"     // CStringGetTextDatum
#include "utils/memutils.h"     // AllocSetContextCreate
#include "utils/rel.h"          // RelationGetDescr
#include "utils/snapmgr.h"      // GetActiveSnapshot
#include "utils/tuplestore.h"   // tuplestore_putvalues
}

using namespace saas; // NOLINT: entry points only

namespace {

// The needles of those requests that have one key.
struct key_set {
    std::vector<std::uint8_t> bytes;                    // as saas.needle_columns() takes them
    std::vector<std::pair<std::uint64_t, int>> owners;  // sorted: hash, number of the request
};

using counts = std::map<std::pair<int, std::string>, std::int64_t>; // request and column

// Where a row begins among the words of several.
struct gathered_row {
    std::size_t from;
    ItemPointerData place;
    bool is_found;
};

struct search {
    std::vector<core::privacy::needle_set> sets;
    std::vector<key_set> keys;
    std::vector<core::privacy::occurrence> occurrences; // in gathered rows
    std::vector<std::uint64_t> hashes; // that one column has
    std::vector<int> requests;
    std::vector<gathered_row> gathered; // in the order of their words
    counts found;
    std::int64_t rows = 0;

    void take(std::size_t set, const char *column);
};

// What a column of a row holds counts once for each request whose value it is.
void search::take(std::size_t set, const char *column) {
    requests.clear();
    const auto &owners = keys[set].owners;
    for (const std::uint64_t hash : hashes)
        for (auto one = std::lower_bound(owners.begin(), owners.end(), std::pair{hash, 0});
             one != owners.end() && one->first == hash; ++one)
            requests.push_back(one->second);
    std::sort(requests.begin(), requests.end());
    requests.erase(std::unique(requests.begin(), requests.end()), requests.end());
    for (const int request : requests)
        ++found[{request, column}];
}

// Sets of the same key become one.
void add_needles(search &to, const std::vector<std::uint8_t> &bytes, int request) {
    constexpr std::size_t k_key = 16;
    constexpr std::size_t k_needle = core::privacy::k_needle_bytes;
    (void)core::privacy::unpack_needles(bytes); // throws when they are none
    auto key = std::find_if(to.keys.begin(), to.keys.end(), [&](const key_set &one) {
        return std::equal(bytes.begin(), bytes.begin() + k_key, one.bytes.begin());
    });
    if (key == to.keys.end())
        key = to.keys.insert(key, key_set{{bytes.begin(), bytes.begin() + k_key}, {}});
    key->bytes.insert(key->bytes.end(), bytes.begin() + k_key, bytes.end());
    for (std::size_t at = k_key; at < bytes.size(); at += k_needle) {
        std::uint64_t hash = 0;
        for (std::size_t i = 0; i < 8; ++i)
            hash |= std::uint64_t{bytes[at + 1 + i]} << (8 * i);
        key->owners.emplace_back(hash, request);
    }
}

// bytea[] without NULLs: one set a request
search make_search(Datum array) {
    int count = 0;
    Datum *elements = nullptr;
    bool *nulls = nullptr;
    pg::call([&] {
        deconstruct_array(DatumGetArrayTypeP(array), BYTEAOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
    });
    if (std::find(nulls, nulls + count, true) != nulls + count)
        throw core::error{core::k_invalid_parameter_value, "a set of needles is missing"};
    search made;
    for (int i = 0; i < count; ++i)
        add_needles(made, pg::bytes(elements[i]), i + 1);
    for (key_set &key : made.keys) {
        std::sort(key.owners.begin(), key.owners.end());
        made.sets.push_back(core::privacy::unpack_needles(key.bytes));
    }
    return made;
}

std::string_view view_of(const StringInfoData &text) noexcept {
    return {text.data, static_cast<std::size_t>(text.len)};
}

const core::cancel_poll k_poll{pg::stop_requested};

// Whether a text holds a needle, or does with the letters that it escapes.
bool occurs(const search &work, std::string_view text) {
    bool backslashes = false;
    for (const core::privacy::needle_set &set : work.sets) {
        const auto seen = set.look_for(text, k_poll);
        if (seen.is_found)
            return true;
        backslashes = backslashes || seen.has_backslashes;
    }
    if (!backslashes || !core::privacy::has_escapes(text))
        return false;
    const privacy::column_text again = privacy::unescaped_unsafe({text.data(), text.size()});
    return std::any_of(work.sets.begin(), work.sets.end(),
                       [&](const auto &set) { return set.occurs_in({again.bytes, again.size}, k_poll); });
}

bool occurs_in_utf16(const search &work, const privacy::byte_pieces &all) {
    for (std::size_t i = 0; i < all.count; ++i)
        for (const core::privacy::needle_set &set : work.sets)
            if (set.occurs_in_utf16({all.pieces[i].bytes, all.pieces[i].size}, k_poll))
                return true;
    return false;
}

// Which columns of a row hold what.
void name_columns(search &work, privacy::row_reader *reader, StringInfo words) {
    for (int i = 0; i < reader->columns->natts; ++i) {
        if (!privacy::has_text(reader, i))
            continue;
        resetStringInfo(words);
        privacy::append_text_unsafe(reader, i, words);
        const privacy::byte_pieces bytes = privacy::stored_bytes_unsafe(reader, i);
        for (std::size_t set = 0; set < work.sets.size(); ++set) {
            work.hashes.clear();
            work.sets[set].find_hashes(view_of(*words), k_poll, work.hashes);
            for (std::size_t piece = 0; piece < bytes.count; ++piece)
                work.sets[set].find_hashes_utf16({bytes.pieces[piece].bytes, bytes.pieces[piece].size}, k_poll, work.hashes);
            work.take(set, NameStr(TupleDescAttr(reader->columns, i)->attname));
        }
    }
}

// Appends the words of a row, which are searched together with those of its neighbours: they may seem to hold what only
// stands in two columns. What is long is searched at once: true when it holds a needle.
bool gather_row(search &work, privacy::row_reader *reader, const bool *is_searched, StringInfo words) {
    constexpr std::size_t k_long = 1024;
    for (int i = 0; i < reader->columns->natts; ++i) {
        if (!is_searched[i] || reader->nulls[i])
            continue;
        const privacy::column_kind kind = reader->kinds[i];
        if (kind == privacy::column_kind::text || kind == privacy::column_kind::bytes) {
            const privacy::column_text text = privacy::stored_text_unsafe(reader, i);
            if (text.size < k_long)
                appendBinaryStringInfo(words, text.bytes, static_cast<int>(text.size));
            else if (occurs(work, {text.bytes, text.size}))
                return true;
        } else {
            const auto from = static_cast<std::size_t>(words->len);
            privacy::append_stored_unsafe(reader, i, words);
            const std::string_view text = view_of(*words).substr(from);
            if (text.size() >= k_long) {
                if (occurs(work, text))
                    return true;
                words->len = static_cast<int>(from);
            }
        }
        appendStringInfoCharMacro(words, ' ');
        if ((kind == privacy::column_kind::bytes || kind == privacy::column_kind::byte_list) &&
            occurs_in_utf16(work, privacy::stored_bytes_unsafe(reader, i)))
            return true;
    }
    return false;
}

// Marks those of the gathered rows that hold a needle.
void find_rows(search &work, const StringInfoData &words) {
    auto &rows = work.gathered;
    bool backslashes = false;
    work.occurrences.clear();
    for (const core::privacy::needle_set &set : work.sets)
        backslashes = set.find_all(view_of(words), k_poll, work.occurrences) || backslashes;
    for (const auto &[hash, place] : work.occurrences) {
        const std::size_t at = place;
        const auto behind = std::upper_bound(rows.begin(), rows.end(), at,
                                             [](std::size_t byte, const gathered_row &row) { return byte < row.from; });
        (behind - 1)->is_found = true;
    }
    if (!backslashes || !core::privacy::has_escapes(view_of(words)))
        return;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::size_t end = i + 1 < rows.size() ? rows[i + 1].from : static_cast<std::size_t>(words.len);
        rows[i].is_found = rows[i].is_found || occurs(work, view_of(words).substr(rows[i].from, end - rows[i].from));
    }
}

// Columns in which a needle may begin.
bool *searched_columns(const search &work, const privacy::row_reader *reader) {
    auto *searched = static_cast<bool *>(palloc0(static_cast<std::size_t>(reader->columns->natts) + 1));
    for (int i = 0; i < reader->columns->natts; ++i)
        for (const core::privacy::needle_set &set : work.sets)
            searched[i] = searched[i] || (reader->kinds[i] != privacy::column_kind::none &&
                                          set.may_begin(privacy::word_lengths(reader->kinds[i])));
    return searched;
}

bool is_heap(Relation relation) {
    const char kind = relation->rd_rel->relkind;
    return (kind == RELKIND_RELATION || kind == RELKIND_MATVIEW) && relation->rd_tableam == GetHeapamTableAmRoutine();
}

// A table that is being read.
struct reading {
    Relation relation;
    privacy::row_reader *reader;
    StringInfoData words;  // of the gathered rows
    StringInfoData column; // of one column
    TupleTableSlot *slot;  // for rows that are read again
    MemoryContext memory;  // of one row
};

// Searches the gathered rows, and names the columns of those that hold something.
void search_gathered(search &work, reading &table) {
    MemoryContext before = MemoryContextSwitchTo(table.memory);
    find_rows(work, table.words);
    for (gathered_row &row : work.gathered) {
        if (!row.is_found || !table_tuple_fetch_row_version(table.relation, &row.place, GetActiveSnapshot(), table.slot))
            continue;
        bool is_copy;
        privacy::read_row_unsafe(table.reader, ExecFetchSlotHeapTuple(table.slot, false, &is_copy));
        name_columns(work, table.reader, &table.column);
        MemoryContextReset(table.memory);
        ExecClearTuple(table.slot);
    }
    MemoryContextSwitchTo(before);
    MemoryContextReset(table.memory);
    work.gathered.clear();
    resetStringInfo(&table.words);
}

// Every row that the statement sees. The rights to read have been checked with the whole table.
void search_heap_unsafe(search &work, Oid oid, MemoryContext context) {
    constexpr int k_enough = 8192; // bytes to be searched together
    constexpr std::size_t k_most_rows = 512;
    Relation relation = table_open(oid, NoLock);
    reading table{relation, privacy::make_row_reader_unsafe(RelationGetDescr(relation), context), {}, {},
                  table_slot_create(relation, nullptr), AllocSetContextCreate(context, "searched row", ALLOCSET_DEFAULT_SIZES)};
    initStringInfo(&table.words);
    initStringInfo(&table.column);
    const bool *searched = searched_columns(work, table.reader);
    TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0, nullptr);
    for (HeapTuple row; (row = heap_getnext(scan, ForwardScanDirection)) != nullptr;) {
        CHECK_FOR_INTERRUPTS();
        ++work.rows;
        MemoryContext before = MemoryContextSwitchTo(table.memory);
        privacy::read_row_unsafe(table.reader, row);
        const int from = table.words.len;
        if (gather_row(work, table.reader, searched, &table.words)) {
            table.words.len = from;
            name_columns(work, table.reader, &table.column);
        } else {
            work.gathered.push_back({static_cast<std::size_t>(from), row->t_self, false});
        }
        MemoryContextSwitchTo(before);
        MemoryContextReset(table.memory);
        if (table.words.len >= k_enough || work.gathered.size() >= k_most_rows)
            search_gathered(work, table);
    }
    search_gathered(work, table);
    table_endscan(scan);
    ExecDropSingleTupleTableSlot(table.slot);
    table_close(relation, NoLock);
}

// The heaps to read: a partitioned table's partitions, of any other the table alone, since its heirs are tables of
// their own to be searched. False when one of them all is not a heap of this server, so that only a query reads them.
bool heaps_of_unsafe(Oid table, List *&heaps) {
    Relation relation = table_open(table, AccessShareLock);
    const bool is_partitioned = relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
    table_close(relation, NoLock);
    bool known = true;
    heaps = NIL;
    ListCell *cell;
    foreach (cell, find_all_inheritors(table, AccessShareLock, nullptr)) {
        relation = table_open(lfirst_oid(cell), NoLock);
        const bool heap = is_heap(relation);
        known = known && (heap || relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE);
        if (heap && (is_partitioned || lfirst_oid(cell) == table))
            heaps = lappend_oid(heaps, lfirst_oid(cell));
        table_close(relation, NoLock);
    }
    return known;
}

bool search_table_unsafe(search &work, Oid table) {
    if (pg_class_aclcheck(table, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied for this table")));
    List *heaps;
    if (!heaps_of_unsafe(table, heaps))
        return false;
    MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "searched table", ALLOCSET_DEFAULT_SIZES);
    ListCell *cell;
    foreach (cell, heaps)
        search_heap_unsafe(work, lfirst_oid(cell), memory);
    MemoryContextDelete(memory);
    return true;
}

void put_row(FunctionCallInfo fcinfo, int request, const char *column, std::int64_t rows) {
    auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    Datum values[] = {Int32GetDatum(request), column == nullptr ? 0 : CStringGetTextDatum(column),
                      Int64GetDatum(rows)};
    bool nulls[] = {false, column == nullptr, false};
    tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

} // namespace

// (table, needles of each request) -> rows by request and column; request 0: all that were read; none when
// it is no heap
SAAS_FUNCTION(saas_search_table) {
    const Oid table = PG_GETARG_OID(0);
    search work = make_search(PG_GETARG_DATUM(1));
    const bool known = pg::call([&] {
        InitMaterializedSRF(fcinfo, 0);
        return search_table_unsafe(work, table);
    });
    if (!known)
        return Datum{0};
    pg::call([&] { put_row(fcinfo, 0, nullptr, work.rows); });
    for (const auto &[place, rows] : work.found) {
        const int request = place.first;
        const char *column = place.second.c_str();
        const std::int64_t count = rows;
        pg::call([&] { put_row(fcinfo, request, column, count); });
    }
    return Datum{0};
}
