// SPDX-License-Identifier: PostgreSQL
#include "audit/plan.hpp"

#include "core/audit/column_list.hpp"
#include "pg/invalidation.hpp"

#include <cstring>
#include <string>

#include "pg/prelude.hpp"

extern "C" {
#include "access/sysattr.h"  // FirstLowInvalidHeapAttributeNumber
#include "catalog/pg_type.h" // UUIDOID
#include "nodes/bitmapset.h" // bms_is_member
#include "utils/builtins.h"  // cstring_to_text
#include "utils/hsearch.h"   // hash_create
#include "utils/memutils.h"  // AllocSetContextCreate
#include "utils/rel.h"       // RelationGetDescr
#include "utils/relcache.h"  // RelationGetIndexAttrBitmap
}

namespace saas::audit {
namespace {

namespace core = saas::core::audit;

constexpr int k_arguments = 4;

// The cache: trigger oid to plan. Entries are only marked by the callback, since it can run in the
// middle of using one.
HTAB *plans = nullptr;

void table_changed(Oid table) {
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, plans);
    while (auto *plan = static_cast<trigger_plan *>(hash_seq_search(&scan))) {
        if (table == InvalidOid || plan->table == table) {
            plan->valid = false;
            plan->changed = true;
        }
    }
}

void create_cache() {
    HASHCTL control{};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(trigger_plan);
    control.hcxt = CacheMemoryContext;
    plans =
        hash_create("pg_saas audit triggers", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    pg::watch_relations(table_changed);
}

[[noreturn]] void refuse(const TriggerData &data, const std::string &what, const char *hint) {
    throw saas::core::error{core::k_bad_audit_trigger,
                            std::string{"audit trigger \""} + data.tg_trigger->tgname + "\" on \"" +
                                RelationGetRelationName(data.tg_relation) + "\" cannot work",
                            what, hint};
}

// The attribute of that name, or an error that names the trigger.
Form_pg_attribute find_column(const TriggerData &data, const char *name) {
    TupleDesc row = RelationGetDescr(data.tg_relation);
    for (int i = 0; i < row->natts; ++i) {
        Form_pg_attribute attribute = TupleDescAttr(row, i);
        if (!attribute->attisdropped && std::strcmp(NameStr(attribute->attname), name) == 0)
            return attribute;
    }
    refuse(data, std::string{"The table has no column \""} + name + "\".",
           "Run saas.audit_table() again for this table.");
}

// Marks the columns named in one argument.
void mark_columns(const TriggerData &data, const char *argument, bool *marks) {
    core::column_list list{argument};
    core::column_name name;
    while (list.next(name))
        marks[find_column(data, name.c_str())->attnum - 1] = true;
}

int find_team(const TriggerData &data, const char *name) {
    if (*name == '\0')
        return -1;
    Form_pg_attribute attribute = find_column(data, name);
    if (attribute->atttypid != UUIDOID)
        refuse(data,
               std::string{"The column \""} + name +
                   "\", which should hold the team, is not a uuid.",
               "Name the uuid column that holds the team, or an empty text when there is none.");
    return attribute->attnum - 1;
}

// A virtual generated column (PostgreSQL 18) has no stored value and follows from the others.
bool is_stored(Form_pg_attribute attribute) {
    return !attribute->attisdropped && attribute->attgenerated != 'v';
}

void fill_column(column_plan &column, Form_pg_attribute attribute, MemoryContext context) {
    column.attribute = attribute->attnum - 1;
    column.name = MemoryContextStrdup(context, NameStr(attribute->attname));
    column.name_length = static_cast<int>(std::strlen(column.name));
    column.length = attribute->attlen;
    column.by_value = attribute->attbyval;
    pg::find_json_type(attribute->atttypid, context, column.type);
}

int compare_columns(const void *a, const void *b) {
    const auto &left = *static_cast<const column_plan *>(a);
    const auto &right = *static_cast<const column_plan *>(b);
    return pg::compare_json_keys(left.name, left.name_length, right.name, right.name_length);
}

column_plan *allocate_columns(const TriggerData &data, MemoryContext context) {
    const auto count = static_cast<Size>(RelationGetDescr(data.tg_relation)->natts);
    return static_cast<column_plan *>(
        MemoryContextAllocZero(context, sizeof(column_plan) * (count + 1)));
}

void sort_columns(column_plan *columns, int count) {
    qsort(columns, static_cast<Size>(count), sizeof(column_plan), compare_columns);
}

void fill_columns(const TriggerData &data, trigger_plan &plan) {
    TupleDesc row = RelationGetDescr(data.tg_relation);
    char **arguments = data.tg_trigger->tgargs;
    auto *left_out = static_cast<bool *>(palloc0(static_cast<Size>(row->natts) + 1));
    auto *redacted = static_cast<bool *>(palloc0(static_cast<Size>(row->natts) + 1));
    mark_columns(data, arguments[2], left_out);
    mark_columns(data, arguments[3], redacted);
    plan.columns = allocate_columns(data, plan.context);
    for (int i = 0; i < row->natts; ++i) {
        Form_pg_attribute attribute = TupleDescAttr(row, i);
        if (left_out[i] && redacted[i])
            refuse(data,
                   std::string{"The column \""} + NameStr(attribute->attname) +
                       "\" is both left out and redacted.",
                   "Name each column in one of the two lists.");
        if (left_out[i] || !is_stored(attribute))
            continue;
        column_plan &column = plan.columns[plan.column_count++];
        fill_column(column, attribute, plan.context);
        column.redacted = redacted[i];
    }
    sort_columns(plan.columns, plan.column_count);
}

// The primary key without the team, which the log holds in a column of its own; with it when there
// is nothing else.
void fill_keys(const TriggerData &data, trigger_plan &plan) {
    TupleDesc row = RelationGetDescr(data.tg_relation);
    Bitmapset *key = RelationGetIndexAttrBitmap(data.tg_relation, INDEX_ATTR_BITMAP_PRIMARY_KEY);
    const bool team_only = bms_num_members(key) == 1;
    plan.keys = allocate_columns(data, plan.context);
    for (int i = 0; i < row->natts; ++i) {
        if ((i == plan.team && !team_only) ||
            !bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, key))
            continue;
        fill_column(plan.keys[plan.key_count++], TupleDescAttr(row, i), plan.context);
    }
    sort_columns(plan.keys, plan.key_count);
    plan.key_is_uuid = plan.key_count == 1 && plan.keys[0].type.type == UUIDOID;
}

void fill_plan(const TriggerData &data, trigger_plan &plan) {
    const Trigger &trigger = *data.tg_trigger;
    if (trigger.tgnargs != k_arguments)
        refuse(data,
               "It needs four arguments: table name, team column, columns to leave out, columns to "
               "redact.",
               "Create audit triggers by saas.audit_table().");
    core::check_table_name(trigger.tgargs[0]);
    plan.team = find_team(data, trigger.tgargs[1]);
    MemoryContext caller = MemoryContextSwitchTo(plan.context);
    plan.table_name = PointerGetDatum(cstring_to_text(trigger.tgargs[0]));
    MemoryContextSwitchTo(caller);
    fill_columns(data, plan);
    fill_keys(data, plan);
}

} // namespace

trigger_plan &find_plan(const TriggerData &data) {
    if (plans == nullptr)
        create_cache();
    const Oid trigger = data.tg_trigger->tgoid;
    bool found = false;
    auto *plan = static_cast<trigger_plan *>(hash_search(plans, &trigger, HASH_ENTER, &found));
    if (found && plan->valid)
        return *plan;
    if (found && plan->context != nullptr)
        MemoryContextDelete(plan->context);
    *plan = trigger_plan{};
    plan->trigger = trigger;
    plan->table = RelationGetRelid(data.tg_relation);
    plan->context =
        AllocSetContextCreate(CacheMemoryContext, "pg_saas audit trigger", ALLOCSET_SMALL_SIZES);
    fill_plan(data, *plan);
    // Not when the table changed while the plan was made: then it serves this row only.
    plan->valid = !plan->changed;
    return *plan;
}

} // namespace saas::audit
