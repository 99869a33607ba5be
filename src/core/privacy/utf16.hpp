// SPDX-License-Identifier: PostgreSQL
// Texts in UTF-16 (RFC 2781) within bytes that may be anything else.
#pragma once

#include "core/privacy/words.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace saas::core::privacy {

// Bytes read as code units of UTF-16, from the first byte or the second one on. A unit is a byte of a word where
// the letter's UTF-8 has nothing but such bytes.
class utf16_text {
  public:
    utf16_text(std::string_view bytes, bool big_endian, bool from_second) noexcept
        : bytes_{bytes.substr(from_second && !bytes.empty() ? 1 : 0)}, big_endian_{big_endian} {}

    // In units; an odd byte at the end is none.
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() / 2; }

    // The units at a place, each in one byte: those of one byte in ISO 8859-1 as they are, any other as 0xff.
    void narrow(std::size_t place, std::size_t count, char *out) const noexcept;

    // A word of so many units at a place: its length in UTF-8, and its first bytes, the rest zeros.
    std::size_t head(std::size_t place, std::size_t count, std::array<char, 8> &out) const noexcept;

    // In UTF-8 from the place on, of which it is the first of a word, until so many words are whole.
    [[nodiscard]] std::string words_from(std::size_t place, std::size_t words) const;

  private:
    [[nodiscard]] char32_t unit(std::size_t at) const noexcept;
    [[nodiscard]] char32_t letter(std::size_t &at, std::size_t end) const noexcept;

    std::string_view bytes_;
    bool big_endian_;
};

} // namespace saas::core::privacy
