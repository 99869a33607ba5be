// SPDX-License-Identifier: PostgreSQL
// Finds what looks like a card number (primary account number) in text, so that none is stored.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace saas::core::payments {

struct text_range {
    std::size_t begin = 0;
    std::size_t end = 0; // one past the last
};

// Whether 12 to 19 decimal digits, without separators, are the number of a card: a range that a
// card network issues (ISO/IEC 7812-1), a length that it uses, and the check digit (Luhn, annex B).
[[nodiscard]] bool is_card_number(std::string_view digits) noexcept;

// The first number from `from` on that looks like a card's, alone or in groups of digits, ASCII or
// full width, with separators between them: spaces (one or two, or one of Unicode's), hyphens,
// dashes and dots; commas, slashes, underscores, tabs and line breaks where the groups are as
// networks print them; or digit by digit with spaces, hyphens, dashes or dots. What has no width
// (U+200B, U+2060, U+FEFF) separates nothing. The text is UTF-8; other bytes are no digits. Not
// looked at are digits that are part of a word, of an
// identifier such as pi_4242, of a UUID, of a decimal fraction or of a telephone number with a
// plus. Takes time proportional to the text.
[[nodiscard]] std::optional<text_range> find_card_number(std::string_view text,
                                                         std::size_t from = 0) noexcept;

// Overwrites what looks like card numbers with zeros, but for the first digit and the last four,
// so that no number of a card is left and text in JSON stays JSON. Returns how many there were.
std::size_t mask_card_numbers(std::span<char> text) noexcept;

} // namespace saas::core::payments
