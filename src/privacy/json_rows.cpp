// SPDX-License-Identifier: PostgreSQL
#include "privacy/json_rows.hpp"

#include "core/privacy/plain_text.hpp"

#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_deform_tuple
#include "catalog/pg_type.h"     // JSONOID
#include "utils/builtins.h"      // pg_lltoa
#include "utils/datetime.h"      // MAXDATELEN
#include "utils/fmgrprotos.h"    // jsonb_in
#include "utils/json.h"          // JsonEncodeDateTime
#include "utils/lsyscache.h"     // getBaseType
#include "utils/timestamp.h"     // DatumGetTimestampTz
#include "utils/uuid.h"          // DatumGetUUIDP
}

namespace saas::privacy {
namespace {

constexpr char k_table_key[] = "_table";

// In the order of keys that jsonb wants; few, and once a table.
void sort_members(json_rows *rows) {
    for (int i = 1; i < rows->count; ++i) {
        const pg::json_member member = rows->members[i];
        const int source = rows->sources[i];
        int to = i;
        for (; to > 0 && pg::compare_json_keys(member.key, member.key_length, rows->members[to - 1].key,
                                               rows->members[to - 1].key_length) < 0;
             --to) {
            rows->members[to] = rows->members[to - 1];
            rows->sources[to] = rows->sources[to - 1];
        }
        rows->members[to] = member;
        rows->sources[to] = source;
    }
}

void set_string(JsonbValue &out, const char *text) {
    out.type = jbvString;
    out.val.string.val = const_cast<char *>(text);
    out.val.string.len = static_cast<int>(std::strlen(text));
}

// What json holds and jsonb does not: U+0000, halves of surrogate pairs, numbers beyond numeric, objects beyond its size.
bool is_beyond_jsonb(int code) {
    return code == ERRCODE_UNTRANSLATABLE_CHARACTER || code == ERRCODE_INVALID_TEXT_REPRESENTATION ||
           code == ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE || code == ERRCODE_PROGRAM_LIMIT_EXCEEDED;
}

// The text as jsonb; nullptr when jsonb cannot hold it. Reading it leaves nothing that an error would have to undo.
Jsonb *read_json_unsafe(char *text) {
    Jsonb *volatile document = nullptr;
    MemoryContext context = CurrentMemoryContext;
    PG_TRY();
    {
        document = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
    }
    PG_CATCH();
    {
        if (!is_beyond_jsonb(geterrcode()))
            PG_RE_THROW();
        MemoryContextSwitchTo(context);
        FlushErrorState();
    }
    PG_END_TRY();
    return document;
}

// As a string what cannot be a document: one value is no reason to refuse all others.
void set_json_unsafe(JsonbValue &out, Datum value) {
    char *written = TextDatumGetCString(value);
    Jsonb *document = read_json_unsafe(written);
    if (document == nullptr) {
        set_string(out, written);
        return;
    }
    if (JB_ROOT_IS_SCALAR(document)) {
        JsonbExtractScalar(&document->root, &out);
        return;
    }
    out.type = jbvBinary;
    out.val.binary.data = &document->root;
    out.val.binary.len = static_cast<int>(VARSIZE(document) - VARHDRSZ);
}

// What escape_json() writes, in runs.
void append_string(StringInfo out, const char *text, std::size_t size) {
    constexpr char k_hex[] = "0123456789abcdef";
    appendStringInfoCharMacro(out, '"');
    const char *end = text + size;
    while (text < end) {
        const char *run = text;
        while (run < end && static_cast<unsigned char>(*run) >= ' ' && *run != '"' && *run != '\\')
            ++run;
        appendBinaryStringInfo(out, text, static_cast<int>(run - text));
        if (run == end)
            break;
        const char c = *run;
        const char *known = std::strchr("\"\"\\\\\bb\ff\nn\rr\tt", c);
        appendStringInfoCharMacro(out, '\\');
        if (c != '\0' && known != nullptr) {
            appendStringInfoCharMacro(out, known[1]);
        } else {
            appendStringInfoString(out, "u00");
            appendStringInfoCharMacro(out, k_hex[static_cast<unsigned char>(c) >> 4]);
            appendStringInfoCharMacro(out, k_hex[static_cast<unsigned char>(c) & 15]);
        }
        text = run + 1;
    }
    appendStringInfoCharMacro(out, '"');
}

void append_time(StringInfo out, Oid type, Datum value) {
    char text[core::privacy::k_plain_text_room + 4];
    std::size_t size = 0;
    if (type == TIMESTAMPTZOID || type == TIMESTAMPOID) {
        size = core::privacy::write_timestamp(DatumGetTimestampTz(value), type == TIMESTAMPTZOID, text);
        if (size > 0) {
            text[10] = 'T';
            if (type == TIMESTAMPTZOID) {
                std::memcpy(text + size, ":00", 3);
                size += 3;
            }
        }
    }
    if (size > 0) {
        append_string(out, text, size);
        return;
    }
    const int utc = 0;
    char general[MAXDATELEN + 1];
    JsonEncodeDateTime(general, value, type, &utc);
    append_string(out, general, std::strlen(general));
}

void append_general(StringInfo out, const JsonbValue &value) {
    switch (value.type) {
    case jbvString:
        append_string(out, value.val.string.val, static_cast<std::size_t>(value.val.string.len));
        break;
    case jbvNumeric:
        appendStringInfoString(out, DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric))));
        break;
    case jbvBool:
        appendStringInfoString(out, value.val.boolean ? "true" : "false");
        break;
    case jbvBinary:
        JsonbToCString(out, value.val.binary.data, value.val.binary.len);
        break;
    default:
        appendStringInfoString(out, "null");
        break;
    }
}

void append_value(StringInfo out, pg::json_type *type, bool is_json, Datum value) {
    char number[core::privacy::k_plain_text_room];
    if (is_json) {
        auto *text = reinterpret_cast<varlena *>(PG_DETOAST_DATUM_PACKED(value));
        appendBinaryStringInfo(out, VARDATA_ANY(text), static_cast<int>(VARSIZE_ANY_EXHDR(text)));
        return;
    }
    switch (type->kind) {
    case pg::json_kind::int2:
        appendBinaryStringInfo(out, number, pg_ltoa(DatumGetInt16(value), number));
        break;
    case pg::json_kind::int4:
        appendBinaryStringInfo(out, number, pg_ltoa(DatumGetInt32(value), number));
        break;
    case pg::json_kind::int8:
        appendBinaryStringInfo(out, number, pg_lltoa(DatumGetInt64(value), number));
        break;
    case pg::json_kind::uuid:
        append_string(out, number, core::privacy::write_uuid(DatumGetUUIDP(value)->data, number));
        break;
    case pg::json_kind::text: {
        auto *text = reinterpret_cast<varlena *>(PG_DETOAST_DATUM_PACKED(value));
        append_string(out, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
        break;
    }
    case pg::json_kind::datetime:
        append_time(out, type->type, value);
        break;
    default: {
        JsonbValue general;
        pg::to_json_value(*type, value, general);
        append_general(out, general);
        break;
    }
    }
}

} // namespace

json_rows *make_json_rows_unsafe(TupleDesc columns, const char *table) {
    auto *rows = static_cast<json_rows *>(palloc0(sizeof(json_rows)));
    const auto count = static_cast<std::size_t>(columns->natts);
    rows->columns = columns;
    rows->count = columns->natts + 1;
    rows->members = static_cast<pg::json_member *>(palloc0((count + 1) * sizeof(pg::json_member)));
    rows->sources = static_cast<int *>(palloc((count + 1) * sizeof(int)));
    rows->types = static_cast<pg::json_type *>(palloc0(count * sizeof(pg::json_type)));
    rows->is_json = static_cast<bool *>(palloc0(count + 1));
    rows->prefixes = static_cast<const char **>(palloc0((count + 1) * sizeof(char *)));
    rows->values = static_cast<Datum *>(palloc0(count * sizeof(Datum)));
    rows->nulls = static_cast<bool *>(palloc0(count + 1));
    StringInfoData prefix;
    initStringInfo(&prefix);
    appendStringInfoString(&prefix, "{\"_table\": ");
    append_string(&prefix, table, std::strlen(table));
    for (int i = 0; i < columns->natts; ++i) {
        const Form_pg_attribute column = TupleDescAttr(columns, i);
        const char *name = NameStr(column->attname);
        rows->members[i] = {name, static_cast<int>(std::strlen(name)), {}};
        rows->sources[i] = i;
        rows->is_json[i] = getBaseType(column->atttypid) == JSONOID;
        pg::find_json_type(column->atttypid, CurrentMemoryContext, rows->types[i]);
        appendStringInfoString(&prefix, ", ");
        append_string(&prefix, name, std::strlen(name));
        appendStringInfoString(&prefix, ": ");
        rows->prefixes[i] = pstrdup(prefix.data);
        resetStringInfo(&prefix);
    }
    rows->members[count] = {k_table_key, static_cast<int>(sizeof(k_table_key)) - 1, {}};
    set_string(rows->members[count].value, pstrdup(table));
    rows->sources[count] = -1;
    sort_members(rows);
    return rows;
}

Jsonb *row_as_jsonb_unsafe(json_rows *rows, HeapTuple row) {
    heap_deform_tuple(row, rows->columns, rows->values, rows->nulls);
    for (int i = 0; i < rows->count; ++i) {
        const int source = rows->sources[i];
        if (source < 0)
            continue;
        JsonbValue &value = rows->members[i].value;
        if (rows->nulls[source])
            value.type = jbvNull;
        else if (rows->is_json[source])
            set_json_unsafe(value, rows->values[source]);
        else
            pg::to_json_value(rows->types[source], rows->values[source], value);
    }
    return pg::make_json_object(rows->members, rows->count);
}

void append_row_unsafe(json_rows *rows, HeapTuple row, StringInfo out) {
    heap_deform_tuple(row, rows->columns, rows->values, rows->nulls);
    for (int i = 0; i < rows->columns->natts; ++i) {
        appendStringInfoString(out, rows->prefixes[i]);
        if (rows->nulls[i])
            appendStringInfoString(out, "null");
        else
            append_value(out, &rows->types[i], rows->is_json[i], rows->values[i]);
    }
    appendStringInfoCharMacro(out, '}');
}

} // namespace saas::privacy
