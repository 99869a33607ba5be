// SPDX-License-Identifier: PostgreSQL
#include "core/screening/name.hpp"

#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "core/fraud/likeness.hpp"
#include "core/fraud/value.hpp"
#include "core/screening/letters.hpp"

namespace saas::core::screening {
namespace {

constexpr auto k_particles = std::to_array<std::string_view>({
    "abu",     "ag",  "al",  "and",  "ben",  "bin", "bint", "bn",  "bv",  "co",  "company",
    "corp",    "da",  "das", "de",   "del",  "den", "der",  "di",  "do",  "don", "dos",
    "dr",      "du",  "el",  "et",   "gmbh", "ibn", "inc",  "jr",  "la",  "le",  "les",
    "limited", "llc", "llp", "los",  "ltd",  "mr",  "mrs",  "ms",  "nv",  "of",  "ooo",
    "oao",     "pao", "plc", "prof", "pty",  "sa",  "sarl", "sir", "spa", "sr",  "srl",
    "st",      "the", "ul",  "und",  "van",  "von", "y",
});

bool is_particle(std::string_view text) noexcept {
    return std::find(k_particles.begin(), k_particles.end(), text) != k_particles.end();
}

// The next code point; what is not UTF-8 is U+FFFD, a byte at a time.
char32_t next_code_point(std::string_view text, std::size_t &at) noexcept {
    auto lead = static_cast<unsigned char>(text[at++]);
    if (lead < 0x80)
        return lead;
    std::size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4 || at + more > text.size())
        return 0xFFFD;
    char32_t c = lead & (0x3FU >> more);
    for (std::size_t i = 0; i < more; ++i) {
        auto byte = static_cast<unsigned char>(text[at + i]);
        if ((byte & 0xC0U) != 0x80)
            return 0xFFFD;
        c = (c << 6) | (byte & 0x3FU);
    }
    at += more;
    return c;
}

std::string normalized(std::string_view written) {
    std::string out;
    bool within = false;
    for (std::size_t at = 0; at < written.size();) {
        std::size_t from = at;
        folded f = fold_letter(next_code_point(written, at));
        if (f.kind == letter_kind::left_out)
            continue;
        if (f.kind == letter_kind::separator) {
            within = false;
            continue;
        }
        if (!within && !out.empty())
            out += ' ';
        within = true;
        out += f.kind == letter_kind::kept ? written.substr(from, at - from) : f.letters;
    }
    if (out.size() > k_max_normalized_length) {
        // A name of one word that long ends between two letters, which may be of several bytes.
        std::size_t end = out.rfind(' ', k_max_normalized_length);
        if (end == std::string::npos) {
            end = k_max_normalized_length;
            while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0U) == 0x80)
                --end;
        }
        out.resize(end);
    }
    return out;
}

struct spelling {
    std::string_view letters;
    std::string_view sound;
};
// The first that fits counts. Letters that are not named stay.
constexpr auto k_spellings = std::to_array<spelling>({
    {"shch", "s"}, {"tsch", "s"}, {"sch", "s"}, {"tch", "s"}, {"dzh", "j"}, {"sh", "s"},
    {"ch", "s"},   {"zh", "j"},   {"dj", "j"},  {"ts", "s"},  {"tz", "s"},  {"cz", "s"},
    {"ph", "f"},   {"kh", "k"},   {"gh", "k"},  {"ck", "k"},  {"qu", "k"},  {"dh", "d"},
    {"th", "t"},   {"ou", "u"},   {"oo", "u"},  {"ee", "i"},  {"ie", "i"},  {"ei", "i"},
    {"ae", "e"},   {"oe", "o"},   {"ue", "u"},  {"ce", "se"}, {"ci", "si"}, {"cy", "si"},
    {"c", "k"},    {"q", "k"},    {"g", "k"},   {"x", "ks"},  {"z", "s"},   {"w", "f"},
    {"v", "f"},    {"y", "i"},    {"e", "i"},   {"o", "u"},
});

bool is_vowel(char c) noexcept {
    return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
}

// John, Kahn, Sarah.
bool is_silent_h(std::string_view text, std::size_t at) noexcept {
    return text[at] == 'h' && at > 0 && is_vowel(text[at - 1]) &&
           (at + 1 == text.size() || !is_vowel(text[at + 1]));
}

// A word of Arabic script, which writes few vowels, and one of another that has the same
// consonants.
bool same_but_for_vowels(std::string_view a, std::string_view b) noexcept {
    bool a_has = std::any_of(a.begin(), a.end(), is_vowel);
    bool b_has = std::any_of(b.begin(), b.end(), is_vowel);
    if (a_has == b_has)
        return false;
    std::string_view bare = a_has ? b : a;
    std::size_t at = 0;
    char last = 0;
    for (char c : a_has ? a : b) {
        if (is_vowel(c) || c == last)
            continue;
        if (at == bare.size() || bare[at] != c)
            return false;
        last = c;
        ++at;
    }
    return at == bare.size() && at >= 3;
}

std::string sound_of(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        std::string_view rest = text.substr(at);
        auto found = std::find_if(k_spellings.begin(), k_spellings.end(),
                                  [&](const spelling &s) { return rest.starts_with(s.letters); });
        bool known = found != k_spellings.end();
        if (is_silent_h(text, at)) {
            ++at;
            continue;
        }
        for (char c : known ? found->sound : rest.substr(0, 1)) {
            bool letter = c >= 'a' && c <= 'z';
            if (!letter || out.empty() || out.back() != c)
                out += c;
        }
        at += known ? found->letters.size() : 1;
    }
    return out;
}

double likeness(fraud::value (*how)(const fraud::value &, const fraud::value &) noexcept,
                std::string_view a, std::string_view b) noexcept {
    fraud::value result = how(fraud::value::of(a), fraud::value::of(b));
    return result.type == fraud::value_type::real ? result.real : 0;
}

double word_similarity(const word &a, const word &b) noexcept {
    if (a.text == b.text)
        return 1;
    // An initial stands for a name that begins with it.
    if (a.text.size() == 1 || b.text.size() == 1)
        return a.text.front() == b.text.front() ? 0.85 : 0;
    if (same_but_for_vowels(a.sound, b.sound))
        return 0.92;
    return std::max(likeness(fraud::similarity, a.text, b.text),
                    0.97 * likeness(fraud::similarity, a.sound, b.sound));
}

struct pair {
    double likeness;
    std::size_t a;
    std::size_t b;
};

constexpr double k_least_likeness = 0.75; // of words that stand for each other
constexpr double k_particle_weight = 1.0 / 3;

double weight(const word &w) noexcept {
    return static_cast<double>(w.text.size()) * (w.particle ? k_particle_weight : 1);
}

double paired(std::span<const word> a, std::span<const word> b) {
    std::vector<pair> pairs;
    for (std::size_t i = 0; i < a.size(); ++i) {
        for (std::size_t j = 0; j < b.size(); ++j) {
            double alike = word_similarity(a[i], b[j]);
            if (alike >= k_least_likeness)
                pairs.push_back({alike, i, j});
        }
    }
    // Longer words first among equals, so that the order of the arguments does not matter.
    std::stable_sort(pairs.begin(), pairs.end(), [&](const pair &x, const pair &y) {
        double of_x = weight(a[x.a]) + weight(b[x.b]);
        double of_y = weight(a[y.a]) + weight(b[y.b]);
        return x.likeness != y.likeness ? x.likeness > y.likeness : of_x > of_y;
    });
    std::array<bool, k_max_words> in_a{};
    std::array<bool, k_max_words> in_b{};
    double alike = 0;
    double total = 0;
    for (const pair &p : pairs) {
        if (in_a[p.a] || in_b[p.b])
            continue;
        in_a[p.a] = in_b[p.b] = true;
        double counts = (weight(a[p.a]) + weight(b[p.b])) / 2;
        alike += counts * p.likeness;
        total += counts;
    }
    for (std::size_t i = 0; i < a.size(); ++i)
        total += in_a[i] ? 0 : weight(a[i]) / 2;
    for (std::size_t j = 0; j < b.size(); ++j)
        total += in_b[j] ? 0 : weight(b[j]) / 2;
    return total > 0 ? alike / total : 0;
}

std::string together(const name &n) {
    std::string out;
    for (const word &w : n.words())
        out += w.text;
    return out;
}

} // namespace

name::name(std::string_view written) {
    if (written.size() > k_max_name_length)
        throw error{k_invalid_parameter_value, "a name is too long",
                    "It has " + std::to_string(written.size()) + " bytes.",
                    "Names have up to " + std::to_string(k_max_name_length) + " bytes."};
    text_ = normalized(written);
    for (std::size_t at = 0; at < text_.size() && words_.size() < k_max_words;) {
        std::size_t end = std::min(text_.find(' ', at), text_.size());
        std::string text = text_.substr(at, end - at);
        std::string sound = sound_of(text);
        bool particle = is_particle(text);
        words_.push_back({std::move(text), std::move(sound), particle});
        at = end + 1;
    }
    // A name of particles alone is a name.
    if (std::all_of(words_.begin(), words_.end(), [](const word &w) { return w.particle; })) {
        for (word &w : words_)
            w.particle = false;
    }
}

double similarity(const name &a, const name &b) {
    if (a.words().empty() || b.words().empty())
        return 0;
    if (a.text() == b.text())
        return 1;
    double score =
        0.8 * paired(a.words(), b.words()) + 0.2 * likeness(fraud::token_set, a.text(), b.text());
    if (a.words().size() != b.words().size())
        score = std::max(score, 0.98 * likeness(fraud::token_set, together(a), together(b)));
    return std::min(score, 1.0);
}

} // namespace saas::core::screening
