// SPDX-License-Identifier: PostgreSQL
#include "encryption/plaintext.hpp"

#include <cstring>

#include "core/encryption/secret.hpp"
#include "encryption/errors.hpp"
#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "mb/pg_wchar.h"      // pg_server_to_any, pg_verify_mbstr
#include "utils/builtins.h"   // cstring_to_text
#include "utils/fmgrprotos.h" // jsonb_in, jsonb_out
}

namespace saas::encryption {
namespace {

std::span<const std::uint8_t> utf8_of(const char *text, std::size_t size) {
    const char *converted = pg_server_to_any(text, static_cast<int>(size), PG_UTF8);
    return {reinterpret_cast<const std::uint8_t *>(converted),
            converted == text ? size : std::strlen(converted)};
}

// Calls the server, and lets an error tell nothing of the value.
template <class Body>
auto without_telling(struct varlena *bytes, Body body) {
    try {
        return pg::call(body);
    } catch (const pg::pg_error &failure) {
        core::encryption::wipe(
            {reinterpret_cast<std::uint8_t *>(VARDATA(bytes)), VARSIZE(bytes) - VARHDRSZ});
        const int category = ERRCODE_TO_CATEGORY(failure.data->sqlerrcode);
        if (category != ERRCODE_DATA_EXCEPTION)
            throw; // cancelled, out of memory, a stack too deep
        decryption_failed();
    }
}

Datum text_of(struct varlena *bytes) {
    const char *data = VARDATA(bytes);
    const int size = static_cast<int>(VARSIZE(bytes) - VARHDRSZ);
    if (!pg_verify_mbstr(PG_UTF8, data, size, true)) {
        core::encryption::wipe(
            {reinterpret_cast<std::uint8_t *>(VARDATA(bytes)), VARSIZE(bytes) - VARHDRSZ});
        decryption_failed();
    }
    if (GetDatabaseEncoding() == PG_UTF8)
        return PointerGetDatum(bytes);
    return without_telling(bytes, [=] {
        const char *converted = pg_any_to_server(data, size, PG_UTF8);
        return converted == data ? PointerGetDatum(bytes)
                                 : PointerGetDatum(cstring_to_text(converted));
    });
}

} // namespace

std::span<const std::uint8_t> plaintext_of(Datum value, content what) {
    if (what == content::json) {
        const char *text = DatumGetCString(DirectFunctionCall1(jsonb_out, value));
        return utf8_of(text, std::strlen(text));
    }
    const struct varlena *given = PG_DETOAST_DATUM_PACKED(value);
    const char *data = VARDATA_ANY(given);
    const auto size = static_cast<std::size_t>(VARSIZE_ANY_EXHDR(given));
    if (what == content::text)
        return utf8_of(data, size);
    return {reinterpret_cast<const std::uint8_t *>(data), size};
}

Datum value_of(struct varlena *bytes, content what) {
    if (what == content::bytes)
        return PointerGetDatum(bytes);
    const Datum characters = text_of(bytes);
    if (what == content::text)
        return characters;
    return without_telling(bytes, [=] {
        return DirectFunctionCall1(jsonb_in, CStringGetDatum(TextDatumGetCString(characters)));
    });
}

} // namespace saas::encryption
