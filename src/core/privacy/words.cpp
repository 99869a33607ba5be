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

void read_one_by_one(const char *bytes, std::size_t count, word_block *blocks) noexcept {
    for (std::size_t at = 0; at < count; ++at) {
        word_block block;
        for (std::size_t i = 0; i < k_block; ++i) {
            const char c = bytes[at * k_block + i];
            block.words |= std::uint64_t{is_word(static_cast<unsigned char>(c))} << i;
            block.backslashes |= std::uint64_t{c == '\\'} << i;
        }
        blocks[at] = block;
    }
}

#if defined(__SSE2__)
// Operators of the compilers instead of a header of the processor's. What is compared are signed bytes: what is
// added moves the last letter (the last digit) to 127, so that those of them are the greatest and nothing
// else is, whether it runs over or not.
constexpr unsigned char k_to_letters = 127 - 'z';
constexpr signed char k_below_letters = 127 - 26;
constexpr unsigned char k_to_digits = 127 - '9';
constexpr signed char k_below_digits = 127 - 10;

using sixteen = signed char __attribute__((vector_size(16)));
using bytes_of_sixteen = char __attribute__((vector_size(16))); // as the builtin takes them
using sixteen_wrapping = unsigned char __attribute__((vector_size(16)));

inline void read_sixteen(const char *bytes, unsigned shift, word_block &block) noexcept {
    sixteen v;
    std::memcpy(&v, bytes, sizeof(v));
    const auto plain = (sixteen_wrapping)v;
    const sixteen letter = (sixteen)((sixteen)((plain | 0x20) + k_to_letters) > k_below_letters);
    const sixteen digit = (sixteen)((sixteen)(plain + k_to_digits) > k_below_digits);
    const sixteen slash = (sixteen)(v == '\\');
    // The sign of a byte above 127 is its highest bit, which is what is gathered.
    const auto words = static_cast<std::uint16_t>(__builtin_ia32_pmovmskb128((bytes_of_sixteen)(v | letter | digit)));
    const auto slashes = static_cast<std::uint16_t>(__builtin_ia32_pmovmskb128((bytes_of_sixteen)slash));
    block.words |= std::uint64_t{words} << shift;
    block.backslashes |= std::uint64_t{slashes} << shift;
}

void read_by_sixteen(const char *bytes, std::size_t count, word_block *blocks) noexcept {
    for (std::size_t at = 0; at < count; ++at, bytes += k_block) {
        word_block block;
        for (unsigned i = 0; i < k_block; i += 16)
            read_sixteen(bytes + i, i, block);
        blocks[at] = block;
    }
}

// The same with the wider registers that most processors have.
using thirty_two = signed char __attribute__((vector_size(32)));
using wide_bytes = char __attribute__((vector_size(32)));
using thirty_two_wrapping = unsigned char __attribute__((vector_size(32)));

#define SAAS_WIDE __attribute__((target("avx2")))

SAAS_WIDE inline void read_thirty_two(const char *bytes, unsigned shift, word_block &block) noexcept {
    thirty_two v;
    std::memcpy(&v, bytes, sizeof(v));
    const auto plain = (thirty_two_wrapping)v;
    const auto letter = (thirty_two)((thirty_two)((plain | 0x20) + k_to_letters) > k_below_letters);
    const auto digit = (thirty_two)((thirty_two)(plain + k_to_digits) > k_below_digits);
    const auto slash = (thirty_two)(v == '\\');
    const auto words = static_cast<std::uint32_t>(__builtin_ia32_pmovmskb256((wide_bytes)(v | letter | digit)));
    const auto slashes = static_cast<std::uint32_t>(__builtin_ia32_pmovmskb256((wide_bytes)slash));
    block.words |= std::uint64_t{words} << shift;
    block.backslashes |= std::uint64_t{slashes} << shift;
}

SAAS_WIDE void read_by_thirty_two(const char *bytes, std::size_t count, word_block *blocks) noexcept {
    for (std::size_t at = 0; at < count; ++at, bytes += k_block) {
        word_block block;
        read_thirty_two(bytes, 0, block);
        read_thirty_two(bytes + 32, 32, block);
        blocks[at] = block;
    }
}

constexpr block_reader k_readers[] = {read_one_by_one, read_by_sixteen, read_by_thirty_two};

std::size_t usable_readers() noexcept {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") != 0 ? 3 : 2;
}

const std::size_t usable = usable_readers();
#else
constexpr block_reader k_readers[] = {read_one_by_one};
constexpr std::size_t usable = 1;
#endif

} // namespace

std::span<const block_reader> block_readers() noexcept {
    return {k_readers, usable};
}

void read_blocks(const char *bytes, std::size_t size, word_block *blocks) noexcept {
    const block_reader read = k_readers[usable - 1];
    const std::size_t whole = size / k_block;
    read(bytes, whole, blocks);
    const std::size_t rest = size % k_block;
    if (rest == 0)
        return;
    char padded[k_block] = {};
    std::memcpy(padded, bytes + whole * k_block, rest);
    read(padded, 1, blocks + whole);
}

std::uint64_t without_escapes(const char *bytes, const word_block &block, bool escaped) noexcept {
    std::uint64_t words = block.words;
    const std::uint64_t behind = block.backslashes << 1 | std::uint64_t{escaped};
    for (std::uint64_t left = behind & words; left != 0; left &= left - 1) {
        const auto i = static_cast<std::size_t>(__builtin_ctzll(left));
        if (is_escape(bytes[i]))
            words &= ~(std::uint64_t{1} << i);
    }
    return words;
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
