// SPDX-License-Identifier: PostgreSQL
// One tree of XGBoost's JSON model.
#pragma once

#include <cstdint>
#include <vector>

#include "core/fraud/model/json_reader.hpp"
#include "core/fraud/model/source_tree.hpp"

namespace saas::core::fraud::detail {

// The arrays of one tree as the file has them; kept for the next tree.
struct xgboost_columns {
    std::vector<std::int64_t> left, right, feature, default_left, split_type;
    std::vector<float> condition, cover;
    std::vector<std::int64_t> categories, category_nodes, category_segments, category_sizes;
    std::int64_t leaf_vector = 1;
};

// Reads an array of numbers. Throws SA060, and SA062 for more than a tree may have nodes.
void read_floats(json_reader &in, std::vector<float> &out);

// Reads the object of one tree. `columns` is working memory. Throws SA060 for arrays that do not
// belong together, SA061 for leaves that are vectors, SA062 beyond the limits.
[[nodiscard]] source_tree read_xgboost_tree(json_reader &in, xgboost_columns &columns);

} // namespace saas::core::fraud::detail
