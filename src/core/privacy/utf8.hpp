// SPDX-License-Identifier: PostgreSQL
// Letters in UTF-8 (RFC 3629).
#pragma once

#include <cstddef>
#include <string_view>

namespace saas::core::privacy {

inline constexpr std::size_t k_letter_room = 4;

// Writes 1 … 4 bytes and returns how many. Halves of pairs are written as if they were letters.
inline std::size_t write_letter(char32_t c, char *out) noexcept {
    const auto tail = [c](int shift) { return static_cast<char>(0x80 | (c >> shift & 0x3f)); };
    if (c < 0x80) {
        out[0] = static_cast<char>(c);
        return 1;
    }
    if (c < 0x800) {
        out[0] = static_cast<char>(0xc0 | c >> 6);
        out[1] = tail(0);
        return 2;
    }
    if (c < 0x10000) {
        out[0] = static_cast<char>(0xe0 | c >> 12);
        out[1] = tail(6);
        out[2] = tail(0);
        return 3;
    }
    out[0] = static_cast<char>(0xf0 | c >> 18);
    out[1] = tail(12);
    out[2] = tail(6);
    out[3] = tail(0);
    return 4;
}

// A byte of a text that belongs to no letter, as a number above those of letters.
inline constexpr char32_t k_stray_byte = 0x110000;

// The letter at a place of a text, which is moved behind it; k_stray_byte and its value for a byte that begins none.
inline char32_t read_letter(std::string_view text, std::size_t &at) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const char32_t head = byte(at);
    const std::size_t length = head < 0x80 ? 1 : head < 0xc2 ? 0 : head < 0xe0 ? 2 : head < 0xf0 ? 3 : head < 0xf5 ? 4 : 0;
    char32_t letter = length == 1 ? head : head & (0xffU >> (length + 1));
    bool whole = length != 0 && text.size() - at >= length;
    for (std::size_t i = 1; whole && i < length; ++i) {
        whole = (byte(at + i) & 0xc0U) == 0x80;
        letter = letter << 6 | (byte(at + i) & 0x3fU);
    }
    constexpr char32_t k_least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (!whole || letter < k_least[length] || letter > 0x10ffff) {
        ++at;
        return k_stray_byte + head;
    }
    at += length;
    return letter;
}

} // namespace saas::core::privacy
