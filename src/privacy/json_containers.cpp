// SPDX-License-Identifier: PostgreSQL
#include "privacy/json_containers.hpp"

#include "pg/json_value.hpp"

#include <cstring>

#include "pg/prelude.hpp"

namespace saas::privacy {
namespace {

constexpr int k_header = static_cast<int>(sizeof(uint32));

int aligned(int offset) {
    return (offset + 3) & ~3;
}

// Moves what begins at `from` so that it begins at `to`, a multiple of four away.
void move_end(StringInfo out, int from, int to) {
    if (from == to)
        return;
    if (to > from)
        enlargeStringInfo(out, to - from);
    std::memmove(out->data + to, out->data + from, static_cast<Size>(out->len - from));
    out->len += to - from;
}

// Room whose content comes later.
int skip(StringInfo out, Size size) {
    const int start = out->len;
    enlargeStringInfo(out, static_cast<int>(size));
    out->len += static_cast<int>(size);
    return start;
}

void check_size(int size) {
    if (size > static_cast<int>(JENTRY_OFFLENMASK))
        pg::refuse_json_size(static_cast<Size>(size));
}

void put_entry(StringInfo out, int entries, std::int64_t index, JEntry entry) {
    std::memcpy(out->data + entries + index * static_cast<int>(sizeof(entry)), &entry, sizeof(entry));
}

} // namespace

void align_json(StringInfo out) {
    constexpr char zeros[4] = {};
    const int rest = out->len & 3;
    if (rest != 0)
        appendBinaryStringInfo(out, zeros, 4 - rest);
}

json_array start_array(StringInfo out, std::int64_t expected) {
    align_json(out);
    json_array array{};
    array.out = out;
    array.start = out->len;
    array.room = expected;
    (void)skip(out, sizeof(uint32) + static_cast<Size>(expected) * sizeof(JEntry));
    array.base = out->len;
    return array;
}

void end_value(json_array *array) {
    if (array->count == array->room) {
        const std::int64_t more = array->room < 8 ? 8 : array->room;
        const int base = array->base + static_cast<int>(more) * static_cast<int>(sizeof(JEntry));
        move_end(array->out, array->base, base);
        array->base = base;
        array->room += more;
    }
    const int end = array->out->len - array->base;
    check_size(end);
    put_entry(array->out, array->start + k_header, array->count,
              json_entry(JENTRY_ISCONTAINER, array->count, array->end, end));
    array->end = end;
    ++array->count;
}

void finish_array(json_array *array) {
    const uint32 header = static_cast<uint32>(array->count) | JB_FARRAY;
    std::memcpy(array->out->data + array->start, &header, sizeof(header));
    move_end(array->out, array->base,
             array->start + k_header + static_cast<int>(array->count) * static_cast<int>(sizeof(JEntry)));
}

json_object start_object(StringInfo out, const char *const *keys, int count) {
    align_json(out);
    json_object object{};
    object.out = out;
    object.count = count;
    const uint32 header = static_cast<uint32>(count) | JB_FOBJECT;
    appendBinaryStringInfo(out, reinterpret_cast<const char *>(&header), sizeof(header));
    object.entries = skip(out, 2 * static_cast<Size>(count) * sizeof(JEntry));
    object.base = out->len;
    object.ends = static_cast<int *>(palloc(2 * static_cast<Size>(count) * sizeof(int)));
    for (int i = 0; i < count; ++i) {
        appendStringInfoString(out, keys[i]);
        object.ends[i] = out->len - object.base;
    }
    return object;
}

void end_value(json_object *object) {
    object->ends[object->count + object->written++] = object->out->len - object->base;
}

void replace_value(json_object *object, int member, const JsonbContainer *value, Size size) {
    const int index = object->count + member;
    const int start = aligned(object->ends[index - 1]);
    const int end = start + static_cast<int>(size);
    const int moved = aligned(end) - aligned(object->ends[index]);
    const bool is_last = member + 1 == object->written;
    if (is_last) {
        enlargeStringInfo(object->out, static_cast<int>(size));
        object->out->len = object->base + end;
    } else {
        // The zeros that align what comes next are there, whatever their number was.
        move_end(object->out, object->base + aligned(object->ends[index]), object->base + aligned(end));
        std::memset(object->out->data + object->base + end, 0, static_cast<Size>(aligned(end) - end));
    }
    std::memcpy(object->out->data + object->base + start, value, size);
    object->ends[index] = end;
    for (int i = index + 1; i < object->count + object->written; ++i)
        object->ends[i] += moved;
}

void finish_object(json_object *object) {
    check_size(object->out->len - object->base);
    int before = 0;
    for (int i = 0; i < 2 * object->count; ++i) {
        const uint32 type = i < object->count ? JENTRY_ISSTRING : JENTRY_ISCONTAINER;
        put_entry(object->out, object->entries, i, json_entry(type, i, before, object->ends[i]));
        before = object->ends[i];
    }
}

} // namespace saas::privacy
