// SPDX-License-Identifier: PostgreSQL
// One decision tree as a file describes it: not yet checked, not yet laid out for scoring.
#pragma once

#include <cstdint>
#include <vector>

namespace saas::core::fraud {

enum class node_kind : std::uint8_t { leaf, numeric, category };

// Which values count as missing in a numeric split.
enum class missing_kind : std::uint8_t {
    nan,  // NaN only; it takes the default branch
    zero, // NaN and what lies within 1e-35f of zero; they take the default branch
    none  // nothing: NaN is zero
};

struct source_node {
    double value = 0; // of a leaf: what it adds; of a numeric split: below it goes left
    double cover = 0; // weight or number of the training rows that came here
    std::int64_t left = -1;
    std::int64_t right = -1;
    std::uint32_t feature = 0;
    std::uint32_t words_begin = 0; // of a category split: its bits in source_tree::words
    std::uint32_t words_count = 0;
    node_kind kind = node_kind::leaf;
    missing_kind missing = missing_kind::nan;
    bool default_left = false; // where missing values go
    bool members_left = false; // where the categories of the set go
};

// The root is node 0. Nodes that it does not reach do not count.
struct source_tree {
    std::vector<source_node> nodes;
    std::vector<std::uint32_t> words; // category c is bit c % 32 of word c / 32
};

} // namespace saas::core::fraud
