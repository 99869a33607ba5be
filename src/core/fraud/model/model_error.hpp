// SPDX-License-Identifier: PostgreSQL
// What can be wrong with a model file, and how large one may be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/error.hpp"

namespace saas::core::fraud {

inline constexpr sqlstate k_malformed_model{"SA060"};   // no model of that format
inline constexpr sqlstate k_unsupported_model{"SA061"}; // a model that cannot be scored here
inline constexpr sqlstate k_model_too_large{"SA062"};   // beyond the limits below
inline constexpr sqlstate k_bad_feature_map{"SA063"};   // the feature map does not fit the model

inline constexpr std::size_t k_max_model_bytes = 33'554'432;
inline constexpr std::size_t k_max_trees = 20'000;
inline constexpr std::size_t k_max_nodes = 4'194'304;      // of all trees together
inline constexpr std::size_t k_max_tree_nodes = 1'048'576; // of one tree
inline constexpr std::size_t k_max_tree_depth = 500;
inline constexpr std::size_t k_max_features = 10'000;
inline constexpr std::size_t k_max_category = 65'535; // the largest category code in a split
inline constexpr std::size_t k_max_category_words = 8'388'608; // of all sets, 32 categories each

// Throws SA060: the bytes are not what the format says. `where` is what was being read.
[[noreturn]] void refuse_malformed(const std::string &where, const std::string &detail);

// Throws SA061 with what was found and what would be scored.
[[noreturn]] void refuse_unsupported(const std::string &what, const std::string &hint);

// Throws SA062: more than `limit` of `what`.
[[noreturn]] void refuse_too_large(const std::string &what, std::size_t limit);

} // namespace saas::core::fraud
