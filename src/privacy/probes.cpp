// SPDX-License-Identifier: PostgreSQL
#include "privacy/probes.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/genam.h"        // index_beginscan
#include "access/relation.h"     // try_relation_open
#include "access/relscan.h"      // IndexScanDesc
#include "access/stratnum.h"     // BTEqualStrategyNumber
#include "access/tableam.h"      // GetHeapamTableAmRoutine
#include "access/transam.h"      // FirstNormalObjectId
#include "catalog/pg_am.h"       // BTREE_AM_OID
#include "catalog/pg_type.h"     // UUIDOID
#include "lib/stringinfo.h"      // appendStringInfo
#include "storage/bufmgr.h"      // RelationGetNumberOfBlocks
#include "utils/builtins.h"      // text_to_cstring
#include "utils/fmgroids.h"      // F_UUID_EQ
#include "utils/lsyscache.h"     // get_collation_isdeterministic
#include "utils/rel.h"           // Relation
#include "utils/snapmgr.h"       // GetActiveSnapshot
}

namespace saas::privacy {

namespace {

enum class answer : std::uint8_t { unknown, nothing, something };

struct probe {
    int step;
    Oid relation;
    Oid index; // InvalidOid: none
    int value;
};

} // namespace

struct probe_map {
    int count;
    probe *probes; // by step
    int value_count;
    const char *values; // the statement that has them, of the person $1
    SPIPlanPtr plan;
};

struct person_probes {
    const probe_map *map;
    const int *own; // places of the person's row
    int own_count;
    Datum *values;
    bool *nulls;
    Oid *types;
    answer *answers; // by step
};

namespace {

// The number of a value among those of the statement, whose expressions are listed one after another.
int number_of_value(StringInfo values, int *count, const char **known, const char *value) {
    for (int i = 0; i < *count; ++i)
        if (strcmp(known[i], value) == 0)
            return i;
    appendStringInfo(values, "%s%s", *count == 0 ? "SELECT " : ", ", value);
    known[*count] = value;
    return (*count)++;
}

Oid oid_of(int row, int column) {
    bool is_null;
    Datum value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &is_null);
    return is_null ? InvalidOid : DatumGetObjectId(value);
}

// The map in the current memory context, from the rows of the statement that ran last.
probe_map *read_map_unsafe() {
    auto *map = static_cast<probe_map *>(palloc0(sizeof(probe_map)));
    const auto rows = static_cast<int>(SPI_processed);
    map->probes = static_cast<probe *>(palloc((static_cast<Size>(rows) + 1) * sizeof(probe)));
    auto *known = static_cast<const char **>(palloc((static_cast<Size>(rows) + 1) * sizeof(char *)));
    StringInfoData values;
    initStringInfo(&values);
    for (int i = 0; i < rows; ++i) {
        bool is_null;
        HeapTuple row = SPI_tuptable->vals[i];
        const int step = DatumGetInt32(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &is_null));
        const char *value = SPI_getvalue(row, SPI_tuptable->tupdesc, 4);
        map->probes[map->count++] = {step, oid_of(i, 2), oid_of(i, 3),
                                     number_of_value(&values, &map->value_count, known, value)};
    }
    appendStringInfoString(&values, " FROM saas.users AS p WHERE p.id = $1");
    map->values = values.data;
    return map;
}

// Whether the values of the index are compared as those of the type are everywhere.
bool is_plain_index(Relation index, Oid type) {
    if (index->rd_rel->relkind != RELKIND_INDEX || index->rd_rel->relam != BTREE_AM_OID ||
        !index->rd_index->indisvalid || index->rd_opcintype[0] != type ||
        index->rd_opfamily[0] >= FirstNormalObjectId)
        return false;
    const Oid collation = index->rd_indcollation[0];
    return !OidIsValid(collation) || get_collation_isdeterministic(collation);
}

// Of dead rows, too: the statement tells them from others.
bool has_entry_unsafe(Relation table, Relation index, Oid type, Datum value) {
    ScanKeyData key;
    ScanKeyInit(&key, 1, BTEqualStrategyNumber, type == UUIDOID ? F_UUID_EQ : F_TEXTEQ, value);
    key.sk_collation = index->rd_indcollation[0];
    IndexScanDesc scan = index_beginscan(table, index, GetActiveSnapshot(), 1, 0);
    index_rescan(scan, &key, 1, nullptr, 0);
    const bool found = index_getnext_tid(scan, ForwardScanDirection) != nullptr;
    index_endscan(scan);
    return found;
}

bool may_have_rows_unsafe(const probe &one, const person_probes *person) {
    if (person->nulls[one.value])
        return false; // nothing equals NULL
    Relation table = try_relation_open(one.relation, AccessShareLock);
    if (table == nullptr)
        return true;
    bool found = true;
    // Tables that inherit from it have rows of their own.
    if (table->rd_rel->relkind == RELKIND_RELATION && !table->rd_rel->relhassubclass &&
        table->rd_tableam == GetHeapamTableAmRoutine()) {
        const Oid type = person->types[one.value];
        Relation index = OidIsValid(one.index) && (type == UUIDOID || type == TEXTOID)
                             ? try_relation_open(one.index, AccessShareLock)
                             : nullptr;
        if (index != nullptr && is_plain_index(index, type))
            found = has_entry_unsafe(table, index, type, person->values[one.value]);
        else
            found = RelationGetNumberOfBlocks(table) > 0;
        if (index != nullptr)
            relation_close(index, AccessShareLock);
    }
    relation_close(table, AccessShareLock);
    return found;
}

bool is_own(const person_probes *person, int place) {
    for (int i = 0; i < person->own_count; ++i)
        if (person->own[i] == place)
            return true;
    return false;
}

// Whether the person's row is all that the step has to go by.
bool has_person_alone(const batch *work, const program_step *step) {
    for (int i = 0; i < step->input_count; ++i)
        if (!work->places[step->inputs[i]].is_null && !is_own(work->probes, step->inputs[i]))
            return false;
    return true;
}

answer probe_step_unsafe(const person_probes *person, int step) {
    answer found = answer::something;
    for (int i = 0; i < person->map->count; ++i) {
        const probe &one = person->map->probes[i];
        if (one.step != step)
            continue;
        if (may_have_rows_unsafe(one, person))
            return answer::something;
        found = answer::nothing;
    }
    return found;
}

} // namespace

const probe_map *load_probes_unsafe(program *steps) {
    if (steps->probes != nullptr)
        return steps->probes;
    if (SPI_execute("SELECT x.step, x.relation, x.index, x.value FROM saas.export_probes() AS x ORDER BY x.step", false, 0) !=
        SPI_OK_SELECT)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("an export has no probes")));
    MemoryContext before = MemoryContextSwitchTo(steps->memory);
    probe_map *map = read_map_unsafe();
    MemoryContextSwitchTo(before);
    SPI_freetuptable(SPI_tuptable);
    if (map->count > 0) {
        Oid types[] = {UUIDOID};
        map->plan = SPI_prepare(map->values, 1, types);
        if (map->plan == nullptr || SPI_keepplan(map->plan) != 0)
            ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("an export has no probes")));
    }
    steps->probes = map;
    return map;
}

void drop_probes(program *steps) {
    if (steps->probes != nullptr && steps->probes->plan != nullptr)
        SPI_freeplan(steps->probes->plan);
}

person_probes *make_probes_unsafe(const program *steps, const probe_map *map, Datum person) {
    if (map->count == 0 || SPI_execute_plan(map->plan, &person, nullptr, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
        return nullptr;
    auto *out = static_cast<person_probes *>(palloc0(sizeof(person_probes)));
    const auto count = static_cast<Size>(map->value_count);
    out->map = map;
    out->values = static_cast<Datum *>(palloc(count * sizeof(Datum)));
    out->nulls = static_cast<bool *>(palloc(count * sizeof(bool)));
    out->types = static_cast<Oid *>(palloc(count * sizeof(Oid)));
    out->answers = static_cast<answer *>(palloc0(static_cast<Size>(steps->highest_step + 1) * sizeof(answer)));
    for (int i = 0; i < map->value_count; ++i) {
        // In the memory of the answer, which stays until the end.
        out->values[i] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &out->nulls[i]);
        out->types[i] = SPI_gettypeid(SPI_tuptable->tupdesc, i + 1);
    }
    for (int i = 0; i < steps->step_count; ++i) {
        if (steps->steps[i].step == 0 && steps->steps[i].kind == step_kind::find) {
            out->own = steps->steps[i].outputs;
            out->own_count = steps->steps[i].output_count;
        }
    }
    return out;
}

bool finds_nothing_unsafe(const batch *work, const program_step *step) {
    person_probes *person = work->probes;
    if (person == nullptr || step->step <= 0 || !has_person_alone(work, step))
        return false;
    answer *known = &person->answers[step->step];
    if (*known == answer::unknown)
        *known = probe_step_unsafe(person, step->step);
    return *known == answer::nothing;
}

} // namespace saas::privacy
