// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/rule_error.hpp"

namespace saas::core::fraud {
namespace {

bool continues_character(char c) noexcept {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

} // namespace

std::size_t character_position(std::string_view rule, std::size_t offset) noexcept {
    std::size_t position = 1;
    for (std::size_t i = 1; i <= offset && i <= rule.size(); ++i) {
        if (i == rule.size() || !continues_character(rule[i]))
            ++position;
    }
    return position;
}

std::string quoted(std::string_view words) {
    constexpr std::size_t k_shown = 40;
    std::size_t characters = 0;
    std::size_t end = 0;
    while (end < words.size() && characters < k_shown) {
        ++end;
        while (end < words.size() && continues_character(words[end]))
            ++end;
        ++characters;
    }
    std::string out{'"'};
    out.append(words.substr(0, end)).append(end < words.size() ? "...\"" : "\"");
    return out;
}

void refuse_rule(std::string_view rule, std::size_t offset, std::string problem, std::string hint) {
    throw rule_error{character_position(rule, offset), std::move(problem), std::move(hint)};
}

} // namespace saas::core::fraud
