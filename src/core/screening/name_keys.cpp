// SPDX-License-Identifier: PostgreSQL
#include <algorithm>

#include "core/screening/name.hpp"

namespace saas::core::screening {
namespace {

constexpr std::size_t k_keyed_words = 6;   // of a name, so that the number of pairs stays small
constexpr std::size_t k_least_to_omit = 3; // shorter ones without a consonant would fit too much

// Kinds of keys, so that those of one never equal those of another by design.
enum class kind : char { pair = 'p', single = 's', part = 'w', together = 't' };

bool is_vowel(char c) noexcept {
    return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
}

// The consonants of a sound, each run once; a vowel in front stays, as a.
std::string skeleton_of(std::string_view sound) {
    std::string out;
    for (char c : sound) {
        if (is_vowel(c)) {
            if (out.empty())
                out += 'a';
        } else if (out.empty() || out.back() != c || static_cast<unsigned char>(c) >= 0x80) {
            out += c;
        }
    }
    return out;
}

// The skeleton, and what is left of it without one of its letters (symmetric deletion: two that
// differ by one letter have one of these in common).
std::vector<std::string> variants_of(const std::string &skeleton) {
    std::vector<std::string> out{skeleton};
    bool ascii = std::all_of(skeleton.begin(), skeleton.end(),
                             [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (!ascii || skeleton.size() < k_least_to_omit)
        return out;
    for (std::size_t i = 0; i < skeleton.size(); ++i) {
        std::string shorter = skeleton;
        shorter.erase(i, 1);
        out.push_back(std::move(shorter));
    }
    return out;
}

// FNV-1a of 64 bits (G. Fowler, L. C. Noll, P. Vo), folded to 32.
class hash {
public:
    hash(std::string_view scope, kind of) noexcept {
        add(scope);
        add({reinterpret_cast<const char *>(&of), 1});
    }
    hash &add(std::string_view text) noexcept {
        for (char c : text)
            step(static_cast<unsigned char>(c));
        step(0xFF); // in no UTF-8 text
        return *this;
    }
    [[nodiscard]] std::int32_t key() const noexcept {
        return static_cast<std::int32_t>(static_cast<std::uint32_t>(state_ ^ (state_ >> 32)));
    }

private:
    void step(unsigned char byte) noexcept { state_ = (state_ ^ byte) * 0x100000001B3ULL; }
    std::uint64_t state_ = 0xCBF29CE484222325ULL;
};

struct keyed_word {
    std::vector<std::string> variants;
    std::string beginning; // the first two letters of the skeleton, of a short one the first
};

std::vector<keyed_word> keyed_words(const name &n) {
    std::vector<keyed_word> out;
    for (bool initials : {false, true}) {
        for (const word &w : n.words()) {
            bool initial = w.text.size() == 1;
            if (w.particle || initial != initials || out.size() >= k_keyed_words)
                continue;
            std::string skeleton = skeleton_of(w.sound);
            out.push_back({variants_of(skeleton), skeleton.substr(0, skeleton.size() > 2 ? 2 : 1)});
        }
        if (out.size() > 1) // initials count where there is no more
            break;
    }
    return out;
}

void add_pair(std::vector<std::int32_t> &keys, std::string_view scope, const keyed_word &long_one,
              const keyed_word &short_one) {
    for (const std::string &variant : long_one.variants)
        keys.push_back(hash{scope, kind::pair}.add(variant).add(short_one.beginning).key());
}

void add_keys(std::vector<std::int32_t> &keys, const name &n, std::string_view scope, key_use use) {
    auto words = keyed_words(n);
    if (words.empty())
        return;
    std::string whole;
    for (const word &w : n.words())
        whole += w.sound;
    keys.push_back(hash{scope, kind::together}.add(skeleton_of(whole)).key());
    for (std::size_t i = 0; i < words.size(); ++i) {
        for (std::size_t j = 0; j < words.size(); ++j) {
            if (i != j)
                add_pair(keys, scope, words[i], words[j]);
        }
    }
    bool alone = words.size() == 1;
    for (const keyed_word &w : words) {
        // A name of one word is found by any name that has it, and finds names that have it as it
        // is.
        if (alone || use == key_use::looked_for) {
            for (const std::string &variant : w.variants)
                keys.push_back(hash{scope, kind::single}.add(variant).key());
        }
        if (use == key_use::stored || alone)
            keys.push_back(hash{scope, kind::part}.add(w.variants.front()).key());
    }
}

} // namespace

std::vector<std::int32_t> name_keys(std::span<const std::string> names, std::string_view scope,
                                    key_use use) {
    std::vector<std::int32_t> keys;
    for (const std::string &written : names)
        add_keys(keys, name{written}, scope, use);
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
}

} // namespace saas::core::screening
