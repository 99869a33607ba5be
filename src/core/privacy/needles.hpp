// SPDX-License-Identifier: PostgreSQL
// Finds words of an erased person in texts, knowing no more of them than keyed hashes.
//
// A text is a sequence of words: runs of ASCII letters and digits and of bytes above 127; case does not matter, as far as
// small_letter() knows it, nor whether a letter and its mark are one code point or two. Everything else separates, and so
// does an escape of JSON such as \n. A needle is the sequence of words of one value, "ada@example.org" for instance
// three words, and what is kept of it is 48 bits of SipHash-2-4 over the hashes of its words, 16 bits of a cheaper keyed
// hash of the first word as it is written, by which nearly all words of a text are passed over, the number of words,
// and the length of the first one, by which a few needles are found faster. Where there are several ways to write the first
// word, there is a needle for each. Punctuation between words is not compared.
#pragma once

#include "core/error.hpp"
#include "core/privacy/siphash.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace saas::core::privacy {

inline constexpr std::size_t k_most_words = 8;

// Lengths of first words from here on are not told apart.
inline constexpr std::size_t k_long_word = 15;
inline constexpr std::uint32_t k_any_length = 0xffff;

// What is kept of a value. More than k_most_words words: of the first ones.
struct needle {
    std::uint64_t hash = 0;
    std::uint8_t words = 0;  // 1 … k_most_words
    std::uint8_t length = 0; // of the first word, 1 … k_long_word; 0 when it is not known
};

// One for each way to write the first word (written_forms()), one for words of ASCII; none for a text without words.
[[nodiscard]] std::vector<needle> make_needles(const siphash_key &key, std::string_view value);

// A needle that was found.
struct occurrence {
    std::uint64_t hash;
    std::size_t place; // of its first byte in the text
};

// A set of needles under one key.
class needle_set {
  public:
    // Needles with 0 words are left out.
    needle_set(const siphash_key &key, std::span<const needle> needles);

    // Whether one of them occurs in the text; when none does, whether the text has a backslash.
    struct glance {
        bool is_found;
        bool has_backslashes;
    };
    // `poll` is asked once in 64 bytes: throws cancelled; so do the others.
    [[nodiscard]] glance look_for(std::string_view text, cancel_poll poll) const;
    [[nodiscard]] bool occurs_in(std::string_view text, cancel_poll poll) const { return look_for(text, poll).is_found; }

    // The same for texts in UTF-16 of either byte order within these bytes, beginning at any of them.
    [[nodiscard]] bool occurs_in_utf16(std::string_view bytes, cancel_poll poll) const;

    // Adds the hashes of those that occur, so that `hashes`, which are sorted, stay so, each once.
    void find_hashes(std::string_view text, cancel_poll poll, std::vector<std::uint64_t> &hashes) const;
    void find_hashes_utf16(std::string_view bytes, cancel_poll poll, std::vector<std::uint64_t> &hashes) const;

    // Adds all that occur in it, each as often as it does. Returns whether the text has a backslash.
    bool find_all(std::string_view text, cancel_poll poll, std::vector<occurrence> &found) const;

    [[nodiscard]] bool empty() const noexcept { return hashes_.empty(); }

    // Whether one of them may begin with a word of a length of which the bit is set.
    [[nodiscard]] bool may_begin(std::uint32_t lengths) const noexcept {
        return (lengths & first_lengths_) != 0;
    }

  private:
    // Calls found(hash, place) for each occurrence until it returns true.
    template <class Source, class Found>
    glance search(Source source, cancel_poll &poll, Found found) const;
    template <class Found>
    bool search_utf16(std::string_view bytes, cancel_poll &poll, Found found) const;
    template <class Found>
    bool begins_at(std::string_view text, std::size_t place, std::uint64_t tag, const Found &found) const;
    [[nodiscard]] std::uint64_t of_right_length(std::uint64_t words, std::uint64_t starts) const noexcept;
    [[nodiscard]] bool has_length(std::size_t length) const noexcept {
        return (first_lengths_ >> (length < k_long_word ? length : k_long_word) & 1U) != 0;
    }
    [[nodiscard]] bool has_tag(std::uint64_t tag) const noexcept {
        return (tags_[tag / 64] >> (tag % 64) & 1U) != 0;
    }
    class plain_source;
    class utf16_source;

    siphash_key key_;
    std::uint64_t odd_;                 // the key of the tags
    std::uint32_t lengths_ = 0;         // bit n: there is a needle of n words
    std::uint32_t first_lengths_ = 0;   // bit n: a first word has so many letters
    std::vector<unsigned> first_;       // the same, when they are few
    std::vector<std::uint64_t> tags_;   // a bit for each tag of a first word
    std::vector<std::uint64_t> hashes_; // sorted; their lowest 16 bits are the tag
};

// A set as bytes: the key, then nine bytes a needle: number of words and 16 times the length of the first, and hash (little
// endian).
inline constexpr std::size_t k_needle_bytes = 9;
[[nodiscard]] std::vector<std::uint8_t> pack_needle(const needle &value);
// Throws 22023 for bytes that are no such set.
[[nodiscard]] needle_set unpack_needles(std::span<const std::uint8_t> bytes);

} // namespace saas::core::privacy
