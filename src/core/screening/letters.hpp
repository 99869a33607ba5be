// SPDX-License-Identifier: PostgreSQL
// Letters of names in the Latin alphabet without marks.
#pragma once

#include <cstdint>
#include <string_view>

namespace saas::core::screening {

enum class letter_kind : std::uint8_t {
    written,   // becomes the letters that come with it
    left_out,  // marks, apostrophes: the word goes on without it
    separator, // blanks and punctuation: a word ends
    kept,      // a letter of a script that is not transliterated: stays as it is
};

struct folded {
    letter_kind kind;
    std::string_view letters; // up to four of a to z and 0 to 9, of static storage
};

// What a code point becomes when names are compared: case and marks do not count; Cyrillic, Greek
// and Arabic letters become Latin ones.
[[nodiscard]] folded fold_letter(char32_t c) noexcept;

} // namespace saas::core::screening
