// SPDX-License-Identifier: PostgreSQL
// SQL entry points of exports: everything of a person as jsonb or as text, and rows of a statement as text.
#include "core/error.hpp"
#include "pg/boundary.hpp"
#include "pg/package.hpp"
#include "pg/spi.hpp"
#include "privacy/probes.hpp"
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
    const char *sections[k_most_sections + 1];
    int section_count;
    counted_table *tables; // as many as there are steps
    int table_count;
    MemoryContext row;
};

bool is_select(const privacy::program_step &step) {
    return step.kind == privacy::step_kind::select;
}

std::int64_t found_by(const person_export *all, const privacy::program_step &step) {
    return privacy::count_of(all->work, 0, step.step).found;
}

void add_section_unsafe(person_export *all, const char *name) {
    for (int i = 0; i < all->section_count; ++i)
        if (strcmp(all->sections[i], name) == 0)
            return;
    if (all->section_count == k_most_sections)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                        errmsg("an export has at most %d sections", k_most_sections)));
    all->sections[all->section_count++] = name;
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

// Finds the person's rows, and names tables and sections. Needs SPI.
person_export *start_export_unsafe(std::uint64_t state, Datum person, bool portable) {
    auto *all = static_cast<person_export *>(palloc0(sizeof(person_export)));
    all->person = person;
    all->portable = portable;
    all->steps = privacy::load_program_unsafe(portable ? "portable" : "export", state);
    all->work = privacy::make_batch_unsafe(all->steps, 1, PG_INT32_MAX);
    all->work->places[0] = {
        PointerGetDatum(construct_array(&all->person, 1, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR)), false, 1};
    all->work->probes = privacy::make_probes_unsafe(all->steps, privacy::load_probes_unsafe(all->steps), person);
    privacy::find_rows_unsafe(all->work, true);
    all->tables = static_cast<counted_table *>(
        palloc(static_cast<Size>(all->steps->step_count + 1) * sizeof(counted_table)));
    all->row = AllocSetContextCreate(CurrentMemoryContext, "exported row", ALLOCSET_DEFAULT_SIZES);
    for (const char *name : k_sections)
        add_section_unsafe(all, name);
    for (int i = 0; i < all->steps->step_count; ++i) {
        const privacy::program_step &step = all->steps->steps[i];
        if (is_select(step) && privacy::has_input(all->work, &step))
            add_section_unsafe(all, step.section);
    }
    return all;
}

// Writes the rows of a section; there may be none.
void write_section_unsafe(person_export *all, const char *section, privacy::row_target *target) {
    for (int i = 0; i < all->steps->step_count; ++i) {
        privacy::program_step *step = &all->steps->steps[i];
        if (!is_select(*step) || strcmp(step->section, section) != 0 || !privacy::has_input(all->work, step) ||
            privacy::finds_nothing_unsafe(all->work, step))
            continue;
        CHECK_FOR_INTERRUPTS();
        auto receiver = privacy::make_receiver(target, step->table, &step->rows, all->steps->memory, all->row,
                                               found_by(all, *step));
        privacy::send_step_unsafe(all->work, step, &receiver.server);
        count_rows(all, step->table, receiver.count);
    }
}

int compare_keys(const char *a, const char *b) {
    return pg::compare_json_keys(a, static_cast<int>(strlen(a)), b, static_cast<int>(strlen(b)));
}

Jsonb *tables_of(person_export *all) {
    qsort(all->tables, static_cast<Size>(all->table_count), sizeof(counted_table), [](const void *a, const void *b) {
        return compare_keys(static_cast<const counted_table *>(a)->table,
                            static_cast<const counted_table *>(b)->table);
    });
    auto *members = static_cast<pg::json_member *>(
        palloc0(static_cast<Size>(all->table_count + 1) * sizeof(pg::json_member)));
    for (int i = 0; i < all->table_count; ++i) {
        pg::json_member &table = members[i];
        table.key = all->tables[i].table;
        table.key_length = static_cast<int>(strlen(table.key));
        table.value.type = jbvNumeric;
        table.value.val.numeric = int64_to_numeric(all->tables[i].rows);
    }
    return pg::make_json_object(members, all->table_count);
}

// A statement that every export runs, prepared once a session.
struct kept_statement {
    const char *text;
    int count;
    Oid types[3];
    SPIPlanPtr plan;
};

kept_statement permission{"SELECT saas.require_export($1)", 1, {UUIDOID}, nullptr};
kept_statement state_of_map{"SELECT saas.privacy_state()", 0, {}, nullptr};
kept_statement description{"SELECT saas.export_metadata($1, $2, $3)", 3, {UUIDOID, BOOLOID, JSONBOID}, nullptr};

// The value that it returns.
Datum run_kept_unsafe(kept_statement *statement, Datum *values, const char *nulls) {
    if (statement->plan == nullptr) {
        SPIPlanPtr plan = SPI_prepare(statement->text, statement->count, statement->types);
        if (plan == nullptr || SPI_keepplan(plan) != 0)
            ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("a statement of an export was refused")));
        statement->plan = plan;
    }
    if (SPI_execute_plan(statement->plan, values, nulls, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("a statement of an export has no answer")));
    bool is_null;
    return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
}

Jsonb *metadata_of_unsafe(person_export *all) {
    Datum values[] = {all->person, BoolGetDatum(all->portable), JsonbPGetDatum(tables_of(all))};
    return DatumGetJsonbP(run_kept_unsafe(&description, values, nullptr));
}

// How many rows of the section were found.
std::int64_t expected_rows(const person_export *all, const char *section) {
    std::int64_t rows = 0;
    for (int i = 0; i < all->steps->step_count; ++i) {
        const privacy::program_step &step = all->steps->steps[i];
        if (is_select(step) && strcmp(step.section, section) == 0)
            rows += found_by(all, step);
    }
    return rows;
}

void write_binary_unsafe(person_export *all, StringInfo out) {
    all->sections[all->section_count++] = k_metadata;
    qsort(all->sections, static_cast<Size>(all->section_count), sizeof(char *), [](const void *a, const void *b) {
        return compare_keys(*static_cast<const char *const *>(a), *static_cast<const char *const *>(b));
    });
    privacy::json_object whole = privacy::start_object(out, all->sections, all->section_count);
    int metadata_at = 0;
    for (int i = 0; i < all->section_count; ++i) {
        // In the place of the metadata, which count the rows of all sections, an empty array until then.
        privacy::row_target target{out, false, 0, privacy::start_array(out, expected_rows(all, all->sections[i]))};
        if (all->sections[i] == k_metadata)
            metadata_at = i;
        else
            write_section_unsafe(all, all->sections[i], &target);
        privacy::finish_array(&target.array);
        privacy::end_value(&whole);
    }
    const Jsonb *metadata = metadata_of_unsafe(all);
    privacy::replace_value(&whole, metadata_at, &metadata->root, VARSIZE(metadata) - VARHDRSZ);
    privacy::finish_object(&whole);
}

void write_text_unsafe(person_export *all, StringInfo out) {
    for (int i = 0; i < all->section_count; ++i) {
        appendStringInfoString(out, i == 0 ? "{" : "], ");
        privacy::append_json_string(out, all->sections[i], strlen(all->sections[i]));
        appendStringInfoString(out, ": [");
        privacy::row_target target{out, true, 0, {}};
        write_section_unsafe(all, all->sections[i], &target);
    }
    appendStringInfo(out, "], \"%s\": ", k_metadata);
    Jsonb *metadata = metadata_of_unsafe(all);
    JsonbToCString(out, &metadata->root, static_cast<int>(VARSIZE(metadata)));
    appendStringInfoCharMacro(out, '}');
}

// Whether the caller may have the export; what it is made of stays as it is until the transaction ends. Needs SPI.
std::uint64_t permit_unsafe(const NullableDatum &person) {
    Datum values[] = {person.value};
    const char nulls[] = {person.isnull ? 'n' : ' '};
    (void)run_kept_unsafe(&permission, values, nulls);
    return static_cast<std::uint64_t>(DatumGetInt64(run_kept_unsafe(&state_of_map, nullptr, nullptr)));
}

// Written where the answer is, which is as large as it may be.
Datum export_unsafe(FunctionCallInfo fcinfo, bool as_text) {
    if (!OidIsValid(pg::package_table_unsafe("personal_data_links")))
        pg::refuse_not_deployed();
    StringInfoData out;
    initStringInfo(&out);
    appendStringInfoSpaces(&out, VARHDRSZ);
    SPI_connect();
    const std::uint64_t state = permit_unsafe(fcinfo->args[0]);
    person_export *all =
        start_export_unsafe(state, PG_GETARG_DATUM(0), !PG_ARGISNULL(1) && PG_GETARG_BOOL(1));
    if (as_text)
        write_text_unsafe(all, &out);
    else
        write_binary_unsafe(all, &out);
    SPI_finish();
    SET_VARSIZE(out.data, static_cast<Size>(out.len));
    return PointerGetDatum(out.data);
}

// Room for the number of rows before them.
constexpr int k_count_digits = 10;

// The rows of a statement with the parameters $1 uuid, $2 integer and $3 bigint as a JSON array, after their number.
Datum write_unsafe(FunctionCallInfo fcinfo) {
    const char *statement = text_to_cstring(PG_GETARG_TEXT_PP(0));
    const char *table = text_to_cstring(PG_GETARG_TEXT_PP(1));
    StringInfoData out;
    initStringInfo(&out);
    appendStringInfoSpaces(&out, VARHDRSZ + k_count_digits);
    appendStringInfoString(&out, " [");
    privacy::row_target target{&out, true, 0, {}};
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
    appendStringInfoCharMacro(&out, ']');
    char digits[k_count_digits + 1];
    pg_snprintf(digits, sizeof(digits), "%0*lld", k_count_digits, static_cast<long long>(target.rows));
    memcpy(out.data + VARHDRSZ, digits, k_count_digits);
    SET_VARSIZE(out.data, static_cast<Size>(out.len));
    return PointerGetDatum(out.data);
}

} // namespace

// (person, portable) -> jsonb. A function in SQL or PL/pgSQL around it would copy the answer.
SAAS_FUNCTION(saas_gdpr_export_user_data) {
    const pg::as_role internal{pg::internal_role_id()};
    return pg::call([&] { return export_unsafe(fcinfo, false); });
}

// (person, portable) -> json
SAAS_FUNCTION(saas_gdpr_export_user_json) {
    const pg::as_role internal{pg::internal_role_id()};
    return pg::call([&] { return export_unsafe(fcinfo, true); });
}

// (statement, table, run, step, number) -> number of rows in ten digits, space, JSON array
SAAS_FUNCTION(saas_rows_as_json) {
    return pg::call([&] { return write_unsafe(fcinfo); });
}
