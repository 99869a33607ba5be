// SPDX-License-Identifier: PostgreSQL
// SQL entry points of screening: names normalised, compared, and the keys under which they are
// found.
#include "core/screening/name.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"

#include <algorithm>

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h" // INT4OID
#include "utils/array.h"     // construct_array
}

using namespace saas; // NOLINT: entry points only
using core::screening::key_use;

namespace {

Datum integer_array(const std::vector<std::int32_t> &values) {
    const std::int32_t *data = values.data();
    int count = static_cast<int>(values.size());
    return pg::call([&] {
        auto *elements =
            static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<std::size_t>(count + 1)));
        for (int i = 0; i < count; ++i)
            elements[i] = Int32GetDatum(data[i]);
        return PointerGetDatum(
            construct_array(elements, count, INT4OID, sizeof(std::int32_t), true, 'i'));
    });
}

} // namespace

SAAS_FUNCTION(saas_normalize_name) {
    core::screening::name read{pg::text_string(PG_GETARG_DATUM(0))};
    return pg::text_datum(read.text());
}

SAAS_FUNCTION(saas_name_similarity) {
    core::screening::name sought{pg::text_string(PG_GETARG_DATUM(0))};
    double best = 0;
    for (const std::string &written : pg::text_array(PG_GETARG_DATUM(1))) {
        best = std::max(best, core::screening::similarity(sought, core::screening::name{written}));
        if (pg::stop_requested())
            throw core::cancelled{};
    }
    PG_RETURN_FLOAT8(best);
}

SAAS_FUNCTION(saas_name_keys) {
    auto names = pg::text_array(PG_GETARG_DATUM(0));
    return integer_array(
        core::screening::name_keys(names, pg::text_string(PG_GETARG_DATUM(1)),
                                   PG_GETARG_BOOL(2) ? key_use::looked_for : key_use::stored));
}
