// SPDX-License-Identifier: PostgreSQL
// The functions that a rule may call, apart from those over history.
#pragma once

#include "core/fraud/ast.hpp"

#include <optional>
#include <span>
#include <string_view>

namespace saas::core::fraud {

// What stands between the parentheses.
enum class call_shape : std::uint8_t {
    operands, // expressions of the given types
    name,     // one text in quotes: the name of a model or rule
    currency, // a currency of three letters in quotes
    clock     // [moment,] ['time zone']
};

struct function_spec {
    std::string_view name;
    operation op;
    call_shape shape;
    std::uint8_t least; // operands
    std::uint8_t most;
    static_type operand;
    static_type result;
    std::optional<term_kind> term = {};
};

// Ordered by name.
[[nodiscard]] std::span<const function_spec> known_functions() noexcept;
[[nodiscard]] const function_spec *find_function(std::string_view name) noexcept;

// The functions over history: count, sum and so on; nothing for another word. median is a percentile.
[[nodiscard]] std::optional<aggregate> find_aggregate(std::string_view name) noexcept;

// The function whose name is nearest to `name`, for a hint; empty when none is near.
[[nodiscard]] std::string_view nearest_function(std::string_view name);

} // namespace saas::core::fraud
