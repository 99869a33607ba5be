// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/json_text.hpp"

#include <array>
#include <cstdint>
#include <cstring>

namespace saas::core::privacy {
namespace {

// What follows the backslash of each byte; 0: the byte needs none, 'u': it is written as \u00xx.
constexpr std::array<char, 256> k_escapes = [] {
    std::array<char, 256> out{};
    for (std::size_t i = 0; i < 0x20; ++i)
        out[i] = 'u';
    out['"'] = '"';
    out['\\'] = '\\';
    out['\b'] = 'b';
    out['\f'] = 'f';
    out['\n'] = 'n';
    out['\r'] = 'r';
    out['\t'] = 't';
    return out;
}();

constexpr std::uint64_t k_ones = 0x0101'0101'0101'0101U;
constexpr std::uint64_t k_highs = 0x8080'8080'8080'8080U;

// The high bit of some byte is set when one of the eight is below the limit, which is at most 0x80.
constexpr std::uint64_t any_below(std::uint64_t word, std::uint64_t limit) noexcept {
    return (word - k_ones * limit) & ~word & k_highs;
}

constexpr bool needs_escape(std::uint64_t word) noexcept {
    return (any_below(word, 0x20) | any_below(word ^ k_ones * '"', 1) | any_below(word ^ k_ones * '\\', 1)) != 0;
}

char *put_character(char c, char *out) noexcept {
    constexpr char hex[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    const char escape = k_escapes[byte];
    if (escape == 0) {
        *out++ = c;
        return out;
    }
    *out++ = '\\';
    *out++ = escape;
    if (escape == 'u') {
        *out++ = '0';
        *out++ = '0';
        *out++ = hex[byte >> 4];
        *out++ = hex[byte & 15];
    }
    return out;
}

} // namespace

char *write_json_characters(std::string_view text, char *out) noexcept {
    const char *from = text.data();
    const char *end = from + text.size();
    while (end - from >= 8) {
        std::uint64_t word;
        std::memcpy(&word, from, 8);
        if (needs_escape(word)) {
            for (int i = 0; i < 8; ++i)
                out = put_character(*from++, out);
            continue;
        }
        std::memcpy(out, &word, 8);
        from += 8;
        out += 8;
    }
    while (from < end)
        out = put_character(*from++, out);
    return out;
}

} // namespace saas::core::privacy
