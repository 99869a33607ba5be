// SPDX-License-Identifier: PostgreSQL
// Rows of tables with some columns replaced.
#pragma once

#include "pg/prelude.hpp"

namespace saas::pg {

// The body of an SQL function (row anyelement, columns text[], VARIADIC "any"): the row, all NULL
// when it is NULL, with these columns replaced by the values, which have the columns' types. Raises
// 42809 for a row of no table, 42703 for a column that it does not have, 42804 for another type or
// number of values. A plain frame.
Datum with_columns(FunctionCallInfo fcinfo);

} // namespace saas::pg
