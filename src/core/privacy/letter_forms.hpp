// SPDX-License-Identifier: PostgreSQL
// Words that Unicode holds for the same, whether letters and their marks are one code point or several
// (Unicode Standard Annex #15).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace saas::core::privacy {

// Appends a word in UTF-8 with letters and marks apart (normalization form D) and small letters for
// capitals (small_letter()): the same bytes for all ways to write it. Bytes that are no UTF-8 stay.
void append_plain_form(std::string_view word, std::vector<std::uint8_t> &out);

// The ways to write a word: as it is, with each letter and its marks apart (form D), together as far as they
// can be (form C), and with only the last mark of a letter of two apart, as Vietnamese keyboards write.
// One to four, all different, the word itself first.
[[nodiscard]] std::vector<std::string> written_forms(std::string_view word);

} // namespace saas::core::privacy
