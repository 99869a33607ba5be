// SPDX-License-Identifier: PostgreSQL
#include "privacy/json_rows.hpp"

#include "core/privacy/numeric_bytes.hpp"
#include "privacy/json_containers.hpp"

#include <cmath>
#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "utils/datetime.h" // MAXDATELEN
#include "utils/numeric.h"  // Numeric
#include "utils/uuid.h"     // DatumGetUUIDP
}

namespace saas::privacy {
namespace {

void append_bytes(StringInfo out, const void *bytes, Size size) {
    char *to = room_for(out, size);
    std::memcpy(to, bytes, size);
    take_room(out, to + size);
}

uint32 append_integer(StringInfo out, std::int64_t number) {
    align_json(out);
    char *to = room_for(out, VARHDRSZ + core::privacy::k_numeric_room);
    const Size size = VARHDRSZ + core::privacy::write_numeric(number, to + VARHDRSZ);
    SET_VARSIZE(to, size);
    take_room(out, to + size);
    return JENTRY_ISNUMERIC;
}

// As the column has it, behind a length of four bytes, which a short value of a row does not have. False for one that JSON
// has no number for, or that is stored elsewhere.
bool append_numeric(StringInfo out, Datum value) {
    const auto *stored = reinterpret_cast<const varlena *>(DatumGetPointer(value));
    if (VARATT_IS_EXTERNAL(stored) || VARATT_IS_COMPRESSED(stored))
        return false;
    const Size size = VARSIZE_ANY_EXHDR(stored);
    std::uint16_t header = 0;
    constexpr std::uint16_t k_special = 0xC000; // NaN and the infinities
    if (size < sizeof(header))
        return false;
    std::memcpy(&header, VARDATA_ANY(stored), sizeof(header));
    if ((header & k_special) == k_special)
        return false;
    align_json(out);
    char *to = room_for(out, VARHDRSZ + size);
    SET_VARSIZE(to, VARHDRSZ + size);
    std::memcpy(to + VARHDRSZ, VARDATA_ANY(stored), size);
    take_room(out, to + VARHDRSZ + size);
    return true;
}

// A whole number whose shortest digits are all of its digits; others are read from their text.
bool is_plain_whole(double number) {
    constexpr double k_limit = 1e6; // single precision has no more
    return number > -k_limit && number < k_limit && std::trunc(number) == number;
}

uint32 append_text(StringInfo out, Datum value) {
    auto *text = reinterpret_cast<varlena *>(PG_DETOAST_DATUM_PACKED(value));
    append_bytes(out, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
    return JENTRY_ISSTRING;
}

uint32 append_uuid(StringInfo out, Datum value) {
    char *to = room_for(out, core::privacy::k_plain_text_room);
    take_room(out, to + core::privacy::write_uuid(DatumGetUUIDP(value)->data, to));
    return JENTRY_ISSTRING;
}

uint32 append_time(StringInfo out, Oid type, core::privacy::known_day &day, Datum value) {
    char *to = room_for(out, MAXDATELEN + 1);
    take_room(out, to + write_iso_time(type, value, day, to));
    return JENTRY_ISSTRING;
}

uint32 append_general(StringInfo out, const JsonbValue &value) {
    switch (value.type) {
    case jbvString:
        append_bytes(out, value.val.string.val, static_cast<Size>(value.val.string.len));
        return JENTRY_ISSTRING;
    case jbvNumeric:
        align_json(out);
        append_bytes(out, value.val.numeric, VARSIZE_ANY(value.val.numeric));
        return JENTRY_ISNUMERIC;
    case jbvBool:
        return value.val.boolean ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE;
    case jbvBinary:
        align_json(out);
        append_bytes(out, value.val.binary.data, static_cast<Size>(value.val.binary.len));
        return JENTRY_ISCONTAINER;
    default:
        return JENTRY_ISNULL;
    }
}

uint32 append_any(StringInfo out, pg::json_type &type, Datum value) {
    JsonbValue general;
    pg::to_json_value(type, value, general);
    return append_general(out, general);
}

// Appends the bytes of a value and returns of what type it is.
uint32 append_value(StringInfo out, pg::json_type &type, core::privacy::known_day &day, Datum value) {
    switch (type.kind) {
    case pg::json_kind::boolean:
        return DatumGetBool(value) ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE;
    case pg::json_kind::int2:
        return append_integer(out, DatumGetInt16(value));
    case pg::json_kind::int4:
        return append_integer(out, DatumGetInt32(value));
    case pg::json_kind::int8:
        return append_integer(out, DatumGetInt64(value));
    case pg::json_kind::numeric:
        return append_numeric(out, value) ? JENTRY_ISNUMERIC : append_any(out, type, value);
    case pg::json_kind::float4:
        if (is_plain_whole(DatumGetFloat4(value)))
            return append_integer(out, static_cast<std::int64_t>(DatumGetFloat4(value)));
        return append_any(out, type, value);
    case pg::json_kind::float8:
        if (is_plain_whole(DatumGetFloat8(value)))
            return append_integer(out, static_cast<std::int64_t>(DatumGetFloat8(value)));
        return append_any(out, type, value);
    case pg::json_kind::text:
        return append_text(out, value);
    case pg::json_kind::uuid:
        return append_uuid(out, value);
    case pg::json_kind::datetime:
        return append_time(out, type.type, day, value);
    default:
        return append_any(out, type, value);
    }
}

} // namespace

void append_row_binary_unsafe(json_rows *rows, const Datum *values, const bool *nulls, StringInfo out) {
    align_json(out);
    const int start = out->len;
    append_bytes(out, rows->start.bytes, static_cast<Size>(rows->start.size));
    const int entries = start + static_cast<int>(sizeof(uint32));
    const int base = entries + 2 * rows->members * static_cast<int>(sizeof(JEntry));
    for (int i = 0; i < rows->members; ++i) {
        const int before = out->len;
        const int column = rows->order[i];
        uint32 type = JENTRY_ISNULL;
        if (column < 0) {
            append_bytes(out, rows->table.bytes, static_cast<Size>(rows->table.size));
            type = JENTRY_ISSTRING;
        } else if (!nulls[column]) {
            type = append_value(out, rows->types[column], rows->day, values[column]);
        }
        if (out->len - base > static_cast<int>(JENTRY_OFFLENMASK))
            pg::refuse_json_size(static_cast<Size>(out->len - base));
        const int index = rows->members + i;
        const JEntry entry = json_entry(type, index, before - base, out->len - base);
        std::memcpy(out->data + entries + index * static_cast<int>(sizeof(JEntry)), &entry, sizeof(entry));
    }
}

} // namespace saas::privacy
