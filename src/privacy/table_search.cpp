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
#include "funcapi.h"            // InitMaterializedSRF
#include "storage/bufmgr.h"     // BufferGetPage
#include "utils/acl.h"          // pg_class_aclcheck
#include "utils/array.h"        // deconstruct_array
#include "utils/builtins.h"     // CStringGetTextDatum
#include "utils/lsyscache.h"    // get_rel_relkind
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

struct search {
    std::vector<core::privacy::needle_set> sets;
    std::vector<key_set> keys;
    std::vector<std::uint64_t> hashes; // that one column has
    std::vector<int> requests;
    counts found;
    std::int64_t rows = 0;

    void take(std::size_t set, std::string_view text, const char *column);
};

// What a column of a row holds counts once for each request whose value it is.
void search::take(std::size_t set, std::string_view text, const char *column) {
    hashes.clear();
    requests.clear();
    sets[set].find_all(text, core::cancel_poll{pg::stop_requested}, hashes);
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

bool occurs(const search &work, std::string_view text) {
    for (const core::privacy::needle_set &set : work.sets)
        if (set.occurs_in(text, core::cancel_poll{pg::stop_requested}))
            return true;
    return false;
}

std::string_view view_of(const StringInfoData &text) noexcept {
    return {text.data, static_cast<std::size_t>(text.len)};
}

// Which columns of a row hold what.
void name_columns(search &work, privacy::row_reader *reader, StringInfo words) {
    for (int i = 0; i < reader->columns->natts; ++i) {
        if (!privacy::has_text(reader, i))
            continue;
        resetStringInfo(words);
        privacy::append_text_unsafe(reader, i, words);
        for (std::size_t set = 0; set < work.sets.size(); ++set)
            work.take(set, view_of(*words), NameStr(TupleDescAttr(reader->columns, i)->attname));
    }
}

// What is short is searched together with its neighbours, which may seem to hold what only stands in two columns.
void search_row(search &work, privacy::row_reader *reader, const bool *is_searched, StringInfo words) {
    constexpr std::size_t k_short = 128;
    resetStringInfo(words);
    bool any = false;
    for (int i = 0; i < reader->columns->natts && !any; ++i) {
        if (!is_searched[i] || reader->nulls[i])
            continue;
        const privacy::column_kind kind = reader->kinds[i];
        if (kind != privacy::column_kind::text && kind != privacy::column_kind::bytes) {
            privacy::append_text_unsafe(reader, i, words);
            appendStringInfoCharMacro(words, ' ');
            continue;
        }
        const privacy::column_text text = privacy::stored_text_unsafe(reader, i);
        if (core::privacy::has_escapes({text.bytes, text.size})) {
            privacy::append_text_unsafe(reader, i, words);
            appendStringInfoCharMacro(words, ' ');
        } else if (text.size >= k_short) {
            any = occurs(work, {text.bytes, text.size});
        } else {
            appendBinaryStringInfo(words, text.bytes, static_cast<int>(text.size));
            appendStringInfoCharMacro(words, ' ');
        }
    }
    if (any || occurs(work, view_of(*words)))
        name_columns(work, reader, words);
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

// All of a page is read soon: asked for at once, its lines come together instead of one after another.
void fetch_page(TableScanDesc scan) noexcept {
    constexpr std::size_t k_line = 64;
    const char *page = static_cast<const char *>(BufferGetPage(reinterpret_cast<HeapScanDesc>(scan)->rs_cbuf));
    for (std::size_t at = 0; at < BLCKSZ; at += k_line)
        __builtin_prefetch(page + at);
}

// Every row that the statement sees. The rights to read have been checked with the whole table.
void search_heap_unsafe(search &work, Oid table, MemoryContext context) {
    Relation relation = table_open(table, NoLock);
    privacy::row_reader *reader = privacy::make_row_reader_unsafe(RelationGetDescr(relation), context);
    const bool *searched = searched_columns(work, reader);
    StringInfoData words;
    initStringInfo(&words);
    MemoryContext row_memory = AllocSetContextCreate(context, "searched row", ALLOCSET_DEFAULT_SIZES);
    TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0, nullptr);
    BlockNumber block = InvalidBlockNumber;
    for (HeapTuple row; (row = heap_getnext(scan, ForwardScanDirection)) != nullptr;) {
        CHECK_FOR_INTERRUPTS();
        ++work.rows;
        if (ItemPointerGetBlockNumber(&row->t_self) != block) {
            block = ItemPointerGetBlockNumber(&row->t_self);
            fetch_page(scan);
        }
        MemoryContext before = MemoryContextSwitchTo(row_memory);
        privacy::read_row_unsafe(reader, row);
        search_row(work, reader, searched, &words);
        MemoryContextSwitchTo(before);
        MemoryContextReset(row_memory);
    }
    table_endscan(scan);
    table_close(relation, NoLock);
}

// False for a table that is not, in all its partitions, a heap of this server.
bool search_table_unsafe(search &work, Oid table) {
    if (pg_class_aclcheck(table, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied for this table")));
    List *all = find_all_inheritors(table, AccessShareLock, nullptr);
    ListCell *cell;
    foreach (cell, all) {
        Relation relation = table_open(lfirst_oid(cell), NoLock);
        const bool known = is_heap(relation) || relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
        table_close(relation, NoLock);
        if (!known)
            return false;
    }
    MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "searched table", ALLOCSET_DEFAULT_SIZES);
    foreach (cell, all) {
        if (get_rel_relkind(lfirst_oid(cell)) != RELKIND_PARTITIONED_TABLE)
            search_heap_unsafe(work, lfirst_oid(cell), memory);
    }
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
