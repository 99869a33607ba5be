// SPDX-License-Identifier: PostgreSQL
// Functions that compare or clean texts: names, e-mail addresses, card numbers.
#pragma once

#include "core/fraud/operations.hpp"
#include "core/fraud/value.hpp"

namespace saas::core::fraud {

// Texts beyond this many bytes are not compared by likeness: the time grows with the product of both
// lengths.
inline constexpr std::size_t k_max_compared_length = 256;

// Jaro-Winkler similarity, 0 to 1 (W. E. Winkler, String Comparator Metrics and Enhanced Decision Rules
// in the Fellegi-Sunter Model of Record Linkage, 1990): prefix of up to 4, weight 0.1. Compares bytes
// without regard to ASCII case. Two empty texts are equal. text_too_long beyond 256 bytes.
[[nodiscard]] value similarity(const value &a, const value &b) noexcept;

// Likeness of two sets of words, 0 to 1: words (runs of letters and digits, ASCII case ignored, each once)
// that both have, alone and with the rest of either side, are compared pair by pair, and the best
// counts. A pair's likeness is twice its longest common subsequence over both lengths. So the order of
// words and words that only one side has do not matter. 0 when a side has no word.
[[nodiscard]] value token_set(const value &a, const value &b) noexcept;

// Whether the digits of a text, blanks and hyphens left out, end in a right check digit (ISO/IEC
// 7812-1, annex B). False for anything else, and for fewer than two digits.
[[nodiscard]] value luhn(const value &a) noexcept;

// An address in the form in which equal mailboxes are mostly equal: lower case, without blanks around it,
// without what follows a + in the local part; at gmail.com and googlemail.com also without dots, under the
// name gmail.com. Missing for a text that is no address. May throw std::bad_alloc.
[[nodiscard]] value normalize_email(const value &a, text_arena &arena);

} // namespace saas::core::fraud
