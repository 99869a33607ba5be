// SPDX-License-Identifier: PostgreSQL
#include "pg/tuple.hpp"

#include "core/error.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_form_tuple
#include "funcapi.h"             // get_call_result_type
}

namespace saas::pg {

tuple::tuple(FunctionCallInfo fcinfo, int columns)
    : values_(static_cast<std::size_t>(columns)), nulls_(static_cast<std::size_t>(columns), 1) {
    const bool row = call([&] {
        if (get_call_result_type(fcinfo, nullptr, &form_) != TYPEFUNC_COMPOSITE)
            return false;
        BlessTupleDesc(form_);
        return true;
    });
    if (!row || form_->natts != columns)
        throw core::error{core::k_internal_error, "the function is declared with another result"};
}

void tuple::set(int column, Datum value) {
    values_[static_cast<std::size_t>(column)] = value;
    nulls_[static_cast<std::size_t>(column)] = 0;
}

Datum tuple::datum() {
    static_assert(sizeof(bool) == sizeof(char));
    return call([&] {
        return HeapTupleGetDatum(
            heap_form_tuple(form_, values_.data(), reinterpret_cast<bool *>(nulls_.data())));
    });
}

} // namespace saas::pg
