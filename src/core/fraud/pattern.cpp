// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/pattern.hpp"

#include <cstring>

namespace saas::core::fraud {
namespace {

// First byte after the character that starts at `at`.
std::size_t next_character(std::string_view words, std::size_t at) noexcept {
    ++at;
    while (at < words.size() && (static_cast<unsigned char>(words[at]) & 0xC0U) == 0x80U)
        ++at;
    return at;
}

} // namespace

// Greedy matching that goes back only to the last %: an earlier % never has to take more, since the
// later one can take whatever the earlier left.
bool matches_pattern(std::string_view words, std::string_view pattern) noexcept {
    constexpr std::size_t k_none = std::string_view::npos;
    std::size_t w = 0;
    std::size_t p = 0;
    std::size_t after_percent = k_none; // where the pattern goes on after the last %
    std::size_t taken = 0;              // up to where in `words` that % reaches
    while (w < words.size()) {
        if (p < pattern.size() && pattern[p] == '%') {
            after_percent = ++p;
            taken = w;
            continue;
        }
        if (p < pattern.size() && pattern[p] == '_') {
            w = next_character(words, w);
            ++p;
            continue;
        }
        if (p < pattern.size()) {
            std::size_t literal = pattern[p] == '\\' && p + 1 < pattern.size() ? p + 1 : p;
            if (pattern[literal] == words[w]) {
                ++w;
                p = literal + 1;
                continue;
            }
        }
        if (after_percent == k_none)
            return false;
        taken = next_character(words, taken);
        w = taken;
        p = after_percent;
    }
    while (p < pattern.size() && pattern[p] == '%')
        ++p;
    return p == pattern.size();
}

// The C library searches in linear time (two-way algorithm); std::search does not.
bool contains_text(std::string_view words, std::string_view part) noexcept {
    return part.empty() ||
           ::memmem(words.data(), words.size(), part.data(), part.size()) != nullptr;
}

} // namespace saas::core::fraud
