// SPDX-License-Identifier: PostgreSQL
// SQL entry points of masking.
#include "core/privacy/masks.hpp"
#include "core/error.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "fmgr.h" // PG_GETARG_INT32
}

using namespace saas; // NOLINT: entry points only
namespace privacy = saas::core::privacy;

namespace {

std::size_t length_argument(std::int32_t value) {
    if (value < 0)
        throw core::error{core::k_invalid_parameter_value, "a number of characters is not negative"};
    return static_cast<std::size_t>(value);
}

} // namespace

SAAS_FUNCTION(saas_mask_partial) {
    const std::size_t first = length_argument(PG_GETARG_INT32(1));
    const std::size_t last = length_argument(PG_GETARG_INT32(2));
    return pg::text_datum(privacy::partial(pg::text_string(PG_GETARG_DATUM(0)), first, last,
                                           pg::text_string(PG_GETARG_DATUM(3))));
}

SAAS_FUNCTION(saas_mask_email) {
    return pg::text_datum(privacy::partial_email(pg::text_string(PG_GETARG_DATUM(0))));
}

SAAS_FUNCTION(saas_mask_pseudonym) {
    return pg::text_datum(privacy::keyed_pseudonym(pg::text_string(PG_GETARG_DATUM(0)),
                                                   pg::bytes(PG_GETARG_DATUM(1))));
}

SAAS_FUNCTION(saas_mask_uuid) {
    return pg::text_datum(privacy::keyed_uuid(pg::text_string(PG_GETARG_DATUM(0)),
                                              pg::bytes(PG_GETARG_DATUM(1))));
}

SAAS_FUNCTION(saas_mask_fake) {
    return pg::text_datum(privacy::fake(pg::text_string(PG_GETARG_DATUM(0)),
                                        pg::text_string(PG_GETARG_DATUM(1)),
                                        pg::bytes(PG_GETARG_DATUM(2))));
}
