// SPDX-License-Identifier: PostgreSQL
// SQL entry points of exports: everything of a person as jsonb or as text, and rows of a statement as text.
#include "core/error.hpp"
#include "pg/boundary.hpp"
#include "privacy/engine.hpp"
#include "privacy/row_receiver.hpp"

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

constexpr int k_most_sections = 200;
// What an export always has; others come with the tables that are declared.
constexpr const char *k_sections[] = {"personal_info",    "projects",        "templates",
                                      "activity_history", "billing_history", "team_memberships"};
constexpr char k_metadata[] = "export_metadata";

struct counted_table {
    const char *table;
    std::int64_t rows;
};

struct person_export {
    Datum person;
    bool portable;
    privacy::program *steps;
    privacy::batch *work;
    const char *sections[k_most_sections];
    int section_count;
    counted_table *tables; // as many as there are steps
    int table_count;
    MemoryContext row;
};

void add_section_unsafe(person_export *all, const char *name) {
    for (int i = 0; i < all->section_count; ++i)
        if (strcmp(all->sections[i], name) == 0)
            return;
    if (all->section_count == k_most_sections)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                        errmsg("an export has at most %d sections", k_most_sections)));
    all->sections[all->section_count++] = name;
}

// Finds the person's rows and names the sections. Needs SPI.
person_export *start_export_unsafe(FunctionCallInfo fcinfo) {
    auto *all = static_cast<person_export *>(palloc0(sizeof(person_export)));
    all->person = PG_GETARG_DATUM(1);
    all->portable = PG_GETARG_BOOL(2);
    all->steps = privacy::load_program_unsafe(all->portable ? "portable" : "export",
                                              static_cast<std::uint64_t>(PG_GETARG_INT64(0)));
    all->work = privacy::make_batch_unsafe(all->steps, 1, PG_INT32_MAX);
    all->work->places[0] = {
        PointerGetDatum(construct_array(&all->person, 1, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR)), false, 1};
    privacy::find_rows_unsafe(all->work, true);
    all->tables = static_cast<counted_table *>(
        palloc(static_cast<Size>(all->steps->step_count + 1) * sizeof(counted_table)));
    all->row = AllocSetContextCreate(CurrentMemoryContext, "exported row", ALLOCSET_DEFAULT_SIZES);
    for (const char *name : k_sections)
        add_section_unsafe(all, name);
    for (int i = 0; i < all->steps->step_count; ++i)
        if (all->steps->steps[i].kind == privacy::step_kind::select &&
            privacy::has_input(all->work, &all->steps->steps[i]))
            add_section_unsafe(all, all->steps->steps[i].section);
    return all;
}

void count_rows(person_export *all, const char *table, std::int64_t rows) {
    if (rows == 0)
        return;
    for (int i = 0; i < all->table_count; ++i) {
        if (strcmp(all->tables[i].table, table) == 0) {
            all->tables[i].rows += rows;
            return;
        }
    }
    all->tables[all->table_count++] = {table, rows};
}

// Writes the rows of a section; a section that no table has is an empty array.
void write_section_unsafe(person_export *all, int section, privacy::row_target *target) {
    for (int i = 0; i < all->steps->step_count; ++i) {
        privacy::program_step *step = &all->steps->steps[i];
        if (step->kind != privacy::step_kind::select || strcmp(step->section, all->sections[section]) != 0)
            continue;
        CHECK_FOR_INTERRUPTS();
        auto receiver = privacy::make_receiver(target, step->table, &step->rows, all->steps->memory, all->row,
                                               privacy::count_of(all->work, 0, step->step).found);
        privacy::send_step_unsafe(all->work, step, &receiver.server);
        count_rows(all, step->table, receiver.count);
    }
}

struct member {
    const char *key;
    int key_length;
    const privacy::row_target *rows; // or
    const Jsonb *value;
};

int by_key(const void *a, const void *b) {
    const auto *left = static_cast<const member *>(a);
    const auto *right = static_cast<const member *>(b);
    return pg::compare_json_keys(left->key, left->key_length, right->key, right->key_length);
}

int by_table(const void *a, const void *b) {
    const auto *left = static_cast<const pg::json_member *>(a);
    const auto *right = static_cast<const pg::json_member *>(b);
    return pg::compare_json_keys(left->key, left->key_length, right->key, right->key_length);
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
    qsort(members, static_cast<Size>(all->table_count), sizeof(pg::json_member), by_table);
    return pg::make_json_object(members, all->table_count);
}

Jsonb *metadata_of_unsafe(const person_export *all) {
    Oid types[] = {UUIDOID, BOOLOID, JSONBOID};
    Datum values[] = {all->person, BoolGetDatum(all->portable), JsonbPGetDatum(tables_of(all))};
    const int result = SPI_execute_with_args("SELECT saas.export_metadata($1, $2, $3)", 3, types, values,
                                             nullptr, false, 1);
    if (result != SPI_OK_SELECT || SPI_processed != 1)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("an export has no metadata")));
    bool is_null;
    return DatumGetJsonbP(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
}

Size aligned(Size offset) {
    return (offset + 3) & ~Size{3};
}

Size size_of(const member &one) {
    return one.rows != nullptr ? privacy::array_size(one.rows) : VARSIZE(one.value) - VARHDRSZ;
}

// The object with these members, in their order, where SPI leaves it to the caller.
Jsonb *write_whole_unsafe(const member *members, int count) {
    const Size start = VARHDRSZ + sizeof(uint32) + 2 * static_cast<Size>(count) * sizeof(JEntry);
    Size data = 0;
    for (int i = 0; i < count; ++i)
        data += static_cast<Size>(members[i].key_length);
    for (int i = 0; i < count; ++i)
        data = aligned(data) + size_of(members[i]);
    if (data > JENTRY_OFFLENMASK)
        pg::refuse_json_size(data);
    auto *out = static_cast<Jsonb *>(SPI_palloc(start + data));
    SET_VARSIZE(out, start + data);
    out->root.header = static_cast<uint32>(count) | JB_FOBJECT;
    char *base = reinterpret_cast<char *>(out) + start;
    Size at = 0;
    for (int i = 0; i < 2 * count; ++i) {
        const member &one = members[i % count];
        const Size before = at;
        if (i < count) {
            memcpy(base + at, one.key, static_cast<Size>(one.key_length));
            at += static_cast<Size>(one.key_length);
        } else {
            at = aligned(at);
            memset(base + before, 0, at - before);
            if (one.rows != nullptr)
                privacy::write_array(one.rows, base + at);
            else
                memcpy(base + at, &one.value->root, size_of(one));
            at += size_of(one);
        }
        out->root.children[i] = (i < count ? JENTRY_ISSTRING : JENTRY_ISCONTAINER) |
                                (i % JB_OFFSET_STRIDE == 0 ? JENTRY_HAS_OFF | static_cast<uint32>(at)
                                                           : static_cast<uint32>(at - before));
    }
    return out;
}

Datum export_unsafe(FunctionCallInfo fcinfo) {
    SPI_connect();
    person_export *all = start_export_unsafe(fcinfo);
    const auto count = static_cast<Size>(all->section_count);
    auto *targets = static_cast<privacy::row_target *>(palloc(count * sizeof(privacy::row_target)));
    auto *members = static_cast<member *>(palloc((count + 1) * sizeof(member)));
    for (int i = 0; i < all->section_count; ++i) {
        privacy::start_target(&targets[i], false);
        write_section_unsafe(all, i, &targets[i]);
        members[i] = {all->sections[i], static_cast<int>(strlen(all->sections[i])), &targets[i], nullptr};
    }
    members[count] = {k_metadata, static_cast<int>(strlen(k_metadata)), nullptr, metadata_of_unsafe(all)};
    qsort(members, count + 1, sizeof(member), by_key);
    Jsonb *whole = write_whole_unsafe(members, all->section_count + 1);
    SPI_finish();
    return JsonbPGetDatum(whole);
}

// Written where the answer is, which is as large as it may be.
Datum export_text_unsafe(FunctionCallInfo fcinfo) {
    privacy::row_target target;
    privacy::start_target(&target, true);
    StringInfo out = &target.bytes;
    appendStringInfoSpaces(out, VARHDRSZ);
    SPI_connect();
    person_export *all = start_export_unsafe(fcinfo);
    for (int i = 0; i < all->section_count; ++i) {
        appendStringInfoString(out, i == 0 ? "{" : "], ");
        privacy::append_json_string(out, all->sections[i], strlen(all->sections[i]));
        appendStringInfoString(out, ": [");
        target.rows = 0;
        write_section_unsafe(all, i, &target);
    }
    appendStringInfo(out, "], \"%s\": ", k_metadata);
    Jsonb *metadata = metadata_of_unsafe(all);
    JsonbToCString(out, &metadata->root, static_cast<int>(VARSIZE(metadata)));
    appendStringInfoCharMacro(out, '}');
    SPI_finish();
    SET_VARSIZE(out->data, static_cast<Size>(out->len));
    return PointerGetDatum(out->data);
}

// Room for the number of rows before them.
constexpr int k_count_digits = 10;

// The rows of a statement with the parameters $1 uuid, $2 integer and $3 bigint as a JSON array, after their number.
Datum write_unsafe(FunctionCallInfo fcinfo) {
    const char *statement = text_to_cstring(PG_GETARG_TEXT_PP(0));
    const char *table = text_to_cstring(PG_GETARG_TEXT_PP(1));
    privacy::row_target target;
    privacy::start_target(&target, true);
    StringInfo out = &target.bytes;
    appendStringInfoSpaces(out, VARHDRSZ + k_count_digits);
    appendStringInfoString(out, " [");
    SPI_connect();
    constexpr Oid types[] = {UUIDOID, INT4OID, INT8OID};
    ParamListInfo parameters = makeParamList(3);
    for (int i = 0; i < 3; ++i)
        parameters->params[i] = {PG_GETARG_DATUM(i + 2), false, PARAM_FLAG_CONST, types[i]};
    privacy::json_rows *rows = nullptr;
    MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "exported row", ALLOCSET_DEFAULT_SIZES);
    auto receiver = privacy::make_receiver(&target, table, &rows, CurrentMemoryContext, row, 0);
    SPIExecuteOptions options{};
    options.params = parameters;
    options.dest = &receiver.server;
    const int result = SPI_execute_extended(statement, &options);
    if (result < 0)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                        errmsg("a statement of the privacy engine was refused: %s", SPI_result_code_string(result))));
    SPI_finish();
    appendStringInfoCharMacro(out, ']');
    char digits[k_count_digits + 1];
    pg_snprintf(digits, sizeof(digits), "%0*lld", k_count_digits, static_cast<long long>(target.rows));
    memcpy(out->data + VARHDRSZ, digits, k_count_digits);
    SET_VARSIZE(out->data, static_cast<Size>(out->len));
    return PointerGetDatum(out->data);
}

} // namespace

// (state, person, portable) -> jsonb
SAAS_FUNCTION(saas_export_person) {
    return pg::call([&] { return export_unsafe(fcinfo); });
}

// (state, person, portable) -> json
SAAS_FUNCTION(saas_export_person_text) {
    return pg::call([&] { return export_text_unsafe(fcinfo); });
}

// (statement, table, run, step, number) -> number of rows in ten digits, space, JSON array
SAAS_FUNCTION(saas_rows_as_json) {
    return pg::call([&] { return write_unsafe(fcinfo); });
}
