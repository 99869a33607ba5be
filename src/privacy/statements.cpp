// SPDX-License-Identifier: PostgreSQL
#include "privacy/statements.hpp"

#include "core/error.hpp"

#include <string>

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h" // BYTEAOID
#include "utils/array.h"     // DatumGetArrayTypeP
}

namespace saas::privacy {
namespace {

constexpr core::sqlstate k_too_many_rows{"SA133"};

SPIPlanPtr prepare_unsafe(const program_step *step, int options) {
    SPIPlanPtr plan = SPI_prepare_cursor(step->statement, step->input_count,
                                         const_cast<Oid *>(step->types), options);
    if (plan == nullptr || SPI_keepplan(plan) != 0)
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                        errmsg("a statement of the privacy engine was refused: %s",
                               SPI_result_code_string(SPI_result))));
    return plan;
}

// Of so many rows the number matters: a plan for any arrays takes them for ten, and tables without statistics for small, and
// joins them row by row.
bool is_large_unsafe(const batch *work, const program_step *step) {
    constexpr int k_many = 500;
    for (int i = 0; i < step->input_count; ++i) {
        const place &input = work->places[step->inputs[i]];
        if (!input.is_null && step->types[i] != BYTEAOID && length_of_unsafe(input.value) >= k_many)
            return true;
    }
    return false;
}

} // namespace

bool take_inputs_unsafe(const batch *work, const program_step *step, Datum **values, char **nulls) {
    *values = static_cast<Datum *>(palloc(static_cast<std::size_t>(step->input_count) * sizeof(Datum)));
    *nulls = static_cast<char *>(palloc(static_cast<std::size_t>(step->input_count)));
    bool any = false;
    for (int i = 0; i < step->input_count; ++i) {
        const place &input = work->places[step->inputs[i]];
        (*values)[i] = input.value;
        (*nulls)[i] = input.is_null ? 'n' : ' ';
        // The first places are arguments, which are always there.
        any = any || (!input.is_null && (step->inputs[i] > 3 || step->input_count == 1));
    }
    return any;
}

int length_of_unsafe(Datum array) {
    ArrayType *value = DatumGetArrayTypeP(array);
    return ArrayGetNItems(ARR_NDIM(value), ARR_DIMS(value));
}

SPIPlanPtr plan_for_any_unsafe(program_step *step) {
    // The plan for given arrays would cost more than to run it.
    if (step->plan == nullptr)
        step->plan = prepare_unsafe(step, CURSOR_OPT_GENERIC_PLAN);
    return step->plan;
}

SPIPlanPtr plan_for_inputs_unsafe(const batch *work, program_step *step) {
    if (!is_large_unsafe(work, step))
        return plan_for_any_unsafe(step);
    if (step->large_plan == nullptr)
        step->large_plan = prepare_unsafe(step, CURSOR_OPT_CUSTOM_PLAN);
    return step->large_plan;
}

void count_rows(batch *work, std::int64_t rows) {
    work->rows += rows;
    if (work->rows > work->most_rows)
        throw core::error{k_too_many_rows, "there are too many rows to erase at once",
                          "These people have more than " + std::to_string(work->most_rows) + ".",
                          "Erase them one by one with saas.run_deletion_request()."};
}

} // namespace saas::privacy
