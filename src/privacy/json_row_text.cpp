// SPDX-License-Identifier: PostgreSQL
#include "privacy/json_rows.hpp"

#include "core/privacy/json_text.hpp"

#include <cmath>
#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "common/shortest_dec.h" // double_to_shortest_decimal_bufn
#include "utils/builtins.h"      // pg_lltoa
#include "utils/datetime.h"      // MAXDATELEN
#include "utils/fmgrprotos.h"    // numeric_out
#include "utils/numeric.h"       // NumericGetDatum
#include "utils/uuid.h"          // DatumGetUUIDP
}

namespace saas::privacy {
namespace {

// So much of a string is escaped at once: six times as many bytes must be kept ready.
constexpr Size k_at_once = Size{1} << 16;

void append_piece(StringInfo out, const char *bytes, Size size) {
    char *to = room_for(out, size);
    std::memcpy(to, bytes, size);
    take_room(out, to + size);
}

void append_integer(StringInfo out, std::int64_t number) {
    char *to = room_for(out, core::privacy::k_plain_text_room);
    take_room(out, to + pg_lltoa(number, to));
}

void append_text(StringInfo out, Datum value) {
    auto *text = reinterpret_cast<varlena *>(PG_DETOAST_DATUM_PACKED(value));
    append_json_string(out, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
}

void append_json(StringInfo out, Datum value) {
    auto *text = reinterpret_cast<varlena *>(PG_DETOAST_DATUM_PACKED(value));
    append_piece(out, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
}

void append_uuid(StringInfo out, Datum value) {
    char *to = room_for(out, core::privacy::k_plain_text_room);
    *to++ = '"';
    to += core::privacy::write_uuid(DatumGetUUIDP(value)->data, to);
    *to++ = '"';
    take_room(out, to);
}

void append_time(StringInfo out, Oid type, core::privacy::known_day &day, Datum value) {
    char *to = room_for(out, MAXDATELEN + 3);
    *to++ = '"';
    to += write_iso_time(type, value, day, to);
    *to++ = '"';
    take_room(out, to);
}

void append_float(StringInfo out, double number, bool is_single) {
    char *to = room_for(out, DOUBLE_SHORTEST_DECIMAL_LEN + 2);
    const bool quoted = !std::isfinite(number);
    if (quoted)
        *to++ = '"';
    to += is_single ? float_to_shortest_decimal_bufn(static_cast<float>(number), to)
                    : double_to_shortest_decimal_bufn(number, to);
    if (quoted)
        *to++ = '"';
    take_room(out, to);
}

void append_general(StringInfo out, const JsonbValue &value) {
    switch (value.type) {
    case jbvString:
        append_json_string(out, value.val.string.val, static_cast<Size>(value.val.string.len));
        break;
    case jbvNumeric: {
        const char *text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)));
        append_piece(out, text, std::strlen(text));
        break;
    }
    case jbvBool:
        if (value.val.boolean)
            append_piece(out, "true", 4);
        else
            append_piece(out, "false", 5);
        break;
    case jbvBinary:
        JsonbToCString(out, value.val.binary.data, value.val.binary.len);
        break;
    default:
        append_piece(out, "null", 4);
        break;
    }
}

void append_value(StringInfo out, pg::json_type &type, core::privacy::known_day &day, Datum value) {
    switch (type.kind) {
    case pg::json_kind::int2:
        return append_integer(out, DatumGetInt16(value));
    case pg::json_kind::int4:
        return append_integer(out, DatumGetInt32(value));
    case pg::json_kind::int8:
        return append_integer(out, DatumGetInt64(value));
    case pg::json_kind::float4:
        return append_float(out, DatumGetFloat4(value), true);
    case pg::json_kind::float8:
        return append_float(out, DatumGetFloat8(value), false);
    case pg::json_kind::text:
        return append_text(out, value);
    case pg::json_kind::uuid:
        return append_uuid(out, value);
    case pg::json_kind::datetime:
        return append_time(out, type.type, day, value);
    case pg::json_kind::json:
        return append_json(out, value);
    default: {
        JsonbValue general;
        pg::to_json_value(type, value, general);
        return append_general(out, general);
    }
    }
}

} // namespace

void append_json_string(StringInfo out, const char *text, Size size) {
    char *to = room_for(out, core::privacy::json_characters_room(Min(size, k_at_once)) + 2);
    *to++ = '"';
    for (; size > k_at_once; text += k_at_once, size -= k_at_once) {
        take_room(out, core::privacy::write_json_characters({text, k_at_once}, to));
        to = room_for(out, core::privacy::json_characters_room(k_at_once) + 1);
    }
    to = core::privacy::write_json_characters({text, size}, to);
    *to++ = '"';
    *to = '\0';
    take_room(out, to);
}

void append_row_text_unsafe(json_rows *rows, const Datum *values, const bool *nulls, StringInfo out) {
    if (rows->count == 0)
        append_piece(out, rows->before[0].bytes, static_cast<Size>(rows->before[0].size));
    for (int i = 0; i < rows->count; ++i) {
        append_piece(out, rows->before[i].bytes, static_cast<Size>(rows->before[i].size));
        if (nulls[i])
            append_piece(out, "null", 4);
        else
            append_value(out, rows->types[i], rows->day, values[i]);
    }
    appendStringInfoCharMacro(out, '}');
}

} // namespace saas::privacy
