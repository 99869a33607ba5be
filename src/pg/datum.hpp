// SPDX-License-Identifier: PostgreSQL
// Values between the server and C++. Safe to call while C++ objects are alive, but for …_unsafe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

namespace saas::pg {

// The bytes of a text datum where they are, or of a detoasted copy in the current memory context.
[[nodiscard]] std::string_view text_view_unsafe(Datum value);

// The text of a (possibly TOASTed) text datum.
[[nodiscard]] std::string text_string(Datum value);

// The elements of a text[] datum. Raises 22004 for a NULL element.
[[nodiscard]] std::vector<std::string> text_array(Datum value);

// A text[] with these elements, in the current memory context.
[[nodiscard]] Datum text_array_datum(const std::vector<std::string> &elements);

// The text form of a text[] with these elements.
[[nodiscard]] std::string array_literal(const std::vector<std::string> &elements);

} // namespace saas::pg
