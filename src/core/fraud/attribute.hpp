// SPDX-License-Identifier: PostgreSQL
// The catalogue of the attributes that rules may name, and the search for a near miss.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace saas::core::fraud {

// What an attribute holds. In a word the case of ASCII letters does not count, and in a code (country,
// currency) neither: they are folded to lower and to upper case, on the attribute's side and in the
// literals it is compared with. Metadata is whatever the document holds: text, number or truth value.
enum class attribute_type : std::uint8_t { boolean, number, text, word, code, metadata };

// Where the attribute comes from when a payment intent is assessed.
enum class attribute_origin : std::uint8_t {
    intent,   // a column of the intent
    payment,  // the intent's latest payment, unless it is supplied
    computed, // from other attributes, unless it is supplied
    supplied  // the application, in the intent's attributes
};

struct attribute {
    std::string_view name; // as written between the colons; a dot goes one object deeper
    attribute_type type;
    attribute_origin origin;
    std::string_view meaning;
    std::string_view same_as = {}; // another name of this attribute, under which it is looked up
};

// All attributes, ordered by name.
[[nodiscard]] std::span<const attribute> known_attributes() noexcept;

// The attribute called `name`, or null. amount_in_ and a currency of three letters is a number.
[[nodiscard]] const attribute *find_attribute(std::string_view name) noexcept;

// Whether `name` is amount_in_ and a currency of three small letters.
[[nodiscard]] bool is_converted_amount(std::string_view name) noexcept;

// Whether `name` is one of the windowed counters of Radar (…_hourly, …_daily, …_weekly,
// …_all_time).
[[nodiscard]] bool is_velocity_name(std::string_view name) noexcept;

// The candidate nearest to `name` by edits and neighbours swapped (optimal string alignment), when
// at most a third of its letters, and never more than three, differ; else empty. `candidates`
// yields names by index.
[[nodiscard]] std::string_view nearest_name(std::string_view name,
                                            std::span<const std::string_view> candidates);

// The nearest known attribute, or empty.
[[nodiscard]] std::string_view nearest_attribute(std::string_view name);

} // namespace saas::core::fraud
