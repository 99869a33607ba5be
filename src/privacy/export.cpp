// SPDX-License-Identifier: PostgreSQL
// SQL entry points of exports: everything of a person as one jsonb value, and rows of a statement as JSON text.
#include "core/error.hpp"
#include "pg/boundary.hpp"
#include "privacy/engine.hpp"
#include "privacy/json_rows.hpp"

#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h"  // UUIDOID
#include "utils/array.h"      // construct_array
#include "utils/builtins.h"   // text_to_cstring
#include "utils/jsonb.h"      // JsonbPGetDatum
#include "utils/memutils.h"   // AllocSetContextCreate
#include "utils/numeric.h"    // int64_to_numeric
#include "utils/uuid.h"       // UUID_LEN
}

using namespace saas; // NOLINT: entry points only

namespace {

constexpr long k_rows_at_once = 1000;
constexpr int k_most_sections = 200;
// What an export always has; others come with the tables that are declared.
constexpr const char *k_sections[] = {"personal_info",    "projects",        "templates",
                                      "activity_history", "billing_history", "team_memberships"};

// The rows of one section so far.
struct section {
    const char *name;
    JsonbValue *rows;
    int count;
    int room;
};

struct counted_table {
    const char *table;
    std::int64_t rows;
};

struct person_export {
    section sections[k_most_sections];
    int section_count;
    counted_table *tables; // as many as there are steps
    int table_count;
    MemoryContext results;
    MemoryContext row;
};

section *section_of_unsafe(person_export *all, const char *name) {
    for (int i = 0; i < all->section_count; ++i)
        if (strcmp(all->sections[i].name, name) == 0)
            return &all->sections[i];
    if (all->section_count == k_most_sections)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                        errmsg("an export has at most %d sections", k_most_sections)));
    section *made = &all->sections[all->section_count++];
    *made = {name, static_cast<JsonbValue *>(palloc(16 * sizeof(JsonbValue))), 0, 16};
    return made;
}

// The object is copied, so that all that was made on the way to it goes with its row.
void add_row(person_export *all, section *to, privacy::json_rows *columns, HeapTuple row) {
    MemoryContext before = MemoryContextSwitchTo(all->row);
    const Jsonb *object = privacy::row_as_jsonb_unsafe(columns, row);
    MemoryContextSwitchTo(all->results);
    auto *copy = static_cast<Jsonb *>(palloc(VARSIZE(object)));
    memcpy(copy, object, VARSIZE(object));
    MemoryContextSwitchTo(before);
    MemoryContextReset(all->row);
    if (to->count == to->room) {
        to->room *= 2;
        to->rows = static_cast<JsonbValue *>(
            repalloc_huge(to->rows, static_cast<Size>(to->room) * sizeof(JsonbValue)));
    }
    JsonbValue *value = &to->rows[to->count++];
    value->type = jbvBinary;
    value->val.binary.data = &copy->root;
    value->val.binary.len = static_cast<int>(VARSIZE(copy) - VARHDRSZ);
}

void count_rows(person_export *all, const char *table, std::int64_t rows) {
    for (int i = 0; i < all->table_count; ++i) {
        if (strcmp(all->tables[i].table, table) == 0) {
            all->tables[i].rows += rows;
            return;
        }
    }
    all->tables[all->table_count++] = {table, rows};
}

void export_step(person_export *all, privacy::batch *work, privacy::program_step *step) {
    Portal rows = privacy::open_step_unsafe(work, step);
    if (rows == nullptr)
        return;
    section *to = section_of_unsafe(all, step->section);
    privacy::json_rows *columns = nullptr;
    for (;;) {
        CHECK_FOR_INTERRUPTS();
        SPI_cursor_fetch(rows, true, k_rows_at_once);
        if (SPI_processed == 0)
            break;
        if (columns == nullptr)
            columns = privacy::make_json_rows_unsafe(CreateTupleDescCopy(SPI_tuptable->tupdesc), step->table);
        for (std::uint64_t i = 0; i < SPI_processed; ++i)
            add_row(all, to, columns, SPI_tuptable->vals[i]);
        count_rows(all, step->table, static_cast<std::int64_t>(SPI_processed));
        SPI_freetuptable(SPI_tuptable);
    }
    SPI_freetuptable(SPI_tuptable);
    SPI_cursor_close(rows);
}

int by_key(const void *a, const void *b) {
    const auto *left = static_cast<const pg::json_member *>(a);
    const auto *right = static_cast<const pg::json_member *>(b);
    return pg::compare_json_keys(left->key, left->key_length, right->key, right->key_length);
}

void set_container(pg::json_member *member, const char *key, Jsonb *value) {
    member->key = key;
    member->key_length = static_cast<int>(strlen(key));
    member->value.type = jbvBinary;
    member->value.val.binary.data = &value->root;
    member->value.val.binary.len = static_cast<int>(VARSIZE(value) - VARHDRSZ);
}

Jsonb *tables_of(const person_export *all) {
    auto *members = static_cast<pg::json_member *>(
        palloc0(static_cast<Size>(all->table_count + 1) * sizeof(pg::json_member)));
    for (int i = 0; i < all->table_count; ++i) {
        members[i].key = all->tables[i].table;
        members[i].key_length = static_cast<int>(strlen(all->tables[i].table));
        members[i].value.type = jbvNumeric;
        members[i].value.val.numeric = int64_to_numeric(all->tables[i].rows);
    }
    qsort(members, static_cast<Size>(all->table_count), sizeof(pg::json_member), by_key);
    return pg::make_json_object(members, all->table_count);
}

Jsonb *metadata_of_unsafe(const person_export *all, Datum person, bool portable) {
    Oid types[] = {UUIDOID, BOOLOID, JSONBOID};
    Datum values[] = {person, BoolGetDatum(portable), JsonbPGetDatum(tables_of(all))};
    const int result = SPI_execute_with_args("SELECT saas.export_metadata($1, $2, $3)", 3, types, values,
                                             nullptr, false, 1);
    if (result != SPI_OK_SELECT || SPI_processed != 1)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("an export has no metadata")));
    bool is_null;
    return DatumGetJsonbP(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
}

Jsonb *whole_of(person_export *all, Jsonb *metadata) {
    auto *members = static_cast<pg::json_member *>(
        palloc0(static_cast<Size>(all->section_count + 1) * sizeof(pg::json_member)));
    for (int i = 0; i < all->section_count; ++i)
        set_container(&members[i], all->sections[i].name,
                      pg::make_json_array(all->sections[i].rows, all->sections[i].count));
    set_container(&members[all->section_count], "export_metadata", metadata);
    qsort(members, static_cast<Size>(all->section_count + 1), sizeof(pg::json_member), by_key);
    return pg::make_json_object(members, all->section_count + 1);
}

Datum export_unsafe(FunctionCallInfo fcinfo) {
    const bool portable = PG_GETARG_BOOL(2);
    Datum person = PG_GETARG_DATUM(1);
    SPI_connect();
    privacy::program *steps = privacy::load_program_unsafe(
        portable ? "portable" : "export", static_cast<std::uint64_t>(PG_GETARG_INT64(0)));
    privacy::batch *work = privacy::make_batch_unsafe(steps, 1, PG_INT32_MAX);
    work->places[0] = {PointerGetDatum(construct_array(&person, 1, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR)), false, 1};
    privacy::find_rows_unsafe(work, true);
    auto *all = static_cast<person_export *>(palloc0(sizeof(person_export)));
    all->tables = static_cast<counted_table *>(palloc(static_cast<Size>(steps->step_count + 1) * sizeof(counted_table)));
    all->results = CurrentMemoryContext;
    all->row = AllocSetContextCreate(CurrentMemoryContext, "exported row", ALLOCSET_DEFAULT_SIZES);
    for (const char *name : k_sections)
        section_of_unsafe(all, name);
    for (int i = 0; i < steps->step_count; ++i)
        if (steps->steps[i].kind == privacy::step_kind::select)
            export_step(all, work, &steps->steps[i]);
    Jsonb *whole = whole_of(all, metadata_of_unsafe(all, person, portable));
    auto *out = static_cast<Jsonb *>(SPI_palloc(VARSIZE(whole)));
    memcpy(out, whole, VARSIZE(whole));
    SPI_finish();
    return JsonbPGetDatum(out);
}

// Room for the number of rows before them.
constexpr int k_count_digits = 10;

// The rows of a statement with the parameters $1 uuid, $2 integer and $3 bigint as a JSON array, after their number. Written
// where the answer is, which is as large as it may be.
Datum write_unsafe(FunctionCallInfo fcinfo) {
    const char *statement = text_to_cstring(PG_GETARG_TEXT_PP(0));
    const char *table = text_to_cstring(PG_GETARG_TEXT_PP(1));
    Oid types[] = {UUIDOID, INT4OID, INT8OID};
    Datum values[] = {PG_GETARG_DATUM(2), PG_GETARG_DATUM(3), PG_GETARG_DATUM(4)};
    StringInfoData out;
    initStringInfo(&out);
    appendStringInfoSpaces(&out, VARHDRSZ + k_count_digits);
    appendStringInfoString(&out, " [");
    std::int64_t count = 0;
    SPI_connect();
    Portal rows = SPI_cursor_open_with_args(nullptr, statement, 3, types, values, nullptr, false, 0);
    MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "exported row", ALLOCSET_DEFAULT_SIZES);
    privacy::json_rows *columns = nullptr;
    for (;;) {
        CHECK_FOR_INTERRUPTS();
        SPI_cursor_fetch(rows, true, k_rows_at_once);
        if (SPI_processed == 0)
            break;
        if (columns == nullptr)
            columns = privacy::make_json_rows_unsafe(CreateTupleDescCopy(SPI_tuptable->tupdesc), table);
        MemoryContext before = MemoryContextSwitchTo(row);
        for (std::uint64_t i = 0; i < SPI_processed; ++i) {
            if (count++ > 0)
                appendBinaryStringInfo(&out, ", ", 2);
            privacy::append_row_unsafe(columns, SPI_tuptable->vals[i], &out);
            MemoryContextReset(row);
        }
        MemoryContextSwitchTo(before);
        SPI_freetuptable(SPI_tuptable);
    }
    SPI_finish();
    appendStringInfoCharMacro(&out, ']');
    char digits[k_count_digits + 1];
    pg_snprintf(digits, sizeof(digits), "%0*lld", k_count_digits, static_cast<long long>(count));
    memcpy(out.data + VARHDRSZ, digits, k_count_digits);
    SET_VARSIZE(out.data, static_cast<Size>(out.len));
    return PointerGetDatum(out.data);
}

} // namespace

// (state, person, portable) -> jsonb
SAAS_FUNCTION(saas_export_person) {
    return pg::call([&] { return export_unsafe(fcinfo); });
}

// (statement, table, run, step, number) -> number of rows in ten digits, space, JSON array
SAAS_FUNCTION(saas_rows_as_json) {
    return pg::call([&] { return write_unsafe(fcinfo); });
}
