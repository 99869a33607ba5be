// SPDX-License-Identifier: PostgreSQL
#include "privacy/row_text.hpp"

#include "core/privacy/escapes.hpp"
#include "core/privacy/needles.hpp"

#include <new>
#include <string_view>

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_deform_tuple
#include "catalog/pg_type.h"     // TEXTOID
#include "mb/pg_wchar.h"         // GetDatabaseEncoding
#include "utils/array.h"         // deconstruct_array
#include "utils/builtins.h"      // numeric_out, pg_lltoa
#include "utils/date.h"          // DATE_NOT_FINITE
#include "utils/jsonb.h"         // JsonbContainer
#include "utils/lsyscache.h"     // getBaseType
#include "utils/timestamp.h"     // TIMESTAMP_NOT_FINITE
#include "utils/uuid.h"          // DatumGetUUIDP
}

namespace saas::privacy {
namespace {

namespace core_privacy = core::privacy;

// Room for so many bytes and a zero behind them, for what is called for each value.
inline void make_room(StringInfo out, std::size_t bytes) {
    if (static_cast<std::size_t>(out->maxlen - out->len) <= bytes)
        enlargeStringInfo(out, static_cast<int>(bytes));
}

inline void append_bytes(StringInfo out, const column_text &text) {
    make_room(out, text.size);
    memcpy(out->data + out->len, text.bytes, text.size);
    out->len += static_cast<int>(text.size);
    out->data[out->len] = '\0';
}

column_kind kind_of(Form_pg_attribute column) {
    if (column->attisdropped)
        return column_kind::none;
    const Oid type = getBaseType(column->atttypid);
    const Oid element = get_element_type(type);
    if (OidIsValid(element) && getBaseType(element) == BYTEAOID)
        return column_kind::byte_list;
    switch (type) {
    case BOOLOID:
        return column_kind::none;
    case TEXTOID:
    case VARCHAROID:
    case BPCHAROID:
    case JSONOID:
        return column_kind::text;
    case BYTEAOID:
        return column_kind::bytes;
    case NUMERICOID:
        return column_kind::number;
    case JSONBOID:
        return column_kind::json;
    case UUIDOID:
        return column_kind::id;
    case INT2OID:
        return column_kind::small;
    case INT4OID:
        return column_kind::whole;
    case INT8OID:
        return column_kind::large;
    case DATEOID:
        return column_kind::date;
    case TIMESTAMPOID:
        return column_kind::time;
    case TIMESTAMPTZOID:
        return column_kind::zoned_time;
    default:
        return column_kind::other;
    }
}

// A number as it is stored (utils/adt/numeric.c): a head of 16 bits, with sign, scale and weight unless it says that the weight
// follows, then the digits. False for what is none, and for a very long one.
bool append_decimal(StringInfo out, const char *bytes, std::size_t size) {
    constexpr unsigned k_special = 0xc000, k_short = 0x8000;
    std::uint16_t head = k_special;
    if (size >= sizeof(head))
        memcpy(&head, bytes, sizeof(head));
    if ((head & k_special) == k_special)
        return false;
    core_privacy::decimal number{};
    if ((head & k_short) != 0) {
        number.is_negative = (head & 0x2000U) != 0;
        number.scale = head >> 7 & 0x3f;
        number.weight = static_cast<int>(head & 0x3fU) - ((head & 0x40U) != 0 ? 0x40 : 0);
        number.digits = bytes + sizeof(head);
    } else {
        std::int16_t weight;
        if (size < sizeof(head) + sizeof(weight))
            return false;
        memcpy(&weight, bytes + sizeof(head), sizeof(weight));
        number.is_negative = (head & 0x4000U) != 0;
        number.scale = head & 0x3fff;
        number.weight = weight;
        number.digits = bytes + sizeof(head) + sizeof(weight);
    }
    number.count = static_cast<int>((bytes + size - number.digits) / 2);
    make_room(out, core_privacy::k_decimal_room);
    const std::size_t length = core_privacy::write_decimal(number, out->data + out->len);
    out->len += static_cast<int>(length);
    return length > 0;
}

// `bytes`: with its length, at any address.
void append_numeric(StringInfo out, const char *bytes) {
    if (append_decimal(out, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)))
        return;
    auto *copy = static_cast<char *>(palloc(VARSIZE_ANY(bytes)));
    memcpy(copy, bytes, VARSIZE_ANY(bytes));
    char *text = DatumGetCString(DirectFunctionCall1(numeric_out, PointerGetDatum(copy)));
    appendStringInfoString(out, text);
    pfree(text);
    pfree(copy);
}

// Keys, texts and numbers, in their order and as they are, not as JSON escapes them: read from the form that jsonb is stored
// in (utils/jsonb.h), which need not be aligned. In an object all keys stand before all values.
struct json_reader {
    StringInfo out; // has room for `size` bytes, so that no text asks for its own
    std::size_t size; // of the value
    const char *end;
};

void append_container_unsafe(const json_reader &reader, const char *container);

std::uint32_t number_at(const char *bytes) noexcept {
    std::uint32_t number;
    memcpy(&number, bytes, sizeof(number));
    return number;
}

// Where the next element begins.
std::uint32_t end_of(JEntry entry, std::uint32_t offset) noexcept {
    return JBE_HAS_OFF(entry) ? JBE_OFFLENFLD(entry) : offset + JBE_OFFLENFLD(entry);
}

void append_element_unsafe(const json_reader &reader, JEntry entry, const char *base, std::uint32_t offset) {
    if (JBE_ISSTRING(entry)) {
        const std::uint32_t length = end_of(entry, offset) - offset;
        if (length > static_cast<std::size_t>(reader.end - base) || offset > static_cast<std::size_t>(reader.end - base) - length)
            ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("a JSON value is damaged")));
        char *const to = reader.out->data + reader.out->len;
        memcpy(to, base + offset, length);
        to[length] = ' ';
        reader.out->len += static_cast<int>(length) + 1;
    } else if (JBE_ISNUMERIC(entry)) {
        append_numeric(reader.out, base + INTALIGN(offset));
        appendStringInfoCharMacro(reader.out, ' ');
        make_room(reader.out, reader.size); // it may be longer as a text
    } else if (JBE_ISCONTAINER(entry)) {
        append_container_unsafe(reader, base + INTALIGN(offset));
    }
}

void append_container_unsafe(const json_reader &reader, const char *container) {
    check_stack_depth();
    const std::uint32_t header = number_at(container);
    const std::uint32_t count = header & JB_CMASK;
    const bool is_object = (header & JB_FOBJECT) != 0;
    const char *entries = container + sizeof(header);
    const char *base = entries + sizeof(JEntry) * (is_object ? count * 2 : count);
    if (base > reader.end)
        ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("a JSON value is damaged")));
    std::uint32_t value = 0;
    for (std::uint32_t i = 0; is_object && i < count; ++i)
        value = end_of(number_at(entries + sizeof(JEntry) * i), value);
    std::uint32_t key = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (is_object) {
            const JEntry entry = number_at(entries + sizeof(JEntry) * i);
            append_element_unsafe(reader, entry, base, key);
            key = end_of(entry, key);
        }
        const JEntry entry = number_at(entries + sizeof(JEntry) * (is_object ? count + i : i));
        append_element_unsafe(reader, entry, base, value);
        value = end_of(entry, value);
    }
}

void append_json_unsafe(StringInfo out, const column_text &json) {
    // An element has four bytes beside its text, so a blank behind each has room as well.
    make_room(out, json.size);
    append_container_unsafe({out, json.size, json.bytes + json.size}, json.bytes);
    out->data[out->len] = '\0';
}

void append_integer(StringInfo out, column_kind kind, Datum value) {
    make_room(out, core_privacy::k_plain_text_room);
    char *to = out->data + out->len;
    out->len += kind == column_kind::large   ? pg_lltoa(DatumGetInt64(value), to)
                : kind == column_kind::whole ? pg_ltoa(DatumGetInt32(value), to)
                                             : pg_ltoa(DatumGetInt16(value), to);
}

void append_output(StringInfo out, row_reader *reader, int column) {
    char *text = OutputFunctionCall(&reader->outputs[column], reader->values[column]);
    appendStringInfoString(out, text);
    pfree(text);
}

void append_time(StringInfo out, row_reader *reader, int column) {
    const Datum value = reader->values[column];
    make_room(out, core_privacy::k_plain_text_room);
    char *to = out->data + out->len;
    std::size_t size = 0;
    if (reader->kinds[column] != column_kind::date)
        size = core_privacy::write_timestamp(DatumGetTimestampTz(value), reader->kinds[column] == column_kind::zoned_time,
                                             *reader->day, to);
    else if (!DATE_NOT_FINITE(DatumGetDateADT(value)))
        size = core_privacy::write_date(DatumGetDateADT(value), to);
    if (size == 0)
        append_output(out, reader, column);
    else
        out->len += static_cast<int>(size);
}

void append_id(StringInfo out, Datum value) {
    make_room(out, core_privacy::k_plain_text_room);
    out->len += static_cast<int>(core_privacy::write_uuid(DatumGetUUIDP(value)->data, out->data + out->len));
}

} // namespace

row_reader *make_row_reader_unsafe(TupleDesc columns, MemoryContext context) {
    MemoryContext before = MemoryContextSwitchTo(context);
    auto *reader = static_cast<row_reader *>(palloc0(sizeof(row_reader)));
    // With the values of columns that rows are older than.
    reader->columns = CreateTupleDescCopyConstr(columns);
    const auto count = static_cast<std::size_t>(columns->natts);
    reader->kinds = static_cast<column_kind *>(palloc(count * sizeof(column_kind)));
    reader->outputs = static_cast<FmgrInfo *>(palloc0(count * sizeof(FmgrInfo)));
    reader->values = static_cast<Datum *>(palloc(count * sizeof(Datum)));
    reader->nulls = static_cast<bool *>(palloc(count * sizeof(bool)));
    reader->day = new (palloc(sizeof(core_privacy::known_day))) core_privacy::known_day;
    for (int i = 0; i < columns->natts; ++i) {
        reader->kinds[i] = kind_of(TupleDescAttr(columns, i));
        if (reader->kinds[i] == column_kind::none)
            continue;
        Oid output;
        bool varlena;
        getTypeOutputInfo(TupleDescAttr(columns, i)->atttypid, &output, &varlena);
        fmgr_info_cxt(output, &reader->outputs[i], context);
    }
    MemoryContextSwitchTo(before);
    return reader;
}

void read_row_unsafe(row_reader *reader, HeapTuple row) {
    heap_deform_tuple(row, reader->columns, reader->values, reader->nulls);
}

column_text stored_text_unsafe(const row_reader *reader, int column) {
    varlena *bytes = PG_DETOAST_DATUM_PACKED(reader->values[column]);
    return {VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
}

byte_pieces stored_bytes_unsafe(const row_reader *reader, int column) {
    const column_kind kind = reader->kinds[column];
    if (kind == column_kind::bytes) {
        auto *one = static_cast<column_text *>(palloc(sizeof(column_text)));
        *one = stored_text_unsafe(reader, column);
        return {one, 1};
    }
    if (kind != column_kind::byte_list)
        return {nullptr, 0};
    Datum *elements;
    bool *nulls;
    int count;
    ArrayType *list = DatumGetArrayTypeP(reader->values[column]);
    deconstruct_array(list, ARR_ELEMTYPE(list), -1, false, TYPALIGN_INT, &elements, &nulls, &count);
    auto *pieces = static_cast<column_text *>(palloc(static_cast<std::size_t>(count + 1) * sizeof(column_text)));
    std::size_t known = 0;
    for (int i = 0; i < count; ++i) {
        if (nulls[i])
            continue;
        varlena *bytes = PG_DETOAST_DATUM_PACKED(elements[i]);
        pieces[known++] = {VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
    }
    return {pieces, known};
}

void append_stored_unsafe(row_reader *reader, int column, StringInfo out) {
    const Datum value = reader->values[column];
    switch (reader->kinds[column]) {
    case column_kind::json:
        append_json_unsafe(out, stored_text_unsafe(reader, column));
        break;
    case column_kind::id:
        append_id(out, value);
        break;
    case column_kind::small:
    case column_kind::whole:
    case column_kind::large:
        append_integer(out, reader->kinds[column], value);
        break;
    case column_kind::number:
        append_numeric(out, reinterpret_cast<const char *>(PG_DETOAST_DATUM_PACKED(value)));
        break;
    case column_kind::date:
    case column_kind::time:
    case column_kind::zoned_time:
        append_time(out, reader, column);
        break;
    case column_kind::text:
    case column_kind::bytes:
        append_bytes(out, stored_text_unsafe(reader, column));
        break;
    case column_kind::byte_list: {
        const byte_pieces all = stored_bytes_unsafe(reader, column);
        for (std::size_t i = 0; i < all.count; ++i) {
            append_bytes(out, all.pieces[i]);
            appendStringInfoCharMacro(out, ' ');
        }
        break;
    }
    default:
        append_output(out, reader, column);
        break;
    }
}

column_text unescaped_unsafe(const column_text &text) {
    const char32_t highest = GetDatabaseEncoding() == PG_UTF8 ? 0x10ffff : 0x7f;
    auto *out = static_cast<char *>(MemoryContextAllocHuge(CurrentMemoryContext, text.size + 1));
    return {out, core_privacy::write_unescaped({text.bytes, text.size}, highest, out)};
}

void append_text_unsafe(row_reader *reader, int column, StringInfo out) {
    const auto from = static_cast<std::size_t>(out->len);
    append_stored_unsafe(reader, column, out);
    const column_text stored{out->data + from, static_cast<std::size_t>(out->len) - from};
    if (!core_privacy::has_escapes({stored.bytes, stored.size}))
        return;
    const column_text again = unescaped_unsafe(stored);
    appendBinaryStringInfo(out, " \xff ", 3); // what is in no needle
    appendBinaryStringInfo(out, again.bytes, static_cast<int>(again.size));
}

std::uint32_t word_lengths(column_kind kind) noexcept {
    constexpr auto bits = [](unsigned from, unsigned to) { return (2U << to) - (1U << from); };
    switch (kind) {
    case column_kind::id:
        return 1U << 4 | 1U << 8 | 1U << 12;
    case column_kind::small:
        return bits(1, 5);
    case column_kind::whole:
        return bits(1, 10);
    case column_kind::time:
    case column_kind::zoned_time:
        return bits(1, 6) | 1U << 8; // the year 294276, infinity
    case column_kind::date:
        return bits(1, 8);
    default:
        return core_privacy::k_any_length;
    }
}

} // namespace saas::privacy
