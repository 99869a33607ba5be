// SPDX-License-Identifier: PostgreSQL
// The answer of a set-returning function, one text row after another.
#pragma once

#include "pg/spi.hpp"

#include "pg/prelude.hpp"

namespace saas::pg {

// Makes the function's result a tuplestore and fills it with rows whose values are given in the text
// form of the result's columns. Raises when the caller cannot take a set or a value does not parse.
void return_rows(FunctionCallInfo fcinfo, const std::vector<text_row> &rows);

} // namespace saas::pg
