// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/words.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace saas::core::privacy {
namespace {

constexpr bool is_word(unsigned char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c > 127;
}

constexpr bool is_escape(char c) noexcept {
    return c == 'n' || c == 'r' || c == 't' || c == 'b' || c == 'f';
}

word_block read_few(const char *bytes, std::size_t count) noexcept {
    word_block block;
    for (std::size_t i = 0; i < count; ++i) {
        block.words |= std::uint64_t{is_word(static_cast<unsigned char>(bytes[i]))} << i;
        block.backslashes |= std::uint64_t{bytes[i] == '\\'} << i;
    }
    return block;
}

#if defined(__SSE2__)
// Bit i for byte i of sixteen.
std::uint64_t bits(__m128i truths) noexcept {
    return static_cast<std::uint16_t>(_mm_movemask_epi8(truths));
}

word_block read_sixty_four(const char *bytes) noexcept {
    word_block block;
    for (unsigned part = 0; part < 64; part += 16) {
        const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i *>(bytes + part));
        const __m128i lower = _mm_or_si128(v, _mm_set1_epi8(0x20));
        const __m128i digit = _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8('0' - 1)),
                                            _mm_cmplt_epi8(v, _mm_set1_epi8('9' + 1)));
        const __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
                                             _mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
        // The sign of a byte above 127 is its highest bit, which is what is gathered.
        block.words |= bits(_mm_or_si128(v, _mm_or_si128(digit, letter))) << part;
        block.backslashes |= bits(_mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))) << part;
    }
    return block;
}
#endif

} // namespace

word_block read_words(const char *bytes, std::size_t count, bool escaped) noexcept {
#if defined(__SSE2__)
    word_block block = count == 64 ? read_sixty_four(bytes) : read_few(bytes, count);
#else
    word_block block = read_few(bytes, count);
#endif
    const std::uint64_t behind = block.backslashes << 1 | std::uint64_t{escaped};
    for (std::uint64_t left = behind & block.words; left != 0; left &= left - 1) {
        const auto i = static_cast<std::size_t>(__builtin_ctzll(left));
        if (is_escape(bytes[i]))
            block.words &= ~(std::uint64_t{1} << i);
    }
    return block;
}

std::string_view word_at(std::string_view text, std::size_t place) noexcept {
    std::size_t end = place;
    while (end < text.size() && is_word(static_cast<unsigned char>(text[end])))
        ++end;
    return text.substr(place, end - place);
}

std::size_t next_word(std::string_view text, std::size_t place) noexcept {
    while (place < text.size() && !is_word(static_cast<unsigned char>(text[place]))) {
        const bool escape = text[place] == '\\';
        ++place;
        if (escape && place < text.size() && is_escape(text[place]))
            ++place;
    }
    return place;
}

} // namespace saas::core::privacy
