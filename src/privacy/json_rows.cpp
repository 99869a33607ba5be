// SPDX-License-Identifier: PostgreSQL
#include "privacy/json_rows.hpp"

#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h"  // TIMESTAMPTZOID
#include "utils/date.h"       // DatumGetDateADT
#include "utils/datetime.h"   // MAXDATELEN
#include "utils/json.h"       // JsonEncodeDateTime
#include "utils/memutils.h"   // MaxAllocSize
#include "utils/timestamp.h"  // DatumGetTimestampTz
}

namespace saas::privacy {
namespace {

json_piece piece_of(const char *text) {
    return {text, static_cast<int>(std::strlen(text))};
}

// "_table"; with further "_" before it as long as a column has that name, since no two members may have one.
const char *name_of_table_key(TupleDesc columns) {
    const char *name = "_table";
    for (int i = 0; i < columns->natts; ++i)
        if (std::strcmp(NameStr(TupleDescAttr(columns, i)->attname), name) == 0) {
            name = psprintf("_%s", name);
            i = -1;
        }
    return name;
}

// Numbers of the columns in the order of their keys, and -1 for that of the table.
int *ordered_members(const json_piece *keys, int count, const json_piece &table) {
    auto *order = static_cast<int *>(palloc(static_cast<Size>(count + 1) * sizeof(int)));
    const auto key_of = [&](int column) { return column < 0 ? table : keys[column]; };
    for (int i = 0; i <= count; ++i) {
        // Few, and once a table.
        const int column = i - 1;
        const json_piece key = key_of(column);
        int to = i;
        for (; to > 0; --to) {
            const json_piece before = key_of(order[to - 1]);
            if (pg::compare_json_keys(key.bytes, key.size, before.bytes, before.size) >= 0)
                break;
            order[to] = order[to - 1];
        }
        order[to] = column;
    }
    return order;
}

// Header, entries and keys of the objects, which only differ in the entries of their values.
json_piece start_of_objects(const json_piece *keys, const int *order, int members, const json_piece &table) {
    auto *object = static_cast<pg::json_member *>(palloc0(static_cast<Size>(members) * sizeof(pg::json_member)));
    for (int i = 0; i < members; ++i) {
        const json_piece key = order[i] < 0 ? table : keys[order[i]];
        object[i].key = key.bytes;
        object[i].key_length = key.size;
        object[i].value.type = jbvNull;
    }
    const Jsonb *made = pg::make_json_object(object, members);
    return {VARDATA(made), static_cast<int>(VARSIZE(made) - VARHDRSZ)};
}

} // namespace

json_rows *make_json_rows_unsafe(TupleDesc columns, const char *table) {
    auto *rows = static_cast<json_rows *>(palloc0(sizeof(json_rows)));
    const auto count = static_cast<Size>(columns->natts);
    rows->count = columns->natts;
    rows->members = columns->natts + 1;
    rows->day = core::privacy::known_day{};
    rows->column_types = static_cast<Oid *>(palloc0((count + 1) * sizeof(Oid)));
    rows->types = static_cast<pg::json_type *>(palloc0((count + 1) * sizeof(pg::json_type)));
    rows->before = static_cast<json_piece *>(palloc0((count + 1) * sizeof(json_piece)));
    rows->table = piece_of(pstrdup(table));
    auto *keys = static_cast<json_piece *>(palloc((count + 1) * sizeof(json_piece)));
    StringInfoData before;
    initStringInfo(&before);
    const json_piece table_key = piece_of(name_of_table_key(columns));
    appendStringInfo(&before, "{\"%s\": ", table_key.bytes);
    append_json_string(&before, rows->table.bytes, static_cast<Size>(rows->table.size));
    for (int i = 0; i < columns->natts; ++i) {
        const Form_pg_attribute column = TupleDescAttr(columns, i);
        keys[i] = piece_of(pstrdup(NameStr(column->attname)));
        rows->column_types[i] = column->atttypid;
        pg::find_json_type(column->atttypid, CurrentMemoryContext, rows->types[i], true);
        appendStringInfoString(&before, ", ");
        append_json_string(&before, keys[i].bytes, static_cast<Size>(keys[i].size));
        appendStringInfoString(&before, ": ");
        rows->before[i] = piece_of(pstrdup(before.data));
        resetStringInfo(&before);
    }
    // A table without columns that are exported.
    if (columns->natts == 0)
        rows->before[0] = piece_of(pstrdup(before.data));
    rows->order = ordered_members(keys, columns->natts, table_key);
    rows->start = start_of_objects(keys, rows->order, rows->members, table_key);
    return rows;
}

bool are_rows_of(const json_rows *rows, TupleDesc columns) {
    if (rows->count != columns->natts)
        return false;
    for (int i = 0; i < columns->natts; ++i)
        if (TupleDescAttr(columns, i)->atttypid != rows->column_types[i])
            return false;
    return true;
}

void make_room(StringInfo out, Size size) {
    constexpr Size k_large = Size{1} << 20;
    constexpr Size k_most = Size{1} << 27;
    const auto length = static_cast<Size>(out->len);
    const Size wanted = length < k_large ? size : Max(size, Min(3 * length, k_most));
    // What is wanted beyond need is not refused.
    enlargeStringInfo(out, static_cast<int>(length + wanted + 1 < MaxAllocSize ? wanted : size));
}

Size write_iso_time(Oid type, Datum value, core::privacy::known_day &day, char *out) {
    static_assert(MAXDATELEN > core::privacy::k_plain_text_room + 4);
    Size size = 0;
    if (type == DATEOID) {
        size = core::privacy::write_date(DatumGetDateADT(value), out);
    } else if (type == TIMESTAMPTZOID || type == TIMESTAMPOID) {
        size = core::privacy::write_timestamp(DatumGetTimestampTz(value), type == TIMESTAMPTZOID, day, out);
        if (size > 0) {
            out[10] = 'T';
            if (type == TIMESTAMPTZOID) {
                std::memcpy(out + size, ":00", 3);
                size += 3;
            }
        }
    }
    if (size > 0)
        return size;
    const int utc = 0;
    JsonEncodeDateTime(out, value, type, &utc);
    return std::strlen(out);
}

} // namespace saas::privacy
