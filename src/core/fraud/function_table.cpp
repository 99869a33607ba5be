// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/function_table.hpp"

#include "core/fraud/lexer.hpp"

#include <algorithm>
#include <iterator>

namespace saas::core::fraud {
namespace {

constexpr auto k_any = static_type::any;
constexpr auto k_text = static_type::text;
constexpr auto k_number = static_type::number;
constexpr auto k_truth = static_type::boolean;

constexpr function_spec k_functions[] = {
    {"age", operation::age, call_shape::operands, 1, 1, k_any, k_number},
    {"amount_in", operation::term, call_shape::currency, 1, 1, k_any, k_number, term_kind::amount},
    {"cidr_match", operation::cidr_match, call_shape::operands, 2, 50, k_text, k_truth},
    {"distance_km", operation::distance_km, call_shape::operands, 4, 4, k_number, k_number},
    {"dow", operation::term, call_shape::clock, 0, 2, k_any, k_number, term_kind::weekday},
    {"email_domain", operation::email_domain, call_shape::operands, 1, 1, k_text, k_text},
    {"hour", operation::term, call_shape::clock, 0, 2, k_any, k_number, term_kind::hour},
    {"is_missing", operation::is_missing, call_shape::operands, 1, 1, k_any, k_truth},
    {"lower", operation::lower, call_shape::operands, 1, 1, k_text, k_text},
    {"luhn", operation::luhn, call_shape::operands, 1, 1, k_text, k_truth},
    {"model_score", operation::term, call_shape::name, 1, 1, k_any, k_number, term_kind::model},
    {"normalize_email", operation::normalize_email, call_shape::operands, 1, 1, k_text, k_text},
    {"rule_hit", operation::rule_hit, call_shape::name, 1, 1, k_any, k_truth},
    {"similarity", operation::similarity, call_shape::operands, 2, 2, k_text, k_number},
    {"snoozed", operation::term, call_shape::operands, 1, 1, k_text, k_truth, term_kind::snooze},
    {"token_set", operation::token_set, call_shape::operands, 2, 2, k_text, k_number},
};

struct named_aggregate {
    std::string_view name;
    aggregate what;
};
constexpr named_aggregate k_aggregates[] = {
    {"count", aggregate::count},           {"sum", aggregate::sum},
    {"avg", aggregate::avg},               {"min", aggregate::min},
    {"max", aggregate::max},               {"stddev", aggregate::stddev},
    {"median", aggregate::percentile},     {"percentile", aggregate::percentile},
    {"first", aggregate::first},           {"last", aggregate::last}};

} // namespace

std::span<const function_spec> known_functions() noexcept {
    return k_functions;
}

const function_spec *find_function(std::string_view name) noexcept {
    const auto *found =
        std::find_if(std::begin(k_functions), std::end(k_functions),
                     [&](const function_spec &f) { return same_word(f.name, name); });
    return found == std::end(k_functions) ? nullptr : found;
}

std::optional<aggregate> find_aggregate(std::string_view name) noexcept {
    const auto *found =
        std::find_if(std::begin(k_aggregates), std::end(k_aggregates),
                     [&](const named_aggregate &a) { return same_word(a.name, name); });
    return found == std::end(k_aggregates) ? std::nullopt : std::optional{found->what};
}

std::string_view nearest_function(std::string_view name) {
    std::vector<std::string_view> names;
    for (const function_spec &known : k_functions)
        names.push_back(known.name);
    for (const named_aggregate &known : k_aggregates)
        names.push_back(known.name);
    return nearest_name(name, names);
}

} // namespace saas::core::fraud
