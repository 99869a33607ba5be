// SPDX-License-Identifier: PostgreSQL
// SQL entry points of masking.
#include "core/encryption/secret.hpp"
#include "core/error.hpp"
#include "core/hmac_key.hpp"
#include "core/privacy/masks.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

text *new_text(std::size_t length) {
    auto *out = static_cast<text *>(palloc(VARHDRSZ + length));
    SET_VARSIZE(out, VARHDRSZ + length);
    return out;
}

// `size` bytes in two parts that may overlap.
template <std::size_t Part>
void copy_parts(char *to, const char *from, std::size_t size) noexcept {
    memcpy(to, from, Part);
    memcpy(to + size - Part, from + size - Part, Part);
}

// Most pieces are of a few bytes, and copied without a call.
char *append(char *to, std::string_view piece) noexcept {
    const std::size_t size = piece.size();
    if (size > 16)
        memcpy(to, piece.data(), size);
    else if (size >= 8)
        copy_parts<8>(to, piece.data(), size);
    else if (size >= 4)
        copy_parts<4>(to, piece.data(), size);
    else if (size >= 2)
        copy_parts<2>(to, piece.data(), size);
    else if (size == 1)
        *to = piece[0];
    return to + size;
}

// A text of these pieces.
template <std::size_t Count>
Datum joined(const std::string_view (&pieces)[Count]) {
    std::size_t size = 0;
    for (const std::string_view piece : pieces)
        size += piece.size();
    text *out = new_text(size);
    char *to = VARDATA(out);
    for (const std::string_view piece : pieces)
        to = append(to, piece);
    return PointerGetDatum(out);
}

// A call's key, prepared: as a rule one for all rows of a query. Wiped with the function's memory, or by another one.
struct known_key {
    core::hmac_key prepared;
    std::vector<std::uint8_t> bytes;

    explicit known_key(std::vector<std::uint8_t> key) : prepared{key}, bytes{std::move(key)} {}
    ~known_key() { core::encryption::wipe(bytes); }
    known_key(const known_key &) = delete;
    known_key &operator=(const known_key &) = delete;
};
struct key_place {
    std::unique_ptr<known_key> key;
    MemoryContextCallback callback{};
};

const core::hmac_key &key_of(FunctionCallInfo fcinfo, int argument) {
    auto *place = static_cast<key_place *>(fcinfo->flinfo->fn_extra);
    if (place == nullptr) {
        place = new key_place;
        place->callback.arg = place;
        place->callback.func = [](void *kept) { delete static_cast<key_place *>(kept); };
        MemoryContextRegisterResetCallback(fcinfo->flinfo->fn_mcxt, &place->callback);
        fcinfo->flinfo->fn_extra = place;
    }
    std::vector<std::uint8_t> bytes = pg::bytes(PG_GETARG_DATUM(argument));
    if (place->key == nullptr || place->key->bytes != bytes)
        place->key = std::make_unique<known_key>(std::move(bytes));
    return place->key->prepared;
}

// The same when it is known and stands in the call as it is; nullptr else.
const core::hmac_key *known_key_of(FunctionCallInfo fcinfo, int argument) noexcept {
    const auto *place = static_cast<const key_place *>(fcinfo->flinfo->fn_extra);
    std::string_view bytes;
    if (place == nullptr || place->key == nullptr || !plain_text(fcinfo, argument, bytes))
        return nullptr;
    const known_key &known = *place->key;
    const bool same = known.bytes.size() == bytes.size() && (bytes.empty() || memcmp(known.bytes.data(), bytes.data(), bytes.size()) == 0);
    return same ? &known.prepared : nullptr;
}

// A keyed hash of a fixed length.
using hash_writer = void (*)(std::string_view value, const core::hmac_key &key, char *out) noexcept;

bool hash_at_once(FunctionCallInfo fcinfo, hash_writer write, std::size_t length, Datum &answer) {
    std::string_view value;
    const core::hmac_key *key = known_key_of(fcinfo, 1);
    if (key == nullptr || !plain_text(fcinfo, 0, value))
        return false;
    text *out = new_text(length);
    write(value, *key, VARDATA(out));
    answer = PointerGetDatum(out);
    return true;
}

Datum hash(FunctionCallInfo fcinfo, hash_writer write, std::size_t length) {
    const core::hmac_key &key = key_of(fcinfo, 1);
    std::string out(length, '\0');
    write(pg::text_string(PG_GETARG_DATUM(0)), key, out.data());
    return pg::text_datum(out);
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

static bool mask_pseudonym_at_once(FunctionCallInfo fcinfo, Datum &answer) {
    return hash_at_once(fcinfo, privacy::write_pseudonym, privacy::k_pseudonym_length, answer);
}

static bool mask_uuid_at_once(FunctionCallInfo fcinfo, Datum &answer) {
    return hash_at_once(fcinfo, privacy::write_pseudonymous_uuid, privacy::k_pseudonymous_uuid_length, answer);
}

SAAS_FUNCTION_WITH_SHORTCUT(saas_mask_pseudonym, mask_pseudonym_at_once) {
    return hash(fcinfo, privacy::write_pseudonym, privacy::k_pseudonym_length);
}

SAAS_FUNCTION_WITH_SHORTCUT(saas_mask_uuid, mask_uuid_at_once) {
    return hash(fcinfo, privacy::write_pseudonymous_uuid, privacy::k_pseudonymous_uuid_length);
}

SAAS_FUNCTION(saas_mask_fake) {
    const core::hmac_key &key = key_of(fcinfo, 2);
    return pg::text_datum(privacy::fake(pg::text_string(PG_GETARG_DATUM(0)), pg::text_string(PG_GETARG_DATUM(1)), key));
}
