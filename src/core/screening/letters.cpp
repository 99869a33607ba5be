// SPDX-License-Identifier: PostgreSQL
#include "core/screening/letters.hpp"

#include <cstddef>

namespace saas::core::screening {
namespace {

// What the letters of a range become, in slots of equal width that are filled up with blanks. Latin: the
// base letter by Unicode's canonical and compatibility decomposition, and by custom for those that have
// none (ß, æ, ø, đ, ł, þ, …). Cyrillic, Greek and Arabic: the letters that passports use for them, in
// substance ICAO Doc 9303 part 3, section 6, without its marks for letters that English has not.
constexpr char32_t k_latin_from = 0xC0;
constexpr std::string_view k_latin =
    "a a a a a a aec e e e e i i i i d n o o o o o   o u u u u y thssa a a a a a aec "
    "e e e e i i i i d n o o o o o   o u u u u y thy a a a a a a c c c c c c c c d d "
    "d d e e e e e e e e e e g g g g g g g g h h h h i i i i i i i i i i ijijj j k k "
    "k l l l l l l l l l l n n n n n n n n n o o o o o o oeoer r r r r r s s s s s s "
    "s s t t t t t t u u u u u u u u u u u u w w y y y z z z z z z s b b         o   "
    "  d d         a e f f g       i k k l     n n   o o     p p           t t t t u "
    "u   v y y z z                           dzdzdzljljljnjnjnja a i i o o u u u u u "
    "u u u u u   a a a a         g g k k o o o o     j dzdzdzg g     n n a a         "
    "a a a a e e e e i i i i o o o o r r r r u u u u s s t t     h h             a a "
    "e e o o o o o o o o y y                                                         ";
constexpr char32_t k_latin_additional_from = 0x1E00;
constexpr std::string_view k_latin_additional =
    "a a b b b b b b c c d d d d d d d d d d e e e e e e e e e e f f g g h h h h h h "
    "h h h h i i i i k k k k k k l l l l l l l l m m m m m m n n n n n n n n o o o o "
    "o o o o p p p p r r r r r r r r s s s s s s s s s s t t t t t t t t u u u u u u "
    "u u u u v v v v w w w w w w w w w w x x x x y y z z z z z z h t w y a s     ss  "
    "a a a a a a a a a a a a a a a a a a a a a a a a e e e e e e e e e e e e e e e e "
    "i i i i o o o o o o o o o o o o o o o o o o o o o o o o u u u u u u u u u u u u "
    "u u y y y y y y y y             ";
constexpr char32_t k_cyrillic_from = 0x400;
constexpr std::string_view k_cyrillic =
    "e   e   d   g   e   dz  i   i   j   lj  nj  c   k   i   u   dz  a   b   v   g   "
    "d   e   zh  z   i   y   k   l   m   n   o   p   r   s   t   u   f   kh  ts  ch  "
    "sh  shch    y       e   yu  ya  a   b   v   g   d   e   zh  z   i   y   k   l   "
    "m   n   o   p   r   s   t   u   f   kh  ts  ch  sh  shch    y       e   yu  ya  "
    "e   e   d   g   e   dz  i   i   j   lj  nj  c   k   i   u   dz  ";
constexpr char32_t k_greek_from = 0x386;
constexpr std::string_view k_greek =
    "a   e i i   o   y o i a v g d e z i thi k l m n x o p r   s t y f chpso i y a e "
    "i i y a v g d e z i thi k l m n x o p r s s t y f chpso i y o y o ";
constexpr char32_t k_arabic_from = 0x621;
constexpr std::string_view k_arabic =
    "  a a w i y a b a t thj h khd dhr z s shs d t z a gh            f q k l m n h w "
    "a y                                                                             "
    "                          p               ch                                  zh"
    "                                k           g                                   "
    "                      y ";

struct range {
    char32_t from;
    std::string_view slots;
    std::size_t width;
};
constexpr range k_ranges[] = {
    {k_latin_from, k_latin, 2},           {k_latin_additional_from, k_latin_additional, 2},
    {k_cyrillic_from, k_cyrillic, 4},     {k_greek_from, k_greek, 2},
    {k_arabic_from, k_arabic, 2},
};
constexpr std::string_view k_ascii = "abcdefghijklmnopqrstuvwxyz0123456789";

folded ascii(char32_t c) noexcept {
    if (c >= U'A' && c <= U'Z')
        c += 32;
    if (c >= U'a' && c <= U'z')
        return {letter_kind::written, k_ascii.substr(c - U'a', 1)};
    if (c >= U'0' && c <= U'9')
        return {letter_kind::written, k_ascii.substr(26 + (c - U'0'), 1)};
    // What stands within a word: O'Brien is obrien.
    return {c == U'\'' || c == U'`' ? letter_kind::left_out : letter_kind::separator, {}};
}

bool is_left_out(char32_t c) noexcept {
    return (c >= 0x300 && c <= 0x36F)      // combining marks
           || (c >= 0x2B0 && c <= 0x2FF)   // modifier letters, among them apostrophes
           || c == 0x2018 || c == 0x2019   // quotation marks that serve as apostrophes
           || c == 0xB4 || c == 0xAD       // acute accent, soft hyphen
           || (c >= 0x610 && c <= 0x61A)   // Arabic marks
           || c == 0x640 || (c >= 0x64B && c <= 0x65F) // tatweel and vowel marks
           || c == 0x670 || (c >= 0x200B && c <= 0x200F) || c == 0xFEFF;
}

bool is_separator(char32_t c) noexcept {
    return c < 0xC0 || c == 0xD7 || c == 0xF7 || (c >= 0x2000 && c <= 0x206F) ||
           (c >= 0x3000 && c <= 0x3004) || (c >= 0x3008 && c <= 0x3020) || c == 0x30FB ||
           c == 0x60C || c == 0x61B || c == 0x61F || c == 0xFFFD;
}

} // namespace

folded fold_letter(char32_t c) noexcept {
    if (c >= 0xFF01 && c <= 0xFF5E) // fullwidth forms
        c -= 0xFEE0;
    if (c < 0x80)
        return ascii(c);
    if (is_left_out(c))
        return {letter_kind::left_out, {}};
    if (is_separator(c))
        return {letter_kind::separator, {}};
    for (const range &r : k_ranges) {
        if (c < r.from || (c - r.from) * r.width >= r.slots.size())
            continue;
        std::string_view slot = r.slots.substr((c - r.from) * r.width, r.width);
        slot = slot.substr(0, slot.find(' '));
        if (!slot.empty())
            return {letter_kind::written, slot};
        // Signs without a sound of their own, and letters that we know no Latin ones for.
        return {c == 0x42A || c == 0x44A || c == 0x42C || c == 0x44C || c == 0x621
                    ? letter_kind::left_out
                    : letter_kind::kept,
                {}};
    }
    return {letter_kind::kept, {}};
}

} // namespace saas::core::screening
