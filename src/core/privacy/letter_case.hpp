// SPDX-License-Identifier: PostgreSQL
// Small letters for capitals, in UTF-8.
#pragma once

#include <cstdint>

namespace saas::core::privacy {

// The small letter of a capital of the Latin (to U+017F), Greek, Cyrillic and Armenian alphabets, and of the Greek
// letter at the end of a word; any other letter as it is. Code points U+0080 … U+07FF, which UTF-8 writes in two bytes,
// stay among them (Unicode character database, simple case folding).
[[nodiscard]] char32_t small_letter(char32_t c) noexcept;

} // namespace saas::core::privacy
