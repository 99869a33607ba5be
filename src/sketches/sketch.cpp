// SPDX-License-Identifier: PostgreSQL
#include "sketches/sketch.hpp"

#include "core/sha256.hpp"

#include <cstring>
#include <string_view>

#include "pg/prelude.hpp"

extern "C" {
#include "libpq/pqformat.h" // pq_getmsgbytes
}

namespace saas::sketches {
namespace {

[[noreturn]] void bad_text() {
    throw core::error{core::k_invalid_text_representation, "invalid input syntax for a sketch",
                      "A sketch is written as \\x and pairs of hexadecimal digits."};
}

} // namespace

void require_aggregate(FunctionCallInfo fcinfo) {
    if (!AggCheckCallContext(fcinfo, nullptr))
        throw core::error{core::k_feature_not_supported,
                          "only an aggregate may call this function",
                          {},
                          "saas.merge(a, b) merges two sketches."};
}

void too_large() {
    throw core::error{core::sqlstate{"54000"}, "too much data in one sketch",
                      "A sketch under construction has at most 1 GB.",
                      "Build sketches of shorter spans of time and merge them."};
}

bytes parse_text(const char *text, void (*check)(bytes)) {
    const std::string_view all{text};
    if (all.size() < 2 || all.substr(0, 2) != "\\x" || all.size() % 2 != 0)
        bad_text();
    const Size size = all.size() / 2 - 1;
    auto *data = static_cast<std::uint8_t *>(palloc(size + 1));
    if (!core::from_hex(all.substr(2), {data, size}))
        bad_text();
    try {
        check({data, size});
    } catch (const core::error &e) {
        throw core::error{core::k_invalid_text_representation, e.message(), e.detail(), e.hint()};
    }
    return {data, size};
}

char *format_text(bytes sketch) {
    constexpr char k_digits[] = "0123456789abcdef";
    auto *text = static_cast<char *>(palloc(2 * sketch.size() + 3));
    char *at = text;
    *at++ = '\\';
    *at++ = 'x';
    for (const std::uint8_t byte : sketch) {
        *at++ = k_digits[byte >> 4];
        *at++ = k_digits[byte & 15];
    }
    *at = '\0';
    return text;
}

bytes parse_message(StringInfo message, void (*check)(bytes)) {
    const int size = message->len - message->cursor;
    const char *data = pq_getmsgbytes(message, size);
    const bytes sketch{reinterpret_cast<const std::uint8_t *>(data), static_cast<Size>(size)};
    check(sketch);
    return sketch;
}

} // namespace saas::sketches
