// SPDX-License-Identifier: PostgreSQL
// Names of persons and organisations as lists of sanctions and their screening compare them: in one
// alphabet, by words, by spelling and by sound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace saas::core::screening {

// A name beyond this many bytes is no name.
inline constexpr std::size_t k_max_name_length = 1024;
// Of a normalised name, what is beyond this many bytes, back to the end of a word, is not compared.
inline constexpr std::size_t k_max_normalized_length = 240;
inline constexpr std::size_t k_max_words = 12;

struct word {
    std::string text;      // a to z, 0 to 9, letters that are kept
    std::string sound;     // the same for spellings that are often taken for each other
    bool particle = false; // al, bin, van, Mr, Ltd: says little about who it is
};

// A name in words. Throws 22023 for one that is too long.
class name {
public:
    // Any bytes; what is not UTF-8 separates words.
    explicit name(std::string_view written);

    // The words with a blank between them: "Ödön  von-Horváth" is "odon von horvath". May be empty.
    [[nodiscard]] const std::string &text() const noexcept { return text_; }
    [[nodiscard]] std::span<const word> words() const noexcept { return words_; }

private:
    std::string text_;
    std::vector<word> words_; // up to k_max_words
};

// How alike two names are, 0 to 1; 0 when a side has no word. Words are paired, the most alike
// first, by Jaro-Winkler similarity of spelling and of sound; every pair counts by its length, what
// is left over on either side counts against it by half of that, particles by a third. Into that
// flow by a fifth the likeness of the sets of words, and, where one side has fewer words, the names
// written together. So order, case, marks, alphabet, joined words and a missing middle name matter
// little or not at all.
[[nodiscard]] double similarity(const name &a, const name &b);

// Whose keys: those under which a name is found, or those to look for.
enum class key_use : std::uint8_t { stored, looked_for };

// Keys such that names which are alike share one, mostly: for each pair of words a hash of the
// consonants of one, or of them but one (so that one may be wrong), and of the first two of the other (of
// one that has no more, the first); for single words and for the name written together a hash of its
// own. Sorted, each once. The scope is part of every key: names of different scopes share none.
[[nodiscard]] std::vector<std::int32_t> name_keys(std::span<const std::string> names,
                                                  std::string_view scope, key_use use);

} // namespace saas::core::screening
