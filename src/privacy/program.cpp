// SPDX-License-Identifier: PostgreSQL
// Reads saas.erasure_program() and keeps it, with its prepared statements, until the state changes.
#include "privacy/probes.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h"  // TEXTOID
#include "utils/array.h"      // DatumGetArrayTypeP
#include "utils/builtins.h"   // CStringGetTextDatum
#include "utils/memutils.h"   // AllocSetContextCreate
}

namespace saas::privacy {
namespace {

struct kept_program {
    const char *mode;
    const char *statement;
    program *steps;
};

constexpr char k_erasing[] = "SELECT p.*, NULL::text FROM saas.erasure_program($1, $2) AS p";
constexpr char k_exporting[] = "SELECT p.* FROM saas.export_program($1, $2) AS p";

kept_program kept[] = {{"erase", k_erasing, nullptr},
                       {"anonymise", k_erasing, nullptr},
                       {"export", k_exporting, nullptr},
                       {"portable", k_exporting, nullptr}};

kept_program *program_of_unsafe(const char *mode) {
    for (kept_program &one : kept)
        if (strcmp(one.mode, mode) == 0)
            return &one;
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is no mode \"%s\"", mode)));
}

struct kind_name {
    const char *name;
    step_kind kind;
};

constexpr kind_name k_kinds[] = {
    {"find", step_kind::find},       {"count", step_kind::count},   {"except", step_kind::except},
    {"needles", step_kind::needles},
    {"audited", step_kind::audited}, {"redact", step_kind::redact}, {"delete", step_kind::erase},
    {"change", step_kind::change},   {"keep", step_kind::keep},     {"refuse", step_kind::refuse},
    {"select", step_kind::select}};

step_kind read_kind_unsafe(const char *text) {
    for (const kind_name &one : k_kinds)
        if (strcmp(one.name, text) == 0)
            return one.kind;
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                    errmsg("the privacy engine knows no step \"%s\"", text)));
}

// The elements of an int4[] or oid[], in the current memory context.
std::uint32_t *read_numbers_unsafe(HeapTuple row, TupleDesc columns, int column, int *count) {
    bool is_null;
    Datum value = SPI_getbinval(row, columns, column, &is_null);
    *count = 0;
    if (is_null)
        return nullptr;
    ArrayType *array = DatumGetArrayTypePCopy(value);
    if (ARR_NDIM(array) > 1 || ARR_HASNULL(array))
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                        errmsg("a step of the privacy engine is broken")));
    *count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
    return reinterpret_cast<std::uint32_t *>(ARR_DATA_PTR(array));
}

void read_step_unsafe(HeapTuple row, TupleDesc columns, program *steps, program_step *step) {
    step->kind = read_kind_unsafe(SPI_getvalue(row, columns, 1));
    step->step = pg_strtoint32(SPI_getvalue(row, columns, 2));
    step->table = SPI_getvalue(row, columns, 3);
    step->statement = SPI_getvalue(row, columns, 4);
    step->section = SPI_getvalue(row, columns, 8);
    int types = 0;
    step->inputs = reinterpret_cast<int *>(read_numbers_unsafe(row, columns, 5, &step->input_count));
    step->types = read_numbers_unsafe(row, columns, 6, &types);
    step->outputs = reinterpret_cast<int *>(read_numbers_unsafe(row, columns, 7, &step->output_count));
    if (step->statement != nullptr && types != step->input_count)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                        errmsg("a step of the privacy engine is broken")));
    for (int i = 0; i < step->input_count; ++i)
        steps->place_count = Max(steps->place_count, step->inputs[i] + 1);
    for (int i = 0; i < step->output_count; ++i)
        steps->place_count = Max(steps->place_count, step->outputs[i] + 1);
    steps->highest_step = Max(steps->highest_step, step->step);
}

void drop_program(program *steps) {
    for (int i = 0; i < steps->step_count; ++i) {
        if (steps->steps[i].plan != nullptr)
            SPI_freeplan(steps->steps[i].plan);
        if (steps->steps[i].large_plan != nullptr)
            SPI_freeplan(steps->steps[i].large_plan);
    }
    drop_probes(steps);
    MemoryContextDelete(steps->memory);
}

} // namespace

program *load_program_unsafe(const char *mode, std::uint64_t state) {
    kept_program *place = program_of_unsafe(mode);
    if (place->steps != nullptr && place->steps->state == state)
        return place->steps;
    Oid types[] = {INT8OID, TEXTOID};
    Datum values[] = {Int64GetDatum(static_cast<std::int64_t>(state)), CStringGetTextDatum(place->mode)};
    const int result = SPI_execute_with_args(place->statement, 2, types, values, nullptr, false, 0);
    if (result != SPI_OK_SELECT)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                        errmsg("a statement of the privacy engine was refused: %s",
                               SPI_result_code_string(result))));
    // Of this transaction until it is whole, so that an error leaves nothing behind.
    MemoryContext memory = AllocSetContextCreate(CurTransactionContext, "privacy program",
                                                 ALLOCSET_DEFAULT_SIZES);
    MemoryContext before = MemoryContextSwitchTo(memory);
    auto *steps = static_cast<program *>(palloc0(sizeof(program)));
    steps->state = state;
    steps->memory = memory;
    steps->place_count = 4;
    steps->step_count = static_cast<int>(SPI_processed);
    steps->steps = static_cast<program_step *>(palloc0(SPI_processed * sizeof(program_step)));
    for (int i = 0; i < steps->step_count; ++i)
        read_step_unsafe(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, steps, &steps->steps[i]);
    MemoryContextSwitchTo(before);
    SPI_freetuptable(SPI_tuptable);
    if (place->steps != nullptr)
        drop_program(place->steps);
    MemoryContextSetParent(memory, TopMemoryContext);
    place->steps = steps;
    return steps;
}

} // namespace saas::privacy
