// SPDX-License-Identifier: PostgreSQL
// XGBoost's JSON model. Arithmetic is float; the margin of base_score comes first, then the trees.
#include <cmath>
#include <string>
#include <vector>

#include "core/fraud/model/json_reader.hpp"
#include "core/fraud/model/model.hpp"
#include "core/fraud/model/model_error.hpp"

namespace saas::core::fraud {
namespace {

constexpr const char *k_objectives =
    "Scored are binary:logistic, binary:logitraw, reg:logistic and reg:squarederror with the "
    "boosters gbtree and dart.";

// The columns of one tree as the file has them.
struct columns {
    std::vector<std::int64_t> left, right, feature, default_left, split_type;
    std::vector<float> condition, cover;
    std::vector<std::int64_t> categories, category_nodes, category_segments, category_sizes;
    std::int64_t leaf_vector = 1;
};

// The file on its way into a model: what stands in it after the trees decides about them.
struct reading {
    reading(std::string_view text, cancel_poll ask) : in{text, ask}, poll{ask} {}

    json_reader in;
    cancel_poll poll;
    forest<float> trees;
    std::vector<float> weights; // dart: of each tree
    std::string booster = "gbtree";
    std::string objective;
    std::vector<std::string> names;
    std::int64_t features = -1;
    std::int64_t classes = 0;
    std::int64_t targets = 1;
    std::int64_t parallel = 1;
    std::int64_t best_iteration = -1;
    float base_score = 0.5F;
    bool has_trees = false;
};

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

void read_floats(json_reader &in, std::vector<float> &out) {
    out.clear();
    in.begin_array();
    while (in.next_element()) {
        if (out.size() >= k_max_tree_nodes)
            refuse_too_large("nodes in a tree", k_max_tree_nodes);
        out.push_back(in.float32());
    }
}

void read_tree_param(json_reader &in, columns &tree) {
    std::string key;
    in.begin_object();
    while (in.next_key(key)) {
        if (key == "size_leaf_vector")
            tree.leaf_vector = in.integer();
        else
            in.skip();
    }
}

void read_columns(json_reader &in, columns &tree) {
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

void check_columns(const columns &tree) {
    if (tree.leaf_vector > 1)
        refuse_unsupported("its leaves are vectors", "Train with multi_strategy one_output_per_tree.");
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
void add_categories(const columns &tree, std::size_t entry, source_tree &out) {
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

source_node node_of(const columns &tree, std::size_t i) {
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

void read_trees(reading &file) {
    columns tree;
    file.in.begin_array();
    while (file.in.next_element()) {
        read_columns(file.in, tree);
        check_columns(tree);
        source_tree out;
        out.nodes.reserve(tree.left.size());
        for (std::size_t i = 0; i < tree.left.size(); ++i)
            out.nodes.push_back(node_of(tree, i));
        for (std::size_t entry = 0; entry < tree.category_nodes.size(); ++entry)
            add_categories(tree, entry, out);
        file.trees.add(out, k_max_features, file.poll);
    }
}

void read_model_param(reading &file) {
    std::string key;
    file.in.begin_object();
    while (file.in.next_key(key)) {
        if (key == "num_parallel_tree")
            file.parallel = file.in.integer();
        else
            file.in.skip();
    }
}

void read_gbtree_model(reading &file) {
    std::string key;
    seen_keys seen;
    file.in.begin_object();
    while (file.in.next_key(key)) {
        seen.add(file.in, key);
        if (key == "trees") {
            read_trees(file);
            file.has_trees = true;
        } else if (key == "gbtree_model_param") {
            read_model_param(file);
        } else {
            file.in.skip();
        }
    }
}

// {"name": "gbtree", "model": …} or {"name": "dart", "gbtree": {"model": …}, "weight_drop": […]}
void read_booster(reading &file, bool outer) {
    std::string key;
    seen_keys seen;
    file.in.begin_object();
    while (file.in.next_key(key)) {
        seen.add(file.in, key);
        if (key == "name" && outer) {
            file.booster = file.in.string();
            if (file.booster != "gbtree" && file.booster != "dart")
                refuse_unsupported("booster " + file.booster.substr(0, 60), k_objectives);
        } else if (key == "model") {
            if (file.has_trees)
                file.in.fail("the trees stand there twice");
            read_gbtree_model(file);
        } else if (key == "gbtree" && outer) {
            read_booster(file, false);
        } else if (key == "weight_drop" && outer) {
            read_floats(file.in, file.weights);
        } else {
            file.in.skip();
        }
    }
}

// "5E-1"; from version 3.1 on "[5E-1]", one number for each target.
float read_base_score(json_reader &in) {
    if (in.peek() != json_token::string)
        return in.float32();
    std::string words = in.string();
    json_reader inner{words};
    float value = 0;
    if (inner.peek() == json_token::array) {
        std::size_t count = 0;
        inner.begin_array();
        while (inner.next_element()) {
            value = inner.float32();
            ++count;
        }
        if (count != 1)
            refuse_unsupported("base_score has " + std::to_string(count) + " numbers",
                               "Train a model with one output.");
    } else {
        value = inner.float32();
    }
    inner.finish();
    return value;
}

void read_learner_param(reading &file) {
    std::string key;
    seen_keys seen;
    file.in.begin_object();
    while (file.in.next_key(key)) {
        seen.add(file.in, key);
        if (key == "base_score")
            file.base_score = read_base_score(file.in);
        else if (key == "num_feature")
            file.features = file.in.integer();
        else if (key == "num_class")
            file.classes = file.in.integer();
        else if (key == "num_target")
            file.targets = file.in.integer();
        else
            file.in.skip();
    }
}

void read_names(reading &file) {
    file.in.begin_array();
    while (file.in.next_element()) {
        if (file.names.size() >= k_max_features)
            refuse_too_large("features", k_max_features);
        file.names.push_back(file.in.string());
    }
}

void read_named(reading &file, const char *name, auto use) {
    std::string key;
    file.in.begin_object();
    while (file.in.next_key(key)) {
        if (key == name)
            use();
        else
            file.in.skip();
    }
}

void read_learner(reading &file) {
    std::string key;
    seen_keys seen;
    file.in.begin_object();
    while (file.in.next_key(key)) {
        seen.add(file.in, key);
        if (key == "gradient_booster")
            read_booster(file, true);
        else if (key == "learner_model_param")
            read_learner_param(file);
        else if (key == "feature_names")
            read_names(file);
        else if (key == "objective")
            read_named(file, "name", [&] { file.objective = file.in.string(); });
        else if (key == "attributes")
            read_named(file, "best_iteration", [&] { file.best_iteration = file.in.integer(); });
        else
            file.in.skip();
    }
}

void check_outputs(const reading &file) {
    if (!file.has_trees)
        refuse_malformed("there are no trees", "learner.gradient_booster.model.trees is missing.");
    if (file.classes > 1 || file.targets > 1)
        refuse_unsupported("it has several classes or targets", k_objectives);
    if (file.objective.empty())
        refuse_malformed("there is no objective", "learner.objective.name is missing.");
    if (file.parallel < 1 || file.features < 0)
        refuse_malformed("its parameters", "num_feature or num_parallel_tree is missing or negative.");
    if (file.features > static_cast<std::int64_t>(k_max_features))
        refuse_too_large("features", k_max_features);
    if (!file.names.empty() && file.names.size() != static_cast<std::size_t>(file.features))
        refuse_malformed("its features", "There are " + std::to_string(file.names.size()) +
                                             " names for " + std::to_string(file.features) + ".");
    for (const slot_rule &rule : file.trees.rules()) {
        if (rule.feature >= file.features)
            refuse_malformed("a split", "It names feature " + std::to_string(rule.feature) +
                                            " of " + std::to_string(file.features) + ".");
    }
}

void set_objective(const reading &file, model &out) {
    const std::string &name = file.objective;
    bool logistic = name == "binary:logistic" || name == "binary:logitraw" || name == "reg:logistic";
    if (!logistic && name != "reg:squarederror")
        refuse_unsupported("objective " + name.substr(0, 60), k_objectives);
    out.has_probability = logistic;
    out.start = static_cast<double>(file.base_score);
    // binary:logitraw takes base_score for a margin, unlike the other two.
    if (logistic && name != "binary:logitraw") {
        if (!(file.base_score > 0 && file.base_score < 1))
            refuse_malformed("base_score", "It is a probability between 0 and 1.");
        out.start = static_cast<double>(-std::log(1.0F / file.base_score - 1.0F));
    }
    if (!std::isfinite(out.start))
        refuse_malformed("base_score", "It is not finite.");
}

} // namespace

model detail::read_xgboost(std::string_view bytes, cancel_poll poll) {
    if (bytes.starts_with("binf") || bytes.starts_with("{L") || bytes.starts_with("{i"))
        refuse_unsupported("it is binary", "Save it as JSON: save_model('model.json').");
    reading file{bytes, poll};
    read_named(file, "learner", [&] {
        if (!file.objective.empty() || file.has_trees)
            file.in.fail("key \"learner\" stands there twice");
        read_learner(file);
    });
    file.in.finish();
    check_outputs(file);
    model out;
    set_objective(file, out);
    if (file.booster == "dart") {
        if (file.weights.size() != file.trees.trees())
            refuse_malformed("weight_drop", "It has not one number for each tree.");
        for (std::size_t tree = 0; tree < file.weights.size(); ++tree)
            file.trees.scale(tree, file.weights[tree]);
    }
    out.trees_per_iteration = static_cast<std::size_t>(file.parallel);
    if (file.best_iteration >= 0)
        out.best_iterations = static_cast<std::size_t>(file.best_iteration) + 1;
    out.features = static_cast<std::size_t>(file.features);
    out.feature_names = std::move(file.names);
    out.objective = file.objective;
    out.scorer = std::move(file.trees);
    return out;
}

} // namespace saas::core::fraud
