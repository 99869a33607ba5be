// SPDX-License-Identifier: PostgreSQL
// LightGBM's JSON dump (dump_model).
#include <cmath>
#include <string>

#include "core/fraud/model/json_reader.hpp"
#include "core/fraud/model/lightgbm.hpp"
#include "core/fraud/model/model_error.hpp"

namespace saas::core::fraud {
namespace {

struct reading {
    json_reader in;
    cancel_poll poll;
    detail::lightgbm_head head;
    forest<double> trees;
};

missing_kind missing_of(const json_reader &in, const std::string &word) {
    if (word == "None")
        return missing_kind::none;
    if (word == "Zero")
        return missing_kind::zero;
    if (word != "NaN")
        in.fail("a missing type is None, Zero or NaN");
    return missing_kind::nan;
}

// "3||7||20"
void read_categories(const json_reader &in, const std::string &list, source_tree &tree,
                     source_node &node) {
    node.words_begin = static_cast<std::uint32_t>(tree.words.size());
    std::size_t category = 0;
    bool digit_before = false;
    for (std::size_t i = 0; i <= list.size(); ++i) {
        if (i < list.size() && list[i] >= '0' && list[i] <= '9') {
            category = category * 10 + static_cast<std::size_t>(list[i] - '0');
            digit_before = true;
            if (category > k_max_category)
                refuse_too_large("categories of a feature", k_max_category + 1);
            continue;
        }
        bool separator = i == list.size() || list.compare(i, 2, "||") == 0;
        if (!digit_before || !separator)
            in.fail("categories are whole numbers with || between them");
        std::size_t word = node.words_begin + category / 32;
        if (word >= tree.words.size())
            tree.words.resize(word + 1);
        if (tree.words.size() > k_max_category_words)
            refuse_too_large("categories in splits", k_max_category_words * 32);
        tree.words[word] |= 1U << (category % 32);
        category = 0;
        digit_before = false;
        ++i; // the second bar
    }
    node.words_count = static_cast<std::uint32_t>(tree.words.size()) - node.words_begin;
}

// What a node says besides its children.
struct node_text {
    std::string decision;
    std::string missing = "None";
    std::string categories;
    double threshold = 0;
    bool has_threshold = false;
    bool is_leaf = false;
};

std::int64_t read_node(reading &file, source_tree &tree);

// Reads one member of a node. False for a key that does not matter.
bool read_member(reading &file, const std::string &key, source_tree &tree, source_node &node,
                 node_text &text) {
    json_reader &in = file.in;
    if (key == "left_child") {
        node.left = read_node(file, tree);
    } else if (key == "right_child") {
        node.right = read_node(file, tree);
    } else if (key == "leaf_value") {
        node.value = in.float64();
        text.is_leaf = true;
    } else if (key == "leaf_count" || key == "internal_count") {
        node.cover = in.float64();
    } else if (key == "split_feature") {
        std::int64_t feature = in.integer();
        bool in_range = feature >= 0 && feature < static_cast<std::int64_t>(k_max_features);
        node.feature = in_range ? static_cast<std::uint32_t>(feature) : 0xFFFFFFFFU;
    } else if (key == "threshold") {
        text.has_threshold = in.peek() == json_token::number;
        if (text.has_threshold)
            text.threshold = in.float64();
        else
            text.categories = in.string();
    } else if (key == "decision_type") {
        text.decision = in.string();
    } else if (key == "default_left") {
        node.default_left = in.truth();
    } else if (key == "missing_type") {
        text.missing = in.string();
    } else {
        return false;
    }
    return true;
}

void finish_split(reading &file, source_tree &tree, source_node &node, const node_text &text) {
    if (text.decision == "<=" && text.has_threshold) {
        node.kind = node_kind::numeric;
        node.missing = missing_of(file.in, text.missing);
        node.value = detail::lightgbm_threshold(text.threshold);
    } else if (text.decision == "==" && (!text.categories.empty() || text.has_threshold)) {
        // One category alone may be written as a number.
        std::string list = text.categories;
        if (text.has_threshold && text.threshold >= 0 &&
            text.threshold <= static_cast<double>(k_max_category))
            list = std::to_string(static_cast<std::size_t>(text.threshold));
        node.kind = node_kind::category;
        node.missing = missing_kind::none;
        node.default_left = false;
        node.members_left = true;
        read_categories(file.in, list, tree, node);
    } else {
        file.in.fail("a split is \"<=\" with a number or \"==\" with categories");
    }
}

// Recursion is as deep as the reader lets values nest.
std::int64_t read_node(reading &file, source_tree &tree) {
    std::size_t self = tree.nodes.size();
    if (self >= k_max_tree_nodes)
        refuse_too_large("nodes in a tree", k_max_tree_nodes);
    tree.nodes.emplace_back();
    source_node node;
    node_text text;
    std::string key;
    seen_keys seen;
    file.in.begin_object();
    while (file.in.next_key(key)) {
        seen.add(file.in, key);
        if (key == "leaf_const" || key == "leaf_coeff")
            detail::refuse_linear_trees();
        if (!read_member(file, key, tree, node, text))
            file.in.skip();
    }
    bool split = node.left >= 0 && node.right >= 0;
    if (split == text.is_leaf || (node.left >= 0) != (node.right >= 0))
        file.in.fail("a node has either two children or a leaf_value");
    if (split)
        finish_split(file, tree, node, text);
    tree.nodes[self] = node;
    return static_cast<std::int64_t>(self);
}

void read_trees(reading &file) {
    std::string key;
    file.in.begin_array();
    while (file.in.next_element()) {
        source_tree tree;
        seen_keys seen;
        file.in.begin_object();
        while (file.in.next_key(key)) {
            seen.add(file.in, key);
            if (key == "tree_structure")
                (void)read_node(file, tree);
            else
                file.in.skip();
        }
        file.trees.add(tree, k_max_features, file.poll);
    }
}

void read_names(reading &file) {
    file.in.begin_array();
    while (file.in.next_element()) {
        if (file.head.names.size() >= k_max_features)
            refuse_too_large("features", k_max_features);
        file.head.names.push_back(file.in.string());
    }
}

void read_document(reading &file) {
    json_reader &in = file.in;
    std::string key;
    seen_keys seen;
    in.begin_object();
    while (in.next_key(key)) {
        seen.add(in, key);
        if (key == "num_class")
            file.head.classes = in.integer();
        else if (key == "num_tree_per_iteration")
            file.head.trees_per_iteration = in.integer();
        else if (key == "max_feature_idx")
            file.head.last_feature = in.integer();
        else if (key == "objective")
            file.head.objective = in.string();
        else if (key == "average_output")
            file.head.averaged = in.peek() == json_token::truth ? in.truth() : in.integer() != 0;
        else if (key == "feature_names")
            read_names(file);
        else if (key == "tree_info")
            read_trees(file);
        else
            in.skip();
    }
    in.finish();
}

} // namespace

model detail::read_lightgbm_json(std::string_view bytes, cancel_poll poll) {
    reading file{json_reader{bytes, poll}, poll, {}, {}};
    read_document(file);
    model out = lightgbm_model(std::move(file.head));
    if (file.trees.trees() == 0)
        refuse_malformed("there are no trees", "tree_info is missing or empty.");
    for (const slot_rule &rule : file.trees.rules()) {
        if (rule.feature >= out.features)
            refuse_malformed("a split", "It names feature " + std::to_string(rule.feature) +
                                            " of " + std::to_string(out.features) + ".");
    }
    out.scorer = std::move(file.trees);
    return out;
}

} // namespace saas::core::fraud
