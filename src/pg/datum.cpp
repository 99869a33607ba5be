// SPDX-License-Identifier: PostgreSQL
#include "pg/datum.hpp"

#include <cstring>

#include "core/error.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h" // TEXTOID
#include "utils/array.h"     // deconstruct_array
#include "utils/builtins.h"  // cstring_to_text_with_len
#include "utils/uuid.h"      // pg_uuid_t
}

namespace saas::pg {
namespace {
constexpr core::sqlstate k_null_not_allowed{"22004"};
}

std::string_view text_view_unsafe(Datum value) {
    const text *detoasted = DatumGetTextPP(value);
    return {VARDATA_ANY(detoasted), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(detoasted))};
}

std::string text_string(Datum value) {
    return std::string{call([&] { return text_view_unsafe(value); })};
}

std::vector<std::string> text_array(Datum value) {
    Datum *elements = nullptr;
    bool *nulls = nullptr;
    int count = 0;
    call([&] {
        deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements,
                          &nulls, &count);
    });
    std::vector<std::string> texts;
    for (int i = 0; i < count; ++i) {
        if (nulls[i])
            throw core::error{k_null_not_allowed, "an element of the array is NULL"};
        texts.push_back(text_string(elements[i]));
    }
    return texts;
}

std::string array_literal(const std::vector<std::string> &elements) {
    std::string out{"{"};
    for (const std::string &element : elements) {
        out += out.size() > 1 ? ",\"" : "\"";
        for (char c : element) {
            if (c == '"' || c == '\\')
                out.push_back('\\');
            out.push_back(c);
        }
        out.push_back('"');
    }
    return out + "}";
}

std::vector<std::uint8_t> bytes(Datum value) {
    const bytea *detoasted = call([&] { return DatumGetByteaPP(value); });
    const auto *first = reinterpret_cast<const std::uint8_t *>(VARDATA_ANY(detoasted));
    return {first, first + VARSIZE_ANY_EXHDR(detoasted)};
}

Datum bytea_datum(std::span<const std::uint8_t> value) {
    auto *out = static_cast<bytea *>(call([&] { return palloc(VARHDRSZ + value.size()); }));
    SET_VARSIZE(out, VARHDRSZ + value.size());
    std::memcpy(VARDATA(out), value.data(), value.size());
    return PointerGetDatum(out);
}

Datum text_datum(std::string_view value) {
    return call([&] {
        return PointerGetDatum(cstring_to_text_with_len(value.data(), static_cast<int>(value.size())));
    });
}

Datum uuid_datum(const std::array<std::uint8_t, 16> &value) {
    auto *out = static_cast<pg_uuid_t *>(call([] { return palloc(sizeof(pg_uuid_t)); }));
    std::memcpy(out->data, value.data(), value.size());
    return UUIDPGetDatum(out);
}

Datum text_array_datum(const std::vector<std::string> &values) {
    return call([&] {
        auto *elements = static_cast<Datum *>(palloc(sizeof(Datum) * (values.size() + 1)));
        for (std::size_t i = 0; i < values.size(); ++i)
            elements[i] = PointerGetDatum(
                cstring_to_text_with_len(values[i].data(), static_cast<int>(values[i].size())));
        return PointerGetDatum(construct_array(elements, static_cast<int>(values.size()), TEXTOID, -1,
                                               false, TYPALIGN_INT));
    });
}

} // namespace saas::pg
