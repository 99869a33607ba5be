// SPDX-License-Identifier: PostgreSQL
// SQL entry points of masking.
#include "core/privacy/masks.hpp"
#include "core/error.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"

#include <cstring>
#include <string_view>

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

// The bytes of a text that is stored in its row as it is; false for another one.
bool plain_text(FunctionCallInfo fcinfo, int argument, std::string_view &out) noexcept {
    const auto *value = reinterpret_cast<const varlena *>(PG_GETARG_POINTER(argument));
    if (VARATT_IS_EXTERNAL(value) || VARATT_IS_COMPRESSED(value))
        return false;
    out = {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
    return true;
}

// A text of these pieces.
template <std::size_t Count>
Datum joined(const std::string_view (&pieces)[Count]) {
    std::size_t size = VARHDRSZ;
    for (const std::string_view piece : pieces)
        size += piece.size();
    auto *out = static_cast<varlena *>(palloc(size));
    SET_VARSIZE(out, size);
    char *to = VARDATA(out);
    for (const std::string_view piece : pieces) {
        memcpy(to, piece.data(), piece.size());
        to += piece.size();
    }
    return PointerGetDatum(out);
}

} // namespace

// Masks run once a value: without copies, and without a frame that could catch an exception.
static bool mask_partial_at_once(FunctionCallInfo fcinfo, Datum &answer) {
    std::string_view value, filler;
    const std::int32_t first = PG_GETARG_INT32(1);
    const std::int32_t last = PG_GETARG_INT32(2);
    if (first < 0 || last < 0 || !plain_text(fcinfo, 0, value) || !plain_text(fcinfo, 3, filler))
        return false;
    const auto shown = privacy::partial_parts(value, static_cast<std::size_t>(first), static_cast<std::size_t>(last));
    answer = joined({shown.head, filler, filler, filler, shown.tail});
    return true;
}

static bool mask_email_at_once(FunctionCallInfo fcinfo, Datum &answer) {
    std::string_view value;
    if (!plain_text(fcinfo, 0, value))
        return false;
    const auto shown = privacy::email_parts(value);
    answer = shown.name.empty() ? joined({"***"}) : joined({shown.name, "***@", shown.domain, "***", shown.top_level});
    return true;
}

SAAS_FUNCTION_WITH_SHORTCUT(saas_mask_partial, mask_partial_at_once) {
    const std::size_t first = length_argument(PG_GETARG_INT32(1));
    const std::size_t last = length_argument(PG_GETARG_INT32(2));
    return pg::text_datum(privacy::partial(pg::text_string(PG_GETARG_DATUM(0)), first, last,
                                           pg::text_string(PG_GETARG_DATUM(3))));
}

SAAS_FUNCTION_WITH_SHORTCUT(saas_mask_email, mask_email_at_once) {
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
