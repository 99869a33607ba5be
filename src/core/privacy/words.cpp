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

void read_sixteen(const char *bytes, unsigned shift, word_block &block) noexcept {
    sixteen v;
    std::memcpy(&v, bytes, sizeof(v));
    const sixteen lower = v | each(0x20);
    const sixteen digit = (sixteen)((v >= each('0')) & (v <= each('9')));
    const sixteen letter = (sixteen)((lower >= each('a')) & (lower <= each('z')));
    // The sign of a byte above 127 is its highest bit, which is what is gathered.
    block.words |= high_bits(v | digit | letter) << shift;
    block.backslashes |= high_bits((sixteen)(v == each('\\'))) << shift;
}

word_block read_by_sixteen(const char *bytes) noexcept {
    word_block block;
    read_sixteen(bytes, 0, block);
    read_sixteen(bytes + 16, 16, block);
    read_sixteen(bytes + 32, 32, block);
    read_sixteen(bytes + 48, 48, block);
    return block;
}

// The same with the wider registers that most processors have.
#define SAAS_WIDE __attribute__((target("avx2")))
using thirty_two = char __attribute__((vector_size(32)));

SAAS_WIDE inline thirty_two each_wide(char c) noexcept {
    return thirty_two{} + c;
}

SAAS_WIDE inline void read_thirty_two(const char *bytes, unsigned shift, word_block &block) noexcept {
    thirty_two v;
    std::memcpy(&v, bytes, sizeof(v));
    const thirty_two lower = v | each_wide(0x20);
    const thirty_two digit = (thirty_two)((v >= each_wide('0')) & (v <= each_wide('9')));
    const thirty_two letter = (thirty_two)((lower >= each_wide('a')) & (lower <= each_wide('z')));
    const auto words = static_cast<std::uint32_t>(__builtin_ia32_pmovmskb256(v | digit | letter));
    const auto slashes = static_cast<std::uint32_t>(
        __builtin_ia32_pmovmskb256((thirty_two)(v == each_wide('\\'))));
    block.words |= std::uint64_t{words} << shift;
    block.backslashes |= std::uint64_t{slashes} << shift;
}

SAAS_WIDE word_block read_by_thirty_two(const char *bytes) noexcept {
    word_block block;
    read_thirty_two(bytes, 0, block);
    read_thirty_two(bytes + 32, 32, block);
    return block;
}

bool has_wide() noexcept {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") != 0;
}

const bool is_wide = has_wide();

word_block read_sixty_four(const char *bytes) noexcept {
    return is_wide ? read_by_thirty_two(bytes) : read_by_sixteen(bytes);
}

// The rest of a text, read from where it may be read behind its end.
word_block read_some(const char *bytes, std::size_t count) noexcept {
    char padded[64] = {};
    std::memcpy(padded, bytes, count);
    return read_sixty_four(padded);
}
#else
word_block read_some(const char *bytes, std::size_t count) noexcept {
    word_block block;
    for (std::size_t i = 0; i < count; ++i) {
        block.words |= std::uint64_t{is_word(static_cast<unsigned char>(bytes[i]))} << i;
        block.backslashes |= std::uint64_t{bytes[i] == '\\'} << i;
    }
    return block;
}


word_block read_sixty_four(const char *bytes) noexcept {
    return read_some(bytes, 64);
}
#endif

} // namespace

word_block read_words(const char *bytes, std::size_t count, bool escaped) noexcept {
    word_block block = count == 64 ? read_sixty_four(bytes) : read_some(bytes, count);
    if ((block.backslashes | std::uint64_t{escaped}) == 0)
        return block;
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
