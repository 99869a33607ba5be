// SPDX-License-Identifier: PostgreSQL
// Text search for LIKE and INCLUDES.
#pragma once

#include <string_view>

namespace saas::core::fraud {

// Whether the whole of `words` fits `pattern`: % any text, also none; _ one character, where a
// character is a UTF-8 sequence; \ takes the next byte literally. Bytes compare as they are.
// Time: at most words.size() * pattern.size() steps, memory constant.
[[nodiscard]] bool matches_pattern(std::string_view words, std::string_view pattern) noexcept;

// Whether `words` contains `part`, in time linear in both.
[[nodiscard]] bool contains_text(std::string_view words, std::string_view part) noexcept;

} // namespace saas::core::fraud
