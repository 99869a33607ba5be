// SPDX-License-Identifier: PostgreSQL
// What columns, and keys of JSON values, are called that hold personal data: in the languages of Europe, and in the
// abbreviations of programmers.
#pragma once

#include <cstdint>
#include <string_view>

namespace saas::core::privacy {

// What kind of values a column has; a name that speaks for itself in one of them may not in another.
enum class value_kind : std::uint8_t { text, number, date, bytes, uuid };

// none: not by its name; beside: only beside others that are (name, login, photo); sure.
enum class name_rank : std::uint8_t { none, beside, sure };

// The rank of a name in UTF-8. Words begin at _, at a space, dot or hyphen and at capitals after small letters; digits, the case of ASCII letters and the marks
// of Latin ones do not count. A word about a value that stands elsewhere (email_sent, phone_model) makes it none.
[[nodiscard]] name_rank rank_of_name(std::string_view name, value_kind kind);

} // namespace saas::core::privacy
