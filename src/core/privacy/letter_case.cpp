// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/letter_case.hpp"

namespace saas::core::privacy {
namespace {

constexpr bool is_between(char32_t c, char32_t first, char32_t last) noexcept {
    return c >= first && c <= last;
}

// Capitals stand before their small letters.
constexpr char32_t latin(char32_t c) noexcept {
    if (is_between(c, 0xc0, 0xde))
        return c == 0xd7 ? c : c + 0x20;
    if (c == 0x178)
        return 0xff;
    // Without small letters of their own that two bytes could write alike.
    if (c == 0x130 || c == 0x131 || c == 0x138 || c == 0x149 || c == 0x17f)
        return c;
    if (is_between(c, 0x139, 0x148) || is_between(c, 0x179, 0x17e))
        return c + c % 2;
    return is_between(c, 0x100, 0x177) ? c | 1U : c;
}

constexpr char32_t greek(char32_t c) noexcept {
    if (c == 0x386)
        return 0x3ac;
    if (is_between(c, 0x388, 0x38a))
        return c + 37;
    if (c == 0x38c)
        return 0x3cc;
    if (c == 0x38e || c == 0x38f)
        return c + 63;
    if (is_between(c, 0x391, 0x3ab) && c != 0x3a2)
        return c + 0x20;
    return c == 0x3c2 ? 0x3c3 : c;
}

constexpr char32_t cyrillic(char32_t c) noexcept {
    if (is_between(c, 0x400, 0x40f))
        return c + 0x50;
    if (is_between(c, 0x410, 0x42f))
        return c + 0x20;
    if (c == 0x4c0)
        return 0x4cf;
    if (is_between(c, 0x4c1, 0x4ce))
        return c + c % 2;
    const bool in_pairs = is_between(c, 0x460, 0x481) || is_between(c, 0x48a, 0x4bf) || is_between(c, 0x4d0, 0x52f);
    return in_pairs ? c | 1U : c;
}

} // namespace

char32_t small_letter(char32_t c) noexcept {
    if (c < 0x180)
        return latin(c);
    if (is_between(c, 0x386, 0x3ff))
        return greek(c);
    if (is_between(c, 0x400, 0x52f))
        return cyrillic(c);
    return is_between(c, 0x531, 0x556) ? c + 0x30 : c;
}

} // namespace saas::core::privacy
