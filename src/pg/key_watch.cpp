// SPDX-License-Identifier: PostgreSQL
#include "pg/key_watch.hpp"

#include "pg/key_statements.hpp"

#include <cstdint>

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h"     // GETSTRUCT
#include "access/relation.h"         // relation_open
#include "access/xact.h"             // IsolationUsesXactSnapshot
#include "catalog/namespace.h"       // get_namespace_oid
#include "catalog/pg_class.h"        // RELKIND_RELATION
#include "catalog/pg_constraint.h"   // DeconstructFkConstraintRow
#include "catalog/pg_language.h"     // ClanguageId
#include "catalog/pg_proc.h"         // Form_pg_proc
#include "catalog/pg_trigger.h"      // TRIGGER_TYPE_MATCHES
#include "commands/trigger.h"        // TRIGGER_FIRES_ALWAYS
#include "executor/tuptable.h"       // slot_getattr
#include "utils/array.h"             // construct_md_array
#include "utils/datum.h"             // datumCopy
#include "utils/fmgroids.h"          // F_RI_FKEY_NOACTION_DEL
#include "utils/lsyscache.h"         // get_atttype
#include "utils/memutils.h"          // TopMemoryContext
#include "utils/rel.h"               // RelationGetRelid
#include "utils/syscache.h"          // SearchSysCache1
}

namespace saas::pg {

namespace {

// Of so many rows the number matters: a plan for any arrays takes them for ten.
constexpr std::int64_t k_many = 500;

struct watched_key {
    related_key key;
    int places[INDEX_MAX_KEYS]; // in key_watch::columns
};

// Values of one column of RETURNING.
struct noted_column {
    AttrNumber attribute;
    int output; // number in RETURNING, from 1
    Oid type;
    int16 length;
    bool by_value;
    char alignment;
    Datum *values;
    bool *nulls;
};

} // namespace

struct key_watch {
    MemoryContext memory;
    Oid table;
    int key_count;
    watched_key *keys;
    int column_count;
    noted_column *columns;
    std::int64_t rows;
    std::int64_t room;
};

namespace {

bool fires(const Trigger *trigger) {
    return trigger->tgenabled == TRIGGER_FIRES_ALWAYS ||
           (trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN && SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA);
}

// A native function of the package, such as that of the audit trail, which does not look at other tables.
bool is_ours(const Trigger *trigger) {
    HeapTuple entry = SearchSysCache1(PROCOID, ObjectIdGetDatum(trigger->tgfoid));
    if (!HeapTupleIsValid(entry))
        return false;
    const auto *function = reinterpret_cast<Form_pg_proc>(GETSTRUCT(entry));
    const bool ours = function->prolang == ClanguageId && function->pronamespace == get_namespace_oid("saas", true);
    ReleaseSysCache(entry);
    return ours;
}

bool has_foreign_triggers(const TriggerDesc *triggers) {
    for (int i = 0; i < triggers->numtriggers; ++i) {
        const Trigger *trigger = &triggers->triggers[i];
        if (!trigger->tgisinternal && TRIGGER_FOR_DELETE(trigger->tgtype) && TRIGGER_FOR_AFTER(trigger->tgtype) &&
            fires(trigger) && !is_ours(trigger))
            return true;
    }
    return false;
}

bool action_of(const Trigger *trigger, key_action *action) {
    switch (trigger->tgfoid) {
    case F_RI_FKEY_NOACTION_DEL:
    case F_RI_FKEY_RESTRICT_DEL:
        *action = key_action::none_refers;
        return true;
    case F_RI_FKEY_CHECK_INS:
        *action = key_action::all_refer;
        return true;
    case F_RI_FKEY_CASCADE_DEL:
        *action = key_action::erase;
        return true;
    case F_RI_FKEY_SETNULL_DEL:
        *action = key_action::empty;
        return true;
    default:
        return false;
    }
}

bool has_usual_collation(Oid table, AttrNumber column) {
    Oid type, collation;
    int32 modifier;
    get_atttypetypmodcoll(table, column, &type, &modifier, &collation);
    return !OidIsValid(collation) || get_collation_isdeterministic(collation);
}

// Whether the values can be handed over as arrays and compared as they are.
bool is_plain_comparison(Oid table, const related_key *key, int column) {
    const Oid own = get_atttype(table, key->own[column]);
    const Oid other = get_atttype(key->table, key->others[column]);
    const bool refers = key->action == key_action::all_refer;
    Oid left, right;
    op_input_types(key->equal[column], &left, &right);
    return left == (refers ? other : own) && right == (refers ? own : other) && OidIsValid(get_array_type(own)) &&
           has_usual_collation(table, key->own[column]) && has_usual_collation(key->table, key->others[column]);
}

bool read_key(Oid table, Oid constraint, related_key *key) {
    HeapTuple entry = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
    if (!HeapTupleIsValid(entry))
        return false;
    const bool refers = key->action == key_action::all_refer;
    const auto *row = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(entry));
    // A key MATCH FULL has rules of its own for NULL.
    bool plain = row->contype == CONSTRAINT_FOREIGN && (refers ? row->conrelid : row->confrelid) == table &&
                 !row->condeferrable && (!refers || row->confmatchtype == FKCONSTR_MATCH_SIMPLE);
#if PG_VERSION_NUM >= 180000
    plain = plain && !row->conperiod;
#endif
    key->constraint = constraint;
    key->table = refers ? row->confrelid : row->conrelid;
    if (plain)
        DeconstructFkConstraintRow(entry, &key->columns, refers ? key->own : key->others, refers ? key->others : key->own,
                                   key->equal, nullptr, nullptr, &key->emptied_count, key->emptied);
    ReleaseSysCache(entry);
    for (int i = 0; plain && i < key->columns; ++i)
        plain = is_plain_comparison(table, key, i);
    return plain;
}

// The number of the column in key_watch::columns; -1 when RETURNING does not have it.
int place_of(key_watch *keys, List *returning, AttrNumber attribute) {
    for (int i = 0; i < keys->column_count; ++i)
        if (keys->columns[i].attribute == attribute)
            return i;
    ListCell *cell;
    foreach (cell, returning) {
        const auto *entry = lfirst_node(TargetEntry, cell);
        if (entry->resorigtbl != keys->table || entry->resorigcol != attribute)
            continue;
        noted_column *column = &keys->columns[keys->column_count];
        column->attribute = attribute;
        column->output = entry->resno;
        column->type = get_atttype(keys->table, attribute);
        get_typlenbyvalalign(column->type, &column->length, &column->by_value, &column->alignment);
        return keys->column_count++;
    }
    return -1;
}

bool find_columns(key_watch *keys, List *returning, watched_key *watched) {
    for (int i = 0; i < watched->key.columns; ++i) {
        watched->places[i] = place_of(keys, returning, watched->key.own[i]);
        if (watched->places[i] < 0)
            return false;
    }
    return true;
}

// Takes a trigger's key over, if that can be.
bool take_over(key_watch *keys, CmdType operation, List *returning, const Trigger *trigger, bool only_checks) {
    watched_key *watched = &keys->keys[keys->key_count];
    related_key *key = &watched->key;
    if (!trigger->tgisinternal || !OidIsValid(trigger->tgconstraint) || trigger->tgdeferrable || !fires(trigger) ||
        !action_of(trigger, &key->action) || (key->action == key_action::all_refer) != (operation == CMD_INSERT) || (only_checks && key->action != key_action::none_refers))
        return false;
    if (!read_key(keys->table, trigger->tgconstraint, key) || !find_columns(keys, returning, watched))
        return false;
    ++keys->key_count;
    return true;
}

bool cascades(const TriggerDesc *triggers) {
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; ++i)
        if (triggers->triggers[i].tgfoid == F_RI_FKEY_CASCADE_DEL)
            return true;
    return false;
}

// Whether what the server's trigger deletes may lead to more rows of the table. The server asks the triggers of such rows by the
// executor's copy that keys are taken out of, and says nothing of one that it does not find there.
bool may_come_back(Oid table, const Trigger *trigger) {
    if (trigger->tgfoid != F_RI_FKEY_CASCADE_DEL || !fires(trigger))
        return false;
    if (trigger->tgconstrrelid == table)
        return true;
    Relation other = relation_open(trigger->tgconstrrelid, AccessShareLock);
    const bool may =
        other->rd_rel->relkind != RELKIND_RELATION || other->rd_rel->relhasrules || cascades(other->trigdesc);
    relation_close(other, NoLock);
    return may;
}

void note_what_is_left(TriggerDesc *triggers) {
    triggers->trig_delete_after_row = false;
    triggers->trig_insert_after_row = false;
    for (int i = 0; i < triggers->numtriggers; ++i) {
        const int16 type = triggers->triggers[i].tgtype;
        if (TRIGGER_TYPE_MATCHES(type, TRIGGER_TYPE_ROW, TRIGGER_TYPE_AFTER, TRIGGER_TYPE_DELETE))
            triggers->trig_delete_after_row = true;
        if (TRIGGER_TYPE_MATCHES(type, TRIGGER_TYPE_ROW, TRIGGER_TYPE_AFTER, TRIGGER_TYPE_INSERT))
            triggers->trig_insert_after_row = true;
    }
}

// Without the values, which the person whose row it is may be known by.
[[noreturn]] void refuse(const key_watch *keys, const related_key *key) {
    const bool refers = key->action == key_action::all_refer;
    const char *own = get_rel_name(keys->table);
    const char *other = get_rel_name(key->table);
    const char *name = get_constraint_name(key->constraint);
    Relation referring = relation_open(refers ? keys->table : key->table, AccessShareLock);
    if (refers)
        ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
                        errmsg("insert or update on table \"%s\" violates foreign key constraint \"%s\"", own, name),
                        errdetail("Key is not present in table \"%s\".", other), errtableconstraint(referring, name)));
    ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
                    errmsg("update or delete on table \"%s\" violates foreign key constraint \"%s\" on table \"%s\"", own,
                           name, other),
                    errdetail("Key is still referenced from table \"%s\".", other), errtableconstraint(referring, name)));
}

void check_key(const key_watch *keys, const watched_key *watched, const Datum *arrays) {
    const related_key *key = &watched->key;
    Datum values[INDEX_MAX_KEYS]{};
    Oid types[INDEX_MAX_KEYS]{};
    for (int i = 0; i < key->columns; ++i) {
        values[i] = arrays[watched->places[i]];
        types[i] = get_array_type(keys->columns[watched->places[i]].type);
    }
    if (run_key_statement(key, types, values, keys->rows >= k_many))
        refuse(keys, key);
}

void make_room(key_watch *keys) {
    const std::int64_t room = keys->room == 0 ? 256 : 2 * keys->room;
    for (int i = 0; i < keys->column_count; ++i) {
        noted_column *column = &keys->columns[i];
        const auto values = static_cast<Size>(room) * sizeof(Datum);
        const auto nulls = static_cast<Size>(room) * sizeof(bool);
        column->values = static_cast<Datum *>(keys->room == 0 ? MemoryContextAllocHuge(keys->memory, values) : repalloc_huge(column->values, values));
        column->nulls = static_cast<bool *>(keys->room == 0 ? MemoryContextAllocHuge(keys->memory, nulls) : repalloc_huge(column->nulls, nulls));
    }
    keys->room = room;
}

} // namespace

key_watch *watch_keys(ResultRelInfo *target, CmdType operation, List *returning) {
    TriggerDesc *triggers = target->ri_TrigDesc;
    Relation relation = target->ri_RelationDesc;
    if (triggers == nullptr || IsolationUsesXactSnapshot() || relation->rd_rel->relkind != RELKIND_RELATION ||
        relation->rd_rel->relispartition)
        return nullptr;
    const bool only_checks = operation == CMD_DELETE && has_foreign_triggers(triggers);
    auto *keys = static_cast<key_watch *>(palloc0(sizeof(key_watch)));
    keys->memory = CurrentMemoryContext;
    keys->table = RelationGetRelid(relation);
    keys->keys = static_cast<watched_key *>(palloc0(static_cast<Size>(triggers->numtriggers) * sizeof(watched_key)));
    keys->columns = static_cast<noted_column *>(palloc0(static_cast<Size>(RelationGetDescr(relation)->natts) * sizeof(noted_column)));
    auto *stays = static_cast<bool *>(palloc(static_cast<Size>(triggers->numtriggers) * sizeof(bool)));
    for (int i = 0; i < triggers->numtriggers; ++i) {
        stays[i] = !take_over(keys, operation, returning, &triggers->triggers[i], only_checks);
        if (stays[i] && may_come_back(keys->table, &triggers->triggers[i]))
            return nullptr;
    }
    int left = 0;
    for (int i = 0; i < triggers->numtriggers; ++i)
        if (stays[i])
            triggers->triggers[left++] = triggers->triggers[i];
    triggers->numtriggers = left;
    note_what_is_left(triggers);
    return keys->key_count > 0 ? keys : nullptr;
}

void note_keys(key_watch *keys, TupleTableSlot *row) {
    if (keys->rows == keys->room)
        make_room(keys);
    MemoryContext before = MemoryContextSwitchTo(keys->memory);
    for (int i = 0; i < keys->column_count; ++i) {
        const noted_column *column = &keys->columns[i];
        bool is_null;
        Datum value = slot_getattr(row, column->output, &is_null);
        column->nulls[keys->rows] = is_null;
        column->values[keys->rows] = is_null ? Datum{0} : datumCopy(value, column->by_value, column->length);
    }
    MemoryContextSwitchTo(before);
    ++keys->rows;
}

void check_keys(key_watch *keys) {
    if (keys->rows == 0)
        return;
    auto *arrays = static_cast<Datum *>(palloc(static_cast<Size>(keys->column_count) * sizeof(Datum)));
    for (int i = 0; i < keys->column_count; ++i) {
        const noted_column *column = &keys->columns[i];
        int size = static_cast<int>(keys->rows);
        int first = 1;
        arrays[i] = PointerGetDatum(construct_md_array(column->values, column->nulls, 1, &size, &first, column->type,
                                                       column->length, column->by_value, column->alignment));
    }
    for (int i = 0; i < keys->key_count; ++i)
        check_key(keys, &keys->keys[i], arrays);
}

} // namespace saas::pg
