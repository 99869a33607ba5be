// SPDX-License-Identifier: PostgreSQL
// What is wrong with the text of a rule, and where.
#pragma once

#include "core/error.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace saas::core::fraud {

// A rule that cannot be used: it does not parse, names something unknown, mixes types, or asks for
// what this version does not offer.
inline constexpr sqlstate k_invalid_rule{"SA050"};

// SA050. `position` counts characters (UTF-8) from 1. The message of core::error says where as
// well; problem() does not.
class rule_error : public error {
public:
    rule_error(std::size_t position, std::string problem, std::string hint)
        : error{k_invalid_rule,
                problem + " at character " + std::to_string(position),
                {},
                std::move(hint)},
          position_{position}, problem_{std::move(problem)} {}

    [[nodiscard]] std::size_t position() const noexcept { return position_; }
    [[nodiscard]] const std::string &problem() const noexcept { return problem_; }

private:
    std::size_t position_;
    std::string problem_;
};

// Throws a rule_error for the byte `offset` of `rule`.
[[noreturn]] void refuse_rule(std::string_view rule, std::size_t offset, std::string problem,
                              std::string hint = {});

// The 1-based character that the byte `offset` of `rule` belongs to.
[[nodiscard]] std::size_t character_position(std::string_view rule, std::size_t offset) noexcept;

// `words` in double quotes, cut after 40 characters: for messages.
[[nodiscard]] std::string quoted(std::string_view words);

} // namespace saas::core::fraud
