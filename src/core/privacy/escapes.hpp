// SPDX-License-Identifier: PostgreSQL
// Letters that JSON texts write as \u and four hexadecimal digits (RFC 8259, section 7).
#pragma once

#include <cstddef>
#include <string_view>

namespace saas::core::privacy {

[[nodiscard]] bool has_escapes(std::string_view text) noexcept;

// Writes the text with the letters themselves, in UTF-8, to `out`, which has room for as many bytes as the text; returns how
// many were written. Escapes of code points above `highest`, halves of a pair, and U+0000 stay as they are.
[[nodiscard]] std::size_t write_unescaped(std::string_view text, char32_t highest, char *out) noexcept;

} // namespace saas::core::privacy
