// SPDX-License-Identifier: PostgreSQL
// Where the words of a text begin, 64 bytes at a time where the processor can.
//
// A word is a run of ASCII letters and digits and of bytes above 127. A letter of n r t b f behind
// a backslash is an escape's and no part of a word. Backslashes may be doubled, as where a row is
// written as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace saas::core::privacy {

inline constexpr std::size_t k_block = 64;

// 64 bytes of a text, which needs not have so many: bit i for byte i.
struct word_block {
    std::uint64_t words = 0;       // it belongs to a word, unless it is an escape's
    std::uint64_t backslashes = 0; // it is one
};

// Reads count * k_block bytes into as many blocks.
using block_reader = void (*)(const char *bytes, std::size_t count, word_block *blocks) noexcept;

// The readers that work on this processor, the fastest one last; the first works on any.
[[nodiscard]] std::span<const block_reader> block_readers() noexcept;

// Reads `size` bytes into blocks, of which there is room for size / k_block, rounded up, with the fastest of them.
void read_blocks(const char *bytes, std::size_t size, word_block *blocks) noexcept;

// The words of a block without the letters of escapes. `bytes`: its own; `escaped`: the byte before was a backslash.
[[nodiscard]] std::uint64_t without_escapes(const char *bytes, const word_block &block,
                                            bool escaped) noexcept;

// The word that begins at `place` of a text, of which it is a place in a word. Its first byte may
// be what an escape left.
[[nodiscard]] std::string_view word_at(std::string_view text, std::size_t place) noexcept;

// Where the word behind `place` begins; the size of the text for none.
[[nodiscard]] std::size_t next_word(std::string_view text, std::size_t place) noexcept;

} // namespace saas::core::privacy
