// SPDX-License-Identifier: PostgreSQL
#include "pg/result_set.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "funcapi.h"         // InitMaterializedSRF, TupleDescGetAttInMetadata
#include "utils/tuplestore.h" // tuplestore_puttuple
}

namespace saas::pg {

void return_rows(FunctionCallInfo fcinfo, const std::vector<text_row> &rows) {
    auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    AttInMetadata *metadata = call([&] {
        InitMaterializedSRF(fcinfo, 0);
        return TupleDescGetAttInMetadata(result->setDesc);
    });
    for (const text_row &row : rows) {
        std::vector<char *> values;
        for (const text_value &value : row)
            values.push_back(value ? const_cast<char *>(value->c_str()) : nullptr);
        call([&] {
            tuplestore_puttuple(result->setResult, BuildTupleFromCStrings(metadata, values.data()));
        });
    }
}

} // namespace saas::pg
