// SPDX-License-Identifier: PostgreSQL
#include "fraud/json_text.hpp"

#include <charconv>

#include "pg/boundary.hpp"
#include "pg/json_value.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/builtins.h"   // CStringGetDatum
#include "utils/fmgrprotos.h" // jsonb_in
}

namespace saas::fraud {

std::string number_text(double value) {
    char digits[32];
    auto [end, status] = std::to_chars(digits, digits + sizeof digits, value);
    if (value != value)
        return "NaN";
    if (value - value != 0)
        return value > 0 ? "Infinity" : "-Infinity";
    return status == std::errc{} ? std::string(digits, end) : std::string{"NaN"};
}

void append_quoted(std::string &out, std::string_view text) {
    static constexpr char digits[] = "0123456789abcdef";
    out += '"';
    for (char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            out += "\\u00";
            out += digits[static_cast<unsigned char>(c) >> 4U];
            out += digits[static_cast<unsigned char>(c) & 15U];
        } else {
            out += c;
        }
    }
    out += '"';
}

void append_number(std::string &out, double value) {
    if (value - value == 0)
        out += number_text(value);
    else
        append_quoted(out, number_text(value));
}

void append_value(std::string &out, const core::fraud::value &value) {
    using core::fraud::value_type;
    switch (value.type) {
    case value_type::boolean:
        out += value.integer != 0 ? "true" : "false";
        break;
    case value_type::integer:
        out += std::to_string(value.integer);
        break;
    case value_type::real:
        append_number(out, value.real);
        break;
    case value_type::text:
        append_quoted(out, value.view());
        break;
    case value_type::failure:
        out += "{\"failure\":";
        append_quoted(out, core::fraud::describe(value.kind()));
        out += '}';
        break;
    default:
        out += "null";
    }
}

Datum jsonb_of(const std::string &text) {
    if (text == "[]") // mostly
        return pg::call([] { return JsonbPGetDatum(pg::make_json_array(nullptr, 0)); });
    return pg::call([&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(text.c_str())); });
}

} // namespace saas::fraud
