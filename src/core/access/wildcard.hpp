// SPDX-License-Identifier: PostgreSQL
// Patterns of SQL's LIKE: % any characters, _ one character, \ takes the next character literally.
//
// Matching never fails and needs no stack, whatever text and pattern are. That is what lets
// saas.ilike() look at rows that its caller may not see: an error would tell about them.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/error.hpp"

namespace saas::core::access {

// The length in bytes of the character that begins at `text`, by its first byte(s); at least 1.
using character_length = std::size_t (*)(const char *text);

// Encodings of one byte a character, and UTF-8.
[[nodiscard]] std::size_t single_byte_length(const char *text) noexcept;
[[nodiscard]] std::size_t utf8_length(const char *text) noexcept;

// False for a pattern that ends in a backslash which stands for no character.
[[nodiscard]] bool is_valid_pattern(std::string_view pattern) noexcept;

// Whether the whole text matches. An invalid pattern matches nothing. Time is at worst the product
// of both lengths, with `poll` asked on the way: throws cancelled.
[[nodiscard]] bool matches(std::string_view text, std::string_view pattern, character_length length,
                           cancel_poll poll);

} // namespace saas::core::access
