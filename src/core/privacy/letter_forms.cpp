// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/letter_forms.hpp"

#include "core/privacy/letter_case.hpp"
#include "core/privacy/letter_tables.hpp"
#include "core/privacy/utf8.hpp"

#include <algorithm>

namespace saas::core::privacy {
namespace {

// Hangul syllables are a leading consonant, a vowel and perhaps a consonant behind (Unicode, section 3.12).
constexpr char32_t k_syllables = 0xac00;
constexpr char32_t k_leading = 0x1100;
constexpr char32_t k_vowels = 0x1161;
constexpr char32_t k_trailing = 0x11a7; // one before the first
constexpr char32_t k_leading_count = 19;
constexpr char32_t k_vowel_count = 21;
constexpr char32_t k_trailing_count = 28;
constexpr char32_t k_syllable_count = k_leading_count * k_vowel_count * k_trailing_count;

const letter_pair *find_letter(std::span<const letter_pair> letters, char32_t c) noexcept {
    const auto at = std::lower_bound(letters.begin(), letters.end(), c,
                                     [](const letter_pair &one, char32_t letter) { return one.letter < letter; });
    return at == letters.end() || at->letter != c ? nullptr : &*at;
}

// What a letter is together with its last mark; nullptr for a letter without.
const letter_pair *parts_of(char32_t c) noexcept {
    const letter_pair *const composed = find_letter(composed_letters(), c);
    return composed != nullptr ? composed : find_letter(never_composed_letters(), c);
}

std::uint8_t order_of(char32_t c) noexcept {
    const auto marks = mark_ranges();
    const auto at = std::lower_bound(marks.begin(), marks.end(), c,
                                     [](const mark_range &range, char32_t mark) { return range.last < mark; });
    return at == marks.end() || c < at->first ? std::uint8_t{0} : at->order;
}

void append_parts(char32_t c, std::u32string &out) {
    if (c < 0xc0) {
        out += c;
        return;
    }
    if (c - k_syllables < k_syllable_count) {
        const char32_t number = c - k_syllables;
        out += k_leading + number / (k_vowel_count * k_trailing_count);
        out += k_vowels + number / k_trailing_count % k_vowel_count;
        if (number % k_trailing_count != 0)
            out += k_trailing + number % k_trailing_count;
        return;
    }
    const letter_pair *const parts = parts_of(c);
    if (parts == nullptr) {
        out += c;
        return;
    }
    append_parts(parts->first, out);
    if (parts->second != 0)
        append_parts(parts->second, out);
}

void order_marks(std::u32string &letters) {
    for (std::size_t at = 0; at < letters.size();) {
        const std::size_t from = at;
        while (at < letters.size() && order_of(letters[at]) != 0)
            ++at;
        std::stable_sort(letters.begin() + static_cast<std::ptrdiff_t>(from), letters.begin() + static_cast<std::ptrdiff_t>(at),
                         [](char32_t a, char32_t b) { return order_of(a) < order_of(b); });
        at += at == from ? 1 : 0;
    }
}

std::u32string apart(std::string_view word) {
    std::u32string letters;
    for (std::size_t at = 0; at < word.size();)
        append_parts(read_letter(word, at), letters);
    order_marks(letters);
    return letters;
}

// The letter of these two, 0 for none.
char32_t together(char32_t first, char32_t second) noexcept {
    if (first - k_leading < k_leading_count && second - k_vowels < k_vowel_count)
        return k_syllables + ((first - k_leading) * k_vowel_count + second - k_vowels) * k_trailing_count;
    const char32_t syllable = first - k_syllables;
    if (syllable < k_syllable_count && syllable % k_trailing_count == 0 && second - k_trailing - 1 < k_trailing_count - 1)
        return first + second - k_trailing;
    for (const letter_pair &one : composed_letters())
        if (one.first == first && one.second == second)
            return one.letter;
    return 0;
}

// Of letters and marks apart. A mark behind another one of its class or a higher one belongs to none before it.
std::u32string composed(const std::u32string &letters) {
    std::u32string out;
    std::size_t start = std::u32string::npos; // of the letter that marks go to
    int last = -1;                            // class of the mark before, of those that stayed behind the letter
    for (const char32_t c : letters) {
        const int order = order_of(c);
        const char32_t one = start != std::u32string::npos && last < order ? together(out[start], c) : 0;
        if (one != 0) {
            out[start] = one;
            continue;
        }
        out += c;
        last = order;
        if (order == 0) {
            start = out.size() - 1;
            last = -1;
        }
    }
    return out;
}

// Of composed letters; of those that have two marks the last one apart.
std::u32string last_mark_apart(const std::u32string &letters) {
    std::u32string out;
    for (const char32_t c : letters) {
        const letter_pair *const parts = find_letter(composed_letters(), c);
        if (parts == nullptr || find_letter(composed_letters(), parts->first) == nullptr) {
            out += c;
            continue;
        }
        out += parts->first;
        out += parts->second;
    }
    return out;
}

template <class Out>
void append_letter(char32_t c, Out &out) {
    using unit = typename Out::value_type;
    if (c >= k_stray_byte) {
        out.push_back(static_cast<unit>(c - k_stray_byte));
        return;
    }
    char bytes[k_letter_room];
    const std::size_t length = write_letter(c, bytes);
    for (std::size_t i = 0; i < length; ++i)
        out.push_back(static_cast<unit>(bytes[i]));
}

std::string written(const std::u32string &letters) {
    std::string out;
    for (const char32_t c : letters)
        append_letter(c, out);
    return out;
}

} // namespace

void append_plain_form(std::string_view word, std::vector<std::uint8_t> &out) {
    std::size_t ascii = 0;
    for (; ascii < word.size() && static_cast<unsigned char>(word[ascii]) < 0x80; ++ascii) {
        const char c = word[ascii];
        out.push_back(static_cast<std::uint8_t>(c >= 'A' && c <= 'Z' ? c | 0x20 : c));
    }
    if (ascii == word.size())
        return;
    // ASCII letters stay what they are, whatever follows them.
    for (const char32_t c : apart(word.substr(ascii)))
        append_letter(c >= 'A' && c <= 'Z' ? c | 0x20 : small_letter(c), out);
}

std::vector<std::string> written_forms(std::string_view word) {
    std::vector<std::string> forms{std::string{word}};
    if (std::none_of(word.begin(), word.end(), [](char c) { return static_cast<unsigned char>(c) > 127; }))
        return forms;
    const std::u32string letters = apart(word);
    const std::u32string whole = composed(letters);
    for (const std::u32string &form : {letters, whole, last_mark_apart(whole)}) {
        std::string bytes = written(form);
        if (std::find(forms.begin(), forms.end(), bytes) == forms.end())
            forms.push_back(std::move(bytes));
    }
    return forms;
}

} // namespace saas::core::privacy
