// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/model/xgboost_tree.hpp"

#include <string>

#include "core/fraud/model/model_error.hpp"

namespace saas::core::fraud::detail {

void read_floats(json_reader &in, std::vector<float> &out) {
    out.clear();
    in.begin_array();
    while (in.next_element()) {
        if (out.size() >= k_max_tree_nodes)
            refuse_too_large("nodes in a tree", k_max_tree_nodes);
        out.push_back(in.float32());
    }
}

namespace {

void read_integers(json_reader &in, std::vector<std::int64_t> &out) {
    out.clear();
    in.begin_array();
    while (in.next_element()) {
        if (out.size() >= k_max_tree_nodes)
            refuse_too_large("nodes in a tree", k_max_tree_nodes);
        // Flags are numbers or truth values, depending on the version.
        out.push_back(in.peek() == json_token::truth ? std::int64_t{in.truth()} : in.integer());
    }
}

void read_tree_param(json_reader &in, xgboost_columns &tree) {
    std::string key;
    in.begin_object();
    while (in.next_key(key)) {
        if (key == "size_leaf_vector")
            tree.leaf_vector = in.integer();
        else
            in.skip();
    }
}

void read_columns(json_reader &in, xgboost_columns &tree) {
    struct named_integers {
        const char *name;
        std::vector<std::int64_t> *column;
    };
    const named_integers integers[] = {{"left_children", &tree.left},
                                       {"right_children", &tree.right},
                                       {"split_indices", &tree.feature},
                                       {"default_left", &tree.default_left},
                                       {"split_type", &tree.split_type},
                                       {"categories", &tree.categories},
                                       {"categories_nodes", &tree.category_nodes},
                                       {"categories_segments", &tree.category_segments},
                                       {"categories_sizes", &tree.category_sizes}};
    for (const named_integers &each : integers)
        each.column->clear();
    tree.condition.clear();
    tree.cover.clear();
    std::string key;
    seen_keys seen;
    in.begin_object();
    while (in.next_key(key)) {
        seen.add(in, key);
        std::vector<std::int64_t> *column = nullptr;
        for (const named_integers &each : integers)
            column = key == each.name ? each.column : column;
        if (column != nullptr)
            read_integers(in, *column);
        else if (key == "split_conditions")
            read_floats(in, tree.condition);
        else if (key == "sum_hessian")
            read_floats(in, tree.cover);
        else if (key == "tree_param")
            read_tree_param(in, tree);
        else
            in.skip();
    }
}

void check_columns(const xgboost_columns &tree) {
    if (tree.leaf_vector > 1)
        refuse_unsupported("its leaves are vectors",
                           "Train with multi_strategy one_output_per_tree.");
    std::size_t count = tree.left.size();
    auto fits = [&](std::size_t size) { return size == count; };
    if (!fits(tree.right.size()) || !fits(tree.feature.size()) || !fits(tree.default_left.size()) ||
        !fits(tree.condition.size()) || !fits(tree.cover.size()) ||
        !(tree.split_type.empty() || fits(tree.split_type.size())))
        refuse_malformed("a tree", "Its arrays differ in length.");
    if (tree.category_nodes.size() != tree.category_segments.size() ||
        tree.category_nodes.size() != tree.category_sizes.size())
        refuse_malformed("a tree", "Its arrays of categories differ in length.");
}

// The set of one categorical split: categories[segment .. segment + size).
void add_categories(const xgboost_columns &tree, std::size_t entry, source_tree &out) {
    std::int64_t node = tree.category_nodes[entry];
    std::int64_t begin = tree.category_segments[entry];
    std::int64_t size = tree.category_sizes[entry];
    auto listed = static_cast<std::int64_t>(tree.categories.size());
    if (node < 0 || node >= static_cast<std::int64_t>(out.nodes.size()) || begin < 0 || size < 0 ||
        begin > listed || size > listed - begin)
        refuse_malformed("a split", "Its categories lie outside of the list.");
    source_node &split = out.nodes[static_cast<std::size_t>(node)];
    if (split.kind != node_kind::category || split.words_count != 0)
        refuse_malformed("a split", "It has categories twice, or is none over categories.");
    split.words_begin = static_cast<std::uint32_t>(out.words.size());
    for (std::int64_t i = begin; i < begin + size; ++i) {
        std::int64_t category = tree.categories[static_cast<std::size_t>(i)];
        if (category < 0)
            refuse_malformed("a split", "A category is negative.");
        if (category > static_cast<std::int64_t>(k_max_category))
            refuse_too_large("categories of a feature", k_max_category + 1);
        std::size_t word = split.words_begin + static_cast<std::size_t>(category) / 32;
        if (word >= out.words.size())
            out.words.resize(word + 1);
        out.words[word] |= 1U << static_cast<unsigned>(category % 32);
        if (out.words.size() > k_max_category_words)
            refuse_too_large("categories in splits", k_max_category_words * 32);
    }
    split.words_count = static_cast<std::uint32_t>(out.words.size()) - split.words_begin;
}

source_node node_of(const xgboost_columns &tree, std::size_t i) {
    source_node node;
    node.value = static_cast<double>(tree.condition[i]);
    node.cover = static_cast<double>(tree.cover[i]);
    if (tree.left[i] == -1)
        return node;
    node.left = tree.left[i];
    node.right = tree.right[i];
    node.default_left = tree.default_left[i] != 0;
    bool category = !tree.split_type.empty() && tree.split_type[i] != 0;
    node.kind = category ? node_kind::category : node_kind::numeric;
    // Deleted nodes have indices beyond every feature; nothing leads to them.
    bool in_range = tree.feature[i] >= 0 && tree.feature[i] < std::int64_t{k_max_features};
    node.feature = in_range ? static_cast<std::uint32_t>(tree.feature[i]) : 0xFFFFFFFFU;
    return node;
}

} // namespace

source_tree read_xgboost_tree(json_reader &in, xgboost_columns &columns) {
    read_columns(in, columns);
    check_columns(columns);
    source_tree out;
    out.nodes.reserve(columns.left.size());
    for (std::size_t i = 0; i < columns.left.size(); ++i)
        out.nodes.push_back(node_of(columns, i));
    for (std::size_t entry = 0; entry < columns.category_nodes.size(); ++entry)
        add_categories(columns, entry, out);
    return out;
}

} // namespace saas::core::fraud::detail
