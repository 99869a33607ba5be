// SPDX-License-Identifier: PostgreSQL
// JSON as text, for what is written once for a payment and not in the hottest path.
#pragma once

#include <string>
#include <string_view>

#include "core/fraud/value.hpp"

#include "pg/prelude.hpp"

namespace saas::fraud {

// A number in the shortest form that reads back as the same; "NaN", "Infinity".
[[nodiscard]] std::string number_text(double value);

// The text in JSON's quotes.
void append_quoted(std::string &out, std::string_view text);
// JSON has no NaN or infinity: a text.
void append_number(std::string &out, double value);
// What a rule saw: null when missing, {"failure": words} for a failure.
void append_value(std::string &out, const core::fraud::value &value);

// The jsonb of such a text, in the current memory context. Calls the server through pg::call.
[[nodiscard]] Datum jsonb_of(const std::string &text);

} // namespace saas::fraud
