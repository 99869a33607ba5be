// SPDX-License-Identifier: PostgreSQL
// Writes a jsonb object or array directly. The server's own builder sorts the keys of each object and
// copies every value several times; here the keys come sorted, and every byte is written once.
#include "pg/json_value.hpp"

#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "utils/numeric.h" // Numeric
}

namespace saas::pg {
namespace {

// Numbers and containers start at a multiple of four, counted from the start of the object.
constexpr Size aligned(Size offset) {
    return (offset + 3) & ~Size{3};
}

bool needs_alignment(const JsonbValue &value) {
    return value.type == jbvNumeric || value.type == jbvBinary;
}

Size payload(const JsonbValue &value) {
    switch (value.type) {
    case jbvString:
        return static_cast<Size>(value.val.string.len);
    case jbvNumeric:
        return VARSIZE_ANY(value.val.numeric);
    case jbvBinary:
        return static_cast<Size>(value.val.binary.len);
    default:
        return 0;
    }
}

uint32 entry_type(const JsonbValue &value) {
    switch (value.type) {
    case jbvString:
        return JENTRY_ISSTRING;
    case jbvNumeric:
        return JENTRY_ISNUMERIC;
    case jbvBinary:
        return JENTRY_ISCONTAINER;
    case jbvBool:
        return value.val.boolean ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE;
    default:
        return JENTRY_ISNULL;
    }
}

const void *payload_bytes(const JsonbValue &value) {
    switch (value.type) {
    case jbvString:
        return value.val.string.val;
    case jbvNumeric:
        return value.val.numeric;
    default:
        return value.val.binary.data;
    }
}

// Where the next value ends that follows `at`, counted from the end of the entries, which is aligned.
Size end_of(Size at, const JsonbValue &value) {
    return (needs_alignment(value) ? aligned(at) : at) + payload(value);
}

// Bytes of keys and values with their padding.
Size data_size(const json_member *members, int count) {
    Size size = 0;
    for (int i = 0; i < count; ++i)
        size += static_cast<Size>(members[i].key_length);
    for (int i = 0; i < count; ++i)
        size = end_of(size, members[i].value);
    return size;
}

// The entry of child `index`: its length, or every JB_OFFSET_STRIDE children its end, so that
// readers need not add up all lengths.
JEntry make_entry(uint32 type, int index, Size start, Size end) {
    if (index % JB_OFFSET_STRIDE == 0)
        return type | static_cast<uint32>(end) | JENTRY_HAS_OFF;
    return type | static_cast<uint32>(end - start);
}

// Writes child `index` at `at` and returns its end.
Size put_value(char *base, JEntry *entry, int index, Size at, const JsonbValue &value) {
    const Size start = at;
    if (needs_alignment(value)) {
        at = aligned(at);
        std::memset(base + start, 0, at - start);
    }
    const Size length = payload(value);
    if (length > 0)
        std::memcpy(base + at, payload_bytes(value), length);
    entry[index] = make_entry(entry_type(value), index, start, at + length);
    return at + length;
}

// Room for a container with so many children and bytes of data.
Jsonb *allocate(uint32 header, Size children, Size data) {
    if (data > JENTRY_OFFLENMASK)
        refuse_json_size(data);
    const Size size = VARHDRSZ + sizeof(uint32) + children * sizeof(JEntry) + data;
    auto *out = static_cast<Jsonb *>(palloc(size));
    SET_VARSIZE(out, size);
    out->root.header = header;
    return out;
}

} // namespace

int compare_json_keys(const char *a, int a_length, const char *b, int b_length) {
    if (a_length != b_length)
        return a_length < b_length ? -1 : 1;
    return std::memcmp(a, b, static_cast<Size>(a_length));
}

void refuse_json_size(Size size) {
    ereport(ERROR,
            (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("value is too large for jsonb"),
             errdetail("The values take %zu bytes, and jsonb holds %u.", size,
                       static_cast<unsigned>(JENTRY_OFFLENMASK))));
}

Jsonb *make_json_object(const json_member *members, int count) {
    const auto children = 2 * static_cast<Size>(count);
    Jsonb *out = allocate(static_cast<uint32>(count) | JB_FOBJECT, children,
                          data_size(members, count));
    JEntry *entry = out->root.children;
    char *base = reinterpret_cast<char *>(entry + children);
    Size at = 0;
    int index = 0;
    for (int i = 0; i < count; ++i, ++index) {
        const auto length = static_cast<Size>(members[i].key_length);
        std::memcpy(base + at, members[i].key, length);
        entry[index] = make_entry(JENTRY_ISSTRING, index, at, at + length);
        at += length;
    }
    for (int i = 0; i < count; ++i, ++index)
        at = put_value(base, entry, index, at, members[i].value);
    return out;
}

Jsonb *make_json_array(const JsonbValue *elements, int count) {
    Size data = 0;
    for (int i = 0; i < count; ++i)
        data = end_of(data, elements[i]);
    Jsonb *out = allocate(static_cast<uint32>(count) | JB_FARRAY, static_cast<Size>(count), data);
    JEntry *entry = out->root.children;
    char *base = reinterpret_cast<char *>(entry + count);
    Size at = 0;
    for (int i = 0; i < count; ++i)
        at = put_value(base, entry, i, at, elements[i]);
    return out;
}

} // namespace saas::pg
