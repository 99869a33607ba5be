// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/escapes.hpp"

#include "core/privacy/utf8.hpp"

#include <algorithm>
#include <cstring>

namespace saas::core::privacy {
namespace {

constexpr std::size_t k_escape = 6; // \u0041
constexpr char32_t k_none = 0xffffffff;

constexpr char32_t digit(char c) noexcept {
    if (c >= '0' && c <= '9')
        return static_cast<char32_t>(c - '0');
    if (c >= 'a' && c <= 'f')
        return static_cast<char32_t>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F')
        return static_cast<char32_t>(c - 'A' + 10);
    return k_none;
}

// The code unit that is escaped at the beginning of the text; k_none for none.
char32_t unit_at(std::string_view text) noexcept {
    if (text.size() < k_escape || text[0] != '\\' || text[1] != 'u')
        return k_none;
    char32_t unit = 0;
    for (std::size_t i = 2; i < k_escape; ++i) {
        const char32_t value = digit(text[i]);
        if (value == k_none)
            return k_none;
        unit = unit << 4 | value;
    }
    return unit;
}

constexpr bool is_half(char32_t unit, char32_t first) noexcept {
    return unit >= first && unit < first + 0x400;
}

} // namespace

bool has_escapes(std::string_view text) noexcept {
    for (std::size_t at = text.find('\\'); at != std::string_view::npos; at = text.find('\\', at + 1))
        if (unit_at(text.substr(at)) != k_none)
            return true;
    return false;
}

std::size_t write_unescaped(std::string_view text, char32_t highest, char *out) noexcept {
    constexpr char32_t k_high = 0xd800;
    constexpr char32_t k_low = 0xdc00;
    char *to = out;
    while (!text.empty()) {
        const std::size_t run = text[0] == '\\' ? 0 : std::min(text.find('\\'), text.size());
        std::memcpy(to, text.data(), run);
        to += run;
        text.remove_prefix(run);
        if (text.empty())
            break;
        char32_t letter = unit_at(text);
        std::size_t length = k_escape;
        if (letter != k_none && is_half(letter, k_high)) {
            const char32_t low = unit_at(text.substr(k_escape));
            const bool is_pair = low != k_none && is_half(low, k_low);
            letter = is_pair ? 0x10000 + ((letter - k_high) << 10) + (low - k_low) : k_none;
            length = 2 * k_escape;
        }
        if (letter == k_none || letter == 0 || letter > highest || is_half(letter, k_low)) {
            *to++ = text[0];
            text.remove_prefix(1);
            continue;
        }
        to += write_letter(letter, to);
        text.remove_prefix(length);
    }
    return static_cast<std::size_t>(to - out);
}

} // namespace saas::core::privacy
