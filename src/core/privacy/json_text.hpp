// SPDX-License-Identifier: PostgreSQL
// Characters of JSON strings (RFC 8259, section 7), eight at a time where nothing is to be escaped.
#pragma once

#include <cstddef>
#include <string_view>

namespace saas::core::privacy {

// Room that is enough for so many bytes, whatever they are.
[[nodiscard]] constexpr std::size_t json_characters_room(std::size_t size) noexcept {
    return 6 * size;
}

// Writes the text as it stands between the quotes of a JSON string and returns the end: quotation mark and backslash
// behind a backslash, \b \f \n \r \t, other characters below U+0020 as \u00xx, all other bytes as they are. `out` has
// json_characters_room(text.size()).
char *write_json_characters(std::string_view text, char *out) noexcept;

} // namespace saas::core::privacy
