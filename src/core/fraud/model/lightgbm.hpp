// SPDX-License-Identifier: PostgreSQL
// What LightGBM's two formats have in common.
#pragma once

#include <cstdint>
#include <string>

#include "core/fraud/model/model.hpp"

namespace saas::core::fraud::detail {

// The head of a file.
struct lightgbm_head {
    std::string objective;
    std::vector<std::string> names;
    std::int64_t classes = 1;
    std::int64_t trees_per_iteration = 1;
    std::int64_t last_feature = -1;
    bool averaged = false;
};

// Checks the head and makes a model without trees of it. Throws SA060, SA061, SA062.
[[nodiscard]] model lightgbm_model(lightgbm_head head);

// LightGBM goes left at value <= threshold: the least threshold for value < threshold.
[[nodiscard]] double lightgbm_threshold(double threshold) noexcept;

// Throws SA061: trees with a regression in each leaf.
[[noreturn]] void refuse_linear_trees();

} // namespace saas::core::fraud::detail
