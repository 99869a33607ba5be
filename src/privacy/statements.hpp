// SPDX-License-Identifier: PostgreSQL
// What the parts of the engine share: the arguments and the plans of its statements.
//
// Plain data and server calls only, but for count_rows().
#pragma once

#include "privacy/engine.hpp"

namespace saas::privacy {

// The values of a step's inputs; false when it has no rows to work on.
[[nodiscard]] bool take_inputs_unsafe(const batch *work, const program_step *step, Datum **values, char **nulls);

// The plan for any arrays, or that which is made for those that the inputs have now: kept with the step. Needs SPI.
[[nodiscard]] SPIPlanPtr plan_for_any_unsafe(program_step *step);
[[nodiscard]] SPIPlanPtr plan_for_inputs_unsafe(const batch *work, program_step *step);

[[nodiscard]] int length_of_unsafe(Datum array);

// Adds to the rows of the batch. Throws SA133 when there are too many.
void count_rows(batch *work, std::int64_t rows);

// Deletes the rows of a step and notes their keys; `most`: ends after so many. Returns how many, 0 without running it when there
// are no rows to work on. Needs SPI.
[[nodiscard]] std::uint64_t delete_rows_unsafe(batch *work, program_step *step, std::uint64_t most);

} // namespace saas::privacy
