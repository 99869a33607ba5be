// SPDX-License-Identifier: PostgreSQL
// Where the words of a text begin, sixteen bytes at a time where the processor can.
//
// A word is a run of ASCII letters and digits and of bytes above 127. A letter of n r t b f behind
// a backslash is an escape's and no part of a word. Backslashes may be doubled, as where a row is
// written as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace saas::core::privacy {

// 64 bytes of a text, which needs not have so many: bit i for byte i.
struct word_block {
    std::uint64_t words = 0;       // it belongs to a word
    std::uint64_t backslashes = 0; // it is one
};

// `bytes` points to `count` readable bytes, 1 … 64; `escaped`: the byte before was a backslash.
[[nodiscard]] word_block read_words(const char *bytes, std::size_t count, bool escaped) noexcept;

// The word that begins at `place` of a text, of which it is a place in a word. Its first byte may
// be what an escape left.
[[nodiscard]] std::string_view word_at(std::string_view text, std::size_t place) noexcept;

// Where the word behind `place` begins; the size of the text for none.
[[nodiscard]] std::size_t next_word(std::string_view text, std::size_t place) noexcept;

} // namespace saas::core::privacy
