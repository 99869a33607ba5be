// SPDX-License-Identifier: PostgreSQL
#include "pg/datum.hpp"

#include "core/error.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h" // TEXTOID
#include "utils/array.h"     // deconstruct_array
#include "utils/builtins.h"  // cstring_to_text_with_len
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

Datum text_array_datum(const std::vector<std::string> &elements) {
    return call([&] {
        auto *values = static_cast<Datum *>(palloc(sizeof(Datum) * (elements.size() + 1)));
        for (std::size_t i = 0; i < elements.size(); ++i)
            values[i] = PointerGetDatum(cstring_to_text_with_len(
                elements[i].data(), static_cast<int>(elements[i].size())));
        return PointerGetDatum(construct_array(values, static_cast<int>(elements.size()), TEXTOID,
                                               -1, false, TYPALIGN_INT));
    });
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

} // namespace saas::pg
