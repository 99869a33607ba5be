// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/utf16.hpp"

#include "core/privacy/utf8.hpp"

#include <cstring>

namespace saas::core::privacy {
namespace {

template <bool BigEndian>
char narrow_unit(const char *bytes) noexcept {
    const auto high = static_cast<unsigned char>(bytes[BigEndian ? 0 : 1]);
    return high != 0 ? '\xff' : bytes[BigEndian ? 1 : 0];
}

#if defined(__SSE2__)
using units = unsigned short __attribute__((vector_size(16)));
using packed_units = short __attribute__((vector_size(16))); // as the builtin takes them

template <bool BigEndian>
packed_units eight_units(const char *bytes) noexcept {
    units v;
    std::memcpy(&v, bytes, sizeof(v));
    const units high = BigEndian ? v & 0xff : v >> 8;
    const units low = BigEndian ? v >> 8 : v & 0xff;
    return (packed_units)((low | (units)(high != 0)) & 0xff);
}

// Sixteen units at a time; returns how many it took.
template <bool BigEndian>
std::size_t narrow_many(const char *bytes, std::size_t count, char *out) noexcept {
    std::size_t at = 0;
    for (; at + 16 <= count; at += 16) {
        const auto packed = __builtin_ia32_packuswb128(eight_units<BigEndian>(bytes + 2 * at),
                                                       eight_units<BigEndian>(bytes + 2 * at + 16));
        std::memcpy(out + at, &packed, sizeof(packed));
    }
    return at;
}
#else
template <bool BigEndian>
std::size_t narrow_many(const char *, std::size_t, char *) noexcept {
    return 0;
}
#endif

template <bool BigEndian>
void narrow_units(const char *bytes, std::size_t count, char *out) noexcept {
    for (std::size_t at = narrow_many<BigEndian>(bytes, count, out); at < count; ++at)
        out[at] = narrow_unit<BigEndian>(bytes + 2 * at);
}

} // namespace

char32_t utf16_text::unit(std::size_t at) const noexcept {
    const auto first = static_cast<unsigned char>(bytes_[2 * at]);
    const auto second = static_cast<unsigned char>(bytes_[2 * at + 1]);
    return big_endian_ ? char32_t{first} << 8 | second : char32_t{second} << 8 | first;
}

// Halves without the other one are letters of their own.
char32_t utf16_text::letter(std::size_t &at, std::size_t end) const noexcept {
    const char32_t one = unit(at++);
    if (one - 0xd800 >= 0x400 || at == end)
        return one;
    const char32_t low = unit(at) - 0xdc00;
    if (low >= 0x400)
        return one;
    ++at;
    return 0x10000 + ((one - 0xd800) << 10) + low;
}

void utf16_text::narrow(std::size_t place, std::size_t count, char *out) const noexcept {
    if (big_endian_)
        narrow_units<true>(bytes_.data() + 2 * place, count, out);
    else
        narrow_units<false>(bytes_.data() + 2 * place, count, out);
}

std::size_t utf16_text::head(std::size_t place, std::size_t count, std::array<char, 8> &out) const noexcept {
    out = {};
    std::size_t length = 0;
    for (std::size_t at = place; at < place + count;) {
        char bytes[k_letter_room];
        const std::size_t written = write_letter(letter(at, place + count), bytes);
        for (std::size_t i = 0; i < written && length + i < out.size(); ++i)
            out[length + i] = bytes[i];
        length += written;
    }
    return length;
}

std::string utf16_text::words_from(std::size_t place, std::size_t words) const {
    std::string text;
    std::size_t behind = 0; // the words that were counted
    for (std::size_t at = place; at < size() && words > 0;) {
        char bytes[k_letter_room];
        const std::size_t from = text.size();
        text.append(bytes, write_letter(letter(at, size()), bytes));
        const bool is_end = from > 0 && word_at(text, from).empty() && !word_at(text, from - 1).empty();
        if (!is_end || next_word(std::string_view{text}.substr(0, from), behind) == from)
            continue; // what stands there is an escape's
        --words;
        behind = from;
    }
    return text;
}

} // namespace saas::core::privacy
