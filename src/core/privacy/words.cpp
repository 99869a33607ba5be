// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/words.hpp"

#include <cstring>

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
// Operators of the compilers instead of a header of the processor's.
using sixteen = char __attribute__((vector_size(16)));

constexpr sixteen each(char c) noexcept {
    return sixteen{c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c};
}

// Bit i for the highest bit of byte i.
std::uint64_t high_bits(sixteen bytes) noexcept {
    return static_cast<std::uint16_t>(__builtin_ia32_pmovmskb128(bytes));
}

word_block read_sixty_four(const char *bytes) noexcept {
    word_block block;
    for (unsigned part = 0; part < 64; part += 16) {
        sixteen v;
        std::memcpy(&v, bytes + part, sizeof(v));
        const sixteen lower = v | each(0x20);
        const sixteen digit = (sixteen)((v >= each('0')) & (v <= each('9')));
        const sixteen letter = (sixteen)((lower >= each('a')) & (lower <= each('z')));
        // The sign of a byte above 127 is its highest bit, which is what is gathered.
        block.words |= high_bits(v | digit | letter) << part;
        block.backslashes |= high_bits((sixteen)(v == each('\\'))) << part;
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
