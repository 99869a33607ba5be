// SPDX-License-Identifier: PostgreSQL
#include "audit/change.hpp"

#include "core/sha256.hpp"
#include "pg/erasing.hpp"

#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "executor/tuptable.h" // slot_getallattrs
#include "utils/datum.h"       // datum_image_eq
#include "utils/lsyscache.h"   // get_namespace_name
#include "utils/rel.h"         // RelationGetNamespace
#include "utils/uuid.h"        // pg_uuid_t
}

namespace saas::audit {
namespace {

struct row_image {
    const Datum *values;
    const bool *nulls;
};

row_image read_row(TupleTableSlot *slot) {
    slot_getallattrs(slot);
    return {slot->tts_values, slot->tts_isnull};
}

bool same_bytes(const void *a, Size a_size, const void *b, Size b_size) {
    return a_size == b_size && std::memcmp(a, b, a_size) == 0;
}

// Compares the stored form. A value that was moved out of line and not touched keeps its pointer,
// so that equal bytes spare fetching it; otherwise datum_image_eq() compares what the pointers
// stand for.
bool is_changed(const column_plan &column, const row_image &before, const row_image &after) {
    const int i = column.attribute;
    if (before.nulls[i] || after.nulls[i])
        return before.nulls[i] != after.nulls[i];
    if (column.by_value)
        return before.values[i] != after.values[i];
    const void *a = DatumGetPointer(before.values[i]);
    const void *b = DatumGetPointer(after.values[i]);
    if (column.length > 0)
        return std::memcmp(a, b, static_cast<Size>(column.length)) != 0;
    if (column.length == -1 && same_bytes(a, VARSIZE_ANY(a), b, VARSIZE_ANY(b)))
        return false;
    return !datum_image_eq(before.values[i], after.values[i], false, column.length);
}

void add_member(column_plan &column, const row_image &image, pg::json_member *members, int &count) {
    static char redacted[] = "[redacted]";
    pg::json_member &member = members[count++];
    member.key = column.name;
    member.key_length = column.name_length;
    if (image.nulls[column.attribute]) {
        member.value.type = jbvNull;
    } else if (column.redacted || pg::is_erasing()) {
        member.value.type = jbvString;
        member.value.val.string.val = redacted;
        member.value.val.string.len = static_cast<int>(sizeof(redacted) - 1);
    } else {
        pg::to_json_value(column.type, image.values[column.attribute], member.value);
    }
}

pg::json_member *allocate_members(int count) {
    return static_cast<pg::json_member *>(
        palloc(sizeof(pg::json_member) * (static_cast<Size>(count) + 1)));
}

Jsonb *whole_row(trigger_plan &plan, const row_image &image) {
    pg::json_member *members = allocate_members(plan.column_count);
    int count = 0;
    for (int i = 0; i < plan.column_count; ++i)
        add_member(plan.columns[i], image, members, count);
    return pg::make_json_object(members, count);
}

// Sets the changed columns before and after; false when there are none.
bool set_difference(trigger_plan &plan, const row_image &before, const row_image &after,
                    log_row &row) {
    pg::json_member *old_members = nullptr;
    pg::json_member *new_members = nullptr;
    int old_count = 0;
    int new_count = 0;
    for (int i = 0; i < plan.column_count; ++i) {
        column_plan &column = plan.columns[i];
        if (!is_changed(column, before, after))
            continue;
        if (old_members == nullptr) {
            old_members = allocate_members(plan.column_count);
            new_members = allocate_members(plan.column_count);
        }
        add_member(column, before, old_members, old_count);
        add_member(column, after, new_members, new_count);
    }
    if (old_members == nullptr)
        return false;
    row.set(c_old_values, JsonbPGetDatum(pg::make_json_object(old_members, old_count)));
    row.set(c_new_values, JsonbPGetDatum(pg::make_json_object(new_members, new_count)));
    return true;
}

// A table without primary key has neither row_id nor row_key.
void set_key(trigger_plan &plan, const row_image &image, log_row &row) {
    if (plan.key_is_uuid) {
        row.set(c_row_id, image.values[plan.keys[0].attribute]);
        return;
    }
    if (plan.key_count == 0)
        return;
    pg::json_member *members = allocate_members(plan.key_count);
    int count = 0;
    for (int i = 0; i < plan.key_count; ++i)
        add_member(plan.keys[i], image, members, count);
    Jsonb *key = pg::make_json_object(members, count);
    row.set(c_row_key, JsonbPGetDatum(key));
    row.set(c_row_id, hash_key(key));
}

} // namespace

bool describe_change(const TriggerData &data, trigger_plan &plan, log_row &row) {
    row_image current = read_row(data.tg_trigslot);
    char operation = 'I';
    if (TRIGGER_FIRED_BY_UPDATE(data.tg_event)) {
        const row_image before = current;
        current = read_row(data.tg_newslot);
        operation = 'U';
        if (!set_difference(plan, before, current, row))
            return false;
    } else if (TRIGGER_FIRED_BY_DELETE(data.tg_event)) {
        operation = 'D';
        row.set(c_old_values, JsonbPGetDatum(whole_row(plan, current)));
    } else {
        row.set(c_new_values, JsonbPGetDatum(whole_row(plan, current)));
    }
    row.set(c_table_name, plan.table_name);
    set_key(plan, current, row);
    const bool has_team = plan.team >= 0 && !current.nulls[plan.team];
    describe_request(row, operation, has_team ? &current.values[plan.team] : nullptr);
    return true;
}

Datum hash_key(Jsonb *key) {
    const char *text = JsonbToCString(nullptr, &key->root, static_cast<int>(VARSIZE(key)));
    auto *id = static_cast<pg_uuid_t *>(palloc(sizeof(pg_uuid_t)));
    const core::digest digest = core::sha256(core::bytes_of(text));
    std::memcpy(id->data, digest.data(), UUID_LEN);
    id->data[6] = static_cast<unsigned char>((id->data[6] & 0x0f) | 0x80);
    id->data[8] = static_cast<unsigned char>((id->data[8] & 0x3f) | 0x80);
    return UUIDPGetDatum(id);
}

Datum hash_truncated(Relation table) {
    static char key[] = "truncated";
    char *name = psprintf("%s.%s", get_namespace_name(RelationGetNamespace(table)),
                          RelationGetRelationName(table));
    pg::json_member member;
    member.key = key;
    member.key_length = static_cast<int>(sizeof(key) - 1);
    member.value.type = jbvString;
    member.value.val.string.val = name;
    member.value.val.string.len = static_cast<int>(std::strlen(name));
    return hash_key(pg::make_json_object(&member, 1));
}

} // namespace saas::audit
