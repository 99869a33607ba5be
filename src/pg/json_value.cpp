// SPDX-License-Identifier: PostgreSQL
#include "pg/json_value.hpp"

#include "pg/json_document.hpp"

#include <cmath>
#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // HeapTupleHeaderGetTypeId, heap_deform_tuple
#include "catalog/pg_type.h"     // type oids
#include "common/shortest_dec.h" // double_to_shortest_decimal_buf
#include "utils/array.h"         // deconstruct_array
#include "utils/builtins.h"      // CStringGetDatum
#include "utils/datetime.h"      // EncodeInterval
#include "utils/fmgrprotos.h"    // numeric_in
#include "utils/json.h"          // JsonEncodeDateTime
#include "utils/lsyscache.h"     // getBaseType, get_element_type, getTypeOutputInfo
#include "utils/numeric.h"       // int64_to_numeric
#include "utils/timestamp.h"     // interval2itm
#include "utils/typcache.h"      // lookup_rowtype_tupdesc
#include "utils/uuid.h"          // pg_uuid_t
}

namespace saas::pg {
namespace {

constexpr char k_digits[] = "0123456789abcdef";

json_kind kind_of(Oid type) {
    switch (type) {
    case BOOLOID:
        return json_kind::boolean;
    case INT2OID:
        return json_kind::int2;
    case INT4OID:
        return json_kind::int4;
    case INT8OID:
        return json_kind::int8;
    case NUMERICOID:
        return json_kind::numeric;
    case FLOAT4OID:
        return json_kind::float4;
    case FLOAT8OID:
        return json_kind::float8;
    case TEXTOID:
    case VARCHAROID:
    case BPCHAROID:
    case JSONOID:
        return json_kind::text;
    case UUIDOID:
        return json_kind::uuid;
    case DATEOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
        return json_kind::datetime;
    case INTERVALOID:
        return json_kind::interval;
    case BYTEAOID:
        return json_kind::bytea;
    case JSONBOID:
        return json_kind::jsonb;
    default:
        return json_kind::other;
    }
}

void set_string(JsonbValue &out, char *text, Size length) {
    out.type = jbvString;
    out.val.string.val = text;
    out.val.string.len = static_cast<int>(length);
}

void set_cstring(JsonbValue &out, char *text) {
    set_string(out, text, std::strlen(text));
}

void set_integer(JsonbValue &out, int64 value) {
    out.type = jbvNumeric;
    out.val.numeric = int64_to_numeric(value);
}

// NaN and the infinities have no JSON number; to_jsonb() writes them as text too.
void set_numeric(JsonbValue &out, Datum value) {
    Numeric number = DatumGetNumeric(value);
    if (numeric_is_nan(number) || numeric_is_inf(number)) {
        set_cstring(out, DatumGetCString(DirectFunctionCall1(numeric_out, value)));
        return;
    }
    out.type = jbvNumeric;
    out.val.numeric = number;
}

void set_float(JsonbValue &out, char *shortest, bool finite) {
    if (!finite) {
        set_cstring(out, shortest);
        return;
    }
    out.type = jbvNumeric;
    out.val.numeric = DatumGetNumeric(DirectFunctionCall3(
        numeric_in, CStringGetDatum(shortest), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

void set_text(JsonbValue &out, Datum value) {
    auto *text = reinterpret_cast<varlena *>(PG_DETOAST_DATUM_PACKED(value));
    set_string(out, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
}

char *put_hex(char *at, const unsigned char *bytes, Size length) {
    for (Size i = 0; i < length; ++i) {
        *at++ = k_digits[bytes[i] >> 4];
        *at++ = k_digits[bytes[i] & 15];
    }
    return at;
}

void set_uuid(JsonbValue &out, Datum value) {
    const unsigned char *bytes = DatumGetUUIDP(value)->data;
    auto *text = static_cast<char *>(palloc(36));
    char *at = put_hex(text, bytes, 4);
    for (int group = 0; group < 3; ++group) {
        *at++ = '-';
        at = put_hex(at, bytes + 4 + 2 * group, 2);
    }
    *at++ = '-';
    put_hex(at, bytes + 10, 6);
    set_string(out, text, 36);
}

void set_bytea(JsonbValue &out, Datum value) {
    auto *bytes = reinterpret_cast<varlena *>(PG_DETOAST_DATUM_PACKED(value));
    const Size length = VARSIZE_ANY_EXHDR(bytes);
    auto *text = static_cast<char *>(palloc(2 + 2 * length));
    text[0] = '\\';
    text[1] = 'x';
    put_hex(text + 2, reinterpret_cast<unsigned char *>(VARDATA_ANY(bytes)), length);
    set_string(out, text, 2 + 2 * length);
}

void set_datetime(JsonbValue &out, Oid type, Datum value) {
    const int utc = 0;
    auto *text = static_cast<char *>(palloc(MAXDATELEN + 1));
    set_cstring(out, JsonEncodeDateTime(text, value, type, &utc));
}

void set_interval(JsonbValue &out, Datum value) {
#if PG_VERSION_NUM >= 170000
    if (INTERVAL_NOT_FINITE(DatumGetIntervalP(value))) {
        set_cstring(out, DatumGetCString(DirectFunctionCall1(interval_out, value)));
        return;
    }
#endif
    pg_itm parts;
    auto *text = static_cast<char *>(palloc(MAXDATELEN + 1));
    interval2itm(*DatumGetIntervalP(value), &parts);
    EncodeInterval(&parts, INTSTYLE_ISO_8601, text);
    set_cstring(out, text);
}

void set_container(JsonbValue &out, Jsonb *container) {
    out.type = jbvBinary;
    out.val.binary.data = &container->root;
    out.val.binary.len = static_cast<int>(VARSIZE(container) - VARHDRSZ);
}

void set_jsonb(JsonbValue &out, Datum value) {
    Jsonb *document = DatumGetJsonbP(value);
    if (JB_ROOT_IS_SCALAR(document))
        JsonbExtractScalar(&document->root, &out);
    else
        set_container(out, document);
}

// Pushes one dimension of an array, nested arrays for the inner ones.
JsonbValue *push_dimension(JsonbParseState **state, json_type &element, int dimensions,
                           const int *sizes, Datum *&values, bool *&nulls) {
    check_stack_depth();
    pushJsonbValue(state, WJB_BEGIN_ARRAY, nullptr);
    for (int i = 0; i < sizes[0]; ++i) {
        if (dimensions > 1) {
            push_dimension(state, element, dimensions - 1, sizes + 1, values, nulls);
            continue;
        }
        JsonbValue value;
        value.type = jbvNull;
        if (!*nulls)
            to_json_value(element, *values, value);
        pushJsonbValue(state, WJB_ELEM, &value);
        ++values;
        ++nulls;
    }
    return pushJsonbValue(state, WJB_END_ARRAY, nullptr);
}

bool counts_from_one(ArrayType *array) {
    for (int i = 0; i < ARR_NDIM(array); ++i)
        if (ARR_LBOUND(array)[i] != 1)
            return false;
    return true;
}

// An array among documents: as elements of a JSON array they would be read back as its dimensions.
bool has_array(json_kind kind, const Datum *values, const bool *nulls, int count) {
    if (kind != json_kind::json && kind != json_kind::jsonb)
        return false;
    for (int i = 0; i < count; ++i) {
        if (nulls[i])
            continue;
        if (kind == json_kind::json) {
            const char *written = TextDatumGetCString(values[i]);
            if (written[std::strspn(written, " \t\n\r")] == '[')
                return true;
            continue;
        }
        const uint32 header = DatumGetJsonbP(values[i])->root.header;
        if ((header & JB_FARRAY) != 0 && (header & JB_FSCALAR) == 0)
            return true;
    }
    return false;
}

void set_array(JsonbValue &out, json_type &type, Datum value) {
    ArrayType *array = DatumGetArrayTypeP(value);
    Datum *values = nullptr;
    bool *nulls = nullptr;
    int count = 0;
    deconstruct_array(array, type.element->type, type.element_length, type.element_by_value,
                      type.element_align, &values, &nulls, &count);
    // What JSON would not say is said in the form of the type, in which the value can be read back.
    if (type.documents && (!counts_from_one(array) || has_array(type.element->kind, values, nulls, count))) {
        Oid function = InvalidOid;
        bool is_varlena = false;
        getTypeOutputInfo(type.type, &function, &is_varlena);
        set_cstring(out, OidOutputFunctionCall(function, value));
        return;
    }
    JsonbParseState *state = nullptr;
    const int nothing = 0;
    const bool empty = ARR_NDIM(array) == 0;
    set_container(
        out, JsonbValueToJsonb(push_dimension(&state, *type.element, empty ? 1 : ARR_NDIM(array),
                                              empty ? &nothing : ARR_DIMS(array), values, nulls)));
}

void set_composite(JsonbValue &out, const json_type &whole, Datum value) {
    check_stack_depth();
    HeapTupleHeader header = DatumGetHeapTupleHeader(value);
    TupleDesc row =
        lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
    HeapTupleData tuple;
    tuple.t_len = HeapTupleHeaderGetDatumLength(header);
    ItemPointerSetInvalid(&tuple.t_self);
    tuple.t_tableOid = InvalidOid;
    tuple.t_data = header;
    auto *values = static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<Size>(row->natts)));
    auto *nulls = static_cast<bool *>(palloc(sizeof(bool) * static_cast<Size>(row->natts)));
    heap_deform_tuple(&tuple, row, values, nulls);
    JsonbParseState *state = nullptr;
    pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
    for (int i = 0; i < row->natts; ++i) {
        Form_pg_attribute attribute = TupleDescAttr(row, i);
        if (attribute->attisdropped)
            continue;
        JsonbValue member;
        set_cstring(member, NameStr(attribute->attname));
        pushJsonbValue(&state, WJB_KEY, &member);
        member.type = jbvNull;
        if (!nulls[i]) {
            json_type type;
            find_json_type(attribute->atttypid, CurrentMemoryContext, type, whole.documents);
            to_json_value(type, values[i], member);
        }
        pushJsonbValue(&state, WJB_VALUE, &member);
    }
    set_container(out, JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, nullptr)));
    ReleaseTupleDesc(row);
}

} // namespace

void find_json_type(Oid type, MemoryContext context, json_type &out, bool documents) {
    out = json_type{};
    out.type = getBaseType(type);
    out.documents = documents;
    out.kind = documents && out.type == JSONOID ? json_kind::json : kind_of(out.type);
    if (out.kind != json_kind::other)
        return;
    const Oid element = get_element_type(out.type);
    if (OidIsValid(element)) {
        out.kind = json_kind::array;
        out.element = static_cast<json_type *>(MemoryContextAlloc(context, sizeof(json_type)));
        get_typlenbyvalalign(element, &out.element_length, &out.element_by_value,
                             &out.element_align);
        find_json_type(element, context, *out.element, documents);
        return;
    }
    if (get_typtype(out.type) == TYPTYPE_COMPOSITE || out.type == RECORDOID) {
        out.kind = json_kind::composite;
        return;
    }
    Oid function = InvalidOid;
    bool is_varlena = false;
    getTypeOutputInfo(out.type, &function, &is_varlena);
    fmgr_info_cxt(function, &out.output, context);
    if (documents && is_hstore(out.type))
        out.kind = json_kind::hstore;
}

void to_json_value(json_type &type, Datum value, JsonbValue &out) {
    char number[DOUBLE_SHORTEST_DECIMAL_LEN];
    switch (type.kind) {
    case json_kind::boolean:
        out.type = jbvBool;
        out.val.boolean = DatumGetBool(value);
        return;
    case json_kind::int2:
        return set_integer(out, DatumGetInt16(value));
    case json_kind::int4:
        return set_integer(out, DatumGetInt32(value));
    case json_kind::int8:
        return set_integer(out, DatumGetInt64(value));
    case json_kind::numeric:
        return set_numeric(out, value);
    case json_kind::float4:
        float_to_shortest_decimal_buf(DatumGetFloat4(value), number);
        return set_float(out, pstrdup(number), std::isfinite(DatumGetFloat4(value)));
    case json_kind::float8:
        double_to_shortest_decimal_buf(DatumGetFloat8(value), number);
        return set_float(out, pstrdup(number), std::isfinite(DatumGetFloat8(value)));
    case json_kind::text:
        return set_text(out, value);
    case json_kind::uuid:
        return set_uuid(out, value);
    case json_kind::datetime:
        return set_datetime(out, type.type, value);
    case json_kind::interval:
        return set_interval(out, value);
    case json_kind::bytea:
        return set_bytea(out, value);
    case json_kind::jsonb:
        return set_jsonb(out, value);
    case json_kind::json:
        return json_to_json_value(value, out);
    case json_kind::hstore:
        return hstore_to_json_value(OutputFunctionCall(&type.output, value), out);
    case json_kind::array:
        return set_array(out, type, value);
    case json_kind::composite:
        return set_composite(out, type, value);
    case json_kind::other:
        return set_cstring(out, OutputFunctionCall(&type.output, value));
    }
}

} // namespace saas::pg
