// SPDX-License-Identifier: PostgreSQL
// Card numbers in text: saas.contains_card_number() and saas.mask_card_numbers().
#include "core/payments/card_number.hpp"
#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/builtins.h" // cstring_to_text_with_len
}

using namespace saas; // NOLINT: entry points only

SAAS_FUNCTION(saas_contains_card_number) {
    const text *value = PG_GETARG_TEXT_PP(0);
    PG_RETURN_BOOL(core::payments::find_card_number({VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)})
                       .has_value());
}

SAAS_FUNCTION(saas_mask_card_numbers) {
    const text *value = PG_GETARG_TEXT_PP(0);
    text *masked =
        cstring_to_text_with_len(VARDATA_ANY(value), static_cast<int>(VARSIZE_ANY_EXHDR(value)));
    core::payments::mask_card_numbers({VARDATA_ANY(masked), VARSIZE_ANY_EXHDR(masked)});
    PG_RETURN_TEXT_P(masked);
}
