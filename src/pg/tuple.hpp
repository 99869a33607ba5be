// SPDX-License-Identifier: PostgreSQL
// The answer of a function with OUT parameters: one row.
#pragma once

#include <vector>

#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/tupdesc.h" // TupleDesc
}

namespace saas::pg {

class tuple {
public:
    // Throws XX000 when the function is declared with another number of columns.
    tuple(FunctionCallInfo fcinfo, int columns);

    // A column that is not set is NULL.
    void set(int column, Datum value);

    [[nodiscard]] Datum datum();

private:
    TupleDesc form_ = nullptr;
    std::vector<Datum> values_;
    std::vector<char> nulls_;
};

} // namespace saas::pg
