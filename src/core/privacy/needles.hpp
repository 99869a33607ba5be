// SPDX-License-Identifier: PostgreSQL
// Finds words of an erased person in texts, knowing no more of them than keyed hashes.
//
// A text is a sequence of words: runs of ASCII letters and digits (case does not matter) and of bytes
// above 127. Everything else separates, and so does an escape of JSON such as \n. A needle is the
// sequence of words of one value, "ada@example.org" for instance three words, and what is kept of it is 48
// bits of SipHash-2-4 over the hashes of its words, 16 bits of a cheaper keyed hash of the first word, by which
// nearly all words of a text are passed over, and their number. Punctuation between words is not compared.
#pragma once

#include "core/error.hpp"
#include "core/privacy/siphash.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace saas::core::privacy {

inline constexpr std::size_t k_most_words = 8;

// What is kept of one value. More than k_most_words words: of the first ones.
struct needle {
    std::uint64_t hash = 0;
    std::uint8_t words = 0; // 1 … k_most_words; 0 for a text without words
};

[[nodiscard]] needle make_needle(const siphash_key &key, std::string_view value);

// A set of needles under one key.
class needle_set {
  public:
    // Needles with 0 words are left out.
    needle_set(const siphash_key &key, std::span<const needle> needles);

    // Whether one of them occurs in the text. `poll` is asked once in 64 bytes: throws cancelled.
    [[nodiscard]] bool occurs_in(std::string_view text, cancel_poll poll) const;

    [[nodiscard]] bool empty() const noexcept { return hashes_.empty(); }

  private:
    [[nodiscard]] bool begins_at(std::string_view text, std::size_t place, std::uint64_t tag) const;

    siphash_key key_;
    std::uint64_t odd_;                 // the key of the tags
    std::uint32_t lengths_ = 0;         // bit n: there is a needle of n words
    std::vector<std::uint64_t> tags_;   // a bit for each tag of a first word
    std::vector<std::uint64_t> hashes_; // sorted; their lowest 16 bits are the tag
};

// A set as bytes: the key, then nine bytes a needle, number of words and hash (little endian).
inline constexpr std::size_t k_needle_bytes = 9;
[[nodiscard]] std::vector<std::uint8_t> pack_needle(const needle &value);
// Throws 22023 for bytes that are no such set.
[[nodiscard]] needle_set unpack_needles(std::span<const std::uint8_t> bytes);

} // namespace saas::core::privacy
