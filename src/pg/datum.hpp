// SPDX-License-Identifier: PostgreSQL
// Values between the server and C++. Safe to call while C++ objects are alive, but for …_unsafe.
#pragma once

#include <array>
#include <cstdint>
#include <span>
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

// The text form of a text[] with these elements.
[[nodiscard]] std::string array_literal(const std::vector<std::string> &elements);

// The bytes of a (possibly TOASTed) bytea datum.
[[nodiscard]] std::vector<std::uint8_t> bytes(Datum value);

// New values in the current memory context.
[[nodiscard]] Datum bytea_datum(std::span<const std::uint8_t> value);
[[nodiscard]] Datum text_datum(std::string_view value);
[[nodiscard]] Datum uuid_datum(const std::array<std::uint8_t, 16> &value);
[[nodiscard]] Datum text_array_datum(const std::vector<std::string> &values);

} // namespace saas::pg
