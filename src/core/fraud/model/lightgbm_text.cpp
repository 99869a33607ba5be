// SPDX-License-Identifier: PostgreSQL
// LightGBM's text model (save_model): lines of key=value, a block for each tree.
#include <charconv>
#include <cmath>
#include <string>
#include <system_error>

#include "core/fraud/model/lightgbm.hpp"
#include "core/fraud/model/model_error.hpp"

namespace saas::core::fraud {
namespace {

// One line after another. Lines end with \n or \r\n.
class lines {
public:
    explicit lines(std::string_view text) noexcept : rest_{text} {}

    [[nodiscard]] bool next() {
        if (rest_.empty())
            return false;
        std::size_t end = rest_.find('\n');
        line_ = rest_.substr(0, end);
        rest_ = end == std::string_view::npos ? std::string_view{} : rest_.substr(end + 1);
        if (line_.ends_with('\r'))
            line_.remove_suffix(1);
        ++number_;
        std::size_t equals = line_.find('=');
        key_ = line_.substr(0, equals);
        value_ = equals == std::string_view::npos ? std::string_view{} : line_.substr(equals + 1);
        return true;
    }
    [[nodiscard]] std::string_view key() const noexcept { return key_; }
    [[nodiscard]] std::string_view value() const noexcept { return value_; }
    [[noreturn]] void fail(const std::string &what) const {
        refuse_malformed(what, "At line " + std::to_string(number_) + ".");
    }

private:
    std::string_view rest_, line_, key_, value_;
    std::size_t number_ = 0;
};

double number(const lines &in, std::string_view token) {
    double value = 0;
    const char *end = token.data() + token.size();
    auto [stop, status] = std::from_chars(token.data(), end, value);
    if (status == std::errc::result_out_of_range)
        value = std::strtod(std::string{token}.c_str(), nullptr);
    else if (status != std::errc{})
        in.fail("a number was expected");
    if (stop != end)
        in.fail("a number was expected");
    return value;
}

std::int64_t whole(const lines &in, double value) {
    if (!(std::abs(value) <= 9.0e15) || value != std::trunc(value))
        in.fail("a whole number was expected");
    return static_cast<std::int64_t>(value);
}

// Splits at blanks and gives each piece to `use`.
template <class Use>
void for_each_word(std::string_view list, Use use) {
    while (!list.empty()) {
        std::size_t end = list.find(' ');
        if (end != 0)
            use(list.substr(0, end));
        list = end == std::string_view::npos ? std::string_view{} : list.substr(end + 1);
    }
}

std::vector<double> numbers(const lines &in) {
    std::vector<double> out;
    for_each_word(in.value(), [&](std::string_view token) {
        if (out.size() >= k_max_tree_nodes)
            refuse_too_large("nodes in a tree", k_max_tree_nodes);
        out.push_back(number(in, token));
    });
    return out;
}

// The lines of one tree.
struct columns {
    std::int64_t leaves = 0;
    std::vector<double> feature, threshold, decision, left, right, leaf_value, leaf_count,
        internal_count, boundaries, words;
};

std::vector<double> *column_of(columns &tree, std::string_view key) {
    struct named_column {
        std::string_view name;
        std::vector<double> *column;
    };
    const named_column all[] = {
        {"split_feature", &tree.feature},     {"threshold", &tree.threshold},
        {"decision_type", &tree.decision},    {"left_child", &tree.left},
        {"right_child", &tree.right},         {"leaf_value", &tree.leaf_value},
        {"leaf_count", &tree.leaf_count},     {"internal_count", &tree.internal_count},
        {"cat_boundaries", &tree.boundaries}, {"cat_threshold", &tree.words}};
    for (const named_column &each : all) {
        if (each.name == key)
            return each.column;
    }
    return nullptr;
}

void read_tree_line(const lines &in, columns &tree) {
    if (std::vector<double> *column = column_of(tree, in.key())) {
        if (!column->empty())
            in.fail("a line of a tree stands there twice");
        *column = numbers(in);
    } else if (in.key() == "num_leaves") {
        tree.leaves = whole(in, number(in, in.value()));
    } else if (in.key() == "is_linear" && in.value() != "0") {
        detail::refuse_linear_trees();
    }
}

void check_columns(const lines &in, columns &tree) {
    if (tree.leaves < 1 || tree.leaves > static_cast<std::int64_t>(k_max_tree_nodes / 2))
        in.fail("a tree has no leaves, or too many");
    auto leaves = static_cast<std::size_t>(tree.leaves);
    std::size_t splits = leaves - 1;
    if (tree.decision.empty())
        tree.decision.assign(splits, 0); // versions before categories
    if (leaves == 1 && tree.leaf_count.empty())
        tree.leaf_count.assign(1, 0);
    if (tree.leaf_value.size() != leaves || tree.leaf_count.size() != leaves ||
        tree.feature.size() < splits || tree.threshold.size() < splits ||
        tree.decision.size() < splits || tree.left.size() < splits || tree.right.size() < splits ||
        tree.internal_count.size() < splits)
        in.fail("the lines of a tree differ in length");
}

// A child: a split from 0 on, or the complement of a leaf. Leaves follow the splits in the list.
std::int64_t child(const lines &in, double value, std::int64_t leaves) {
    std::int64_t at = whole(in, value);
    return at >= 0 ? at : leaves - 1 + ~at;
}

void read_categories(const lines &in, const columns &tree, double index, source_tree &out,
                     source_node &node) {
    std::int64_t set = whole(in, index);
    if (set < 0 || static_cast<std::size_t>(set) + 1 >= tree.boundaries.size())
        in.fail("the categories of a split lie outside of the list");
    std::int64_t begin = whole(in, tree.boundaries[static_cast<std::size_t>(set)]);
    std::int64_t end = whole(in, tree.boundaries[static_cast<std::size_t>(set) + 1]);
    if (begin < 0 || end < begin || end > static_cast<std::int64_t>(tree.words.size()))
        in.fail("the categories of a split lie outside of the list");
    if (end - begin > static_cast<std::int64_t>(k_max_category / 32 + 1))
        refuse_too_large("categories of a feature", k_max_category + 1);
    if (out.words.size() > k_max_category_words)
        refuse_too_large("categories in splits", k_max_category_words * 32);
    node.words_begin = static_cast<std::uint32_t>(out.words.size());
    node.words_count = static_cast<std::uint32_t>(end - begin);
    for (std::int64_t i = begin; i < end; ++i) {
        std::int64_t word = whole(in, tree.words[static_cast<std::size_t>(i)]);
        if (word < 0 || word > 0xFFFFFFFFLL)
            in.fail("a word of categories has 32 bits");
        out.words.push_back(static_cast<std::uint32_t>(word));
    }
}

source_node split_of(const lines &in, const columns &tree, std::size_t i, source_tree &out) {
    source_node node;
    node.left = child(in, tree.left[i], tree.leaves);
    node.right = child(in, tree.right[i], tree.leaves);
    node.cover = tree.internal_count[i];
    std::int64_t feature = whole(in, tree.feature[i]);
    bool in_range = feature >= 0 && feature < static_cast<std::int64_t>(k_max_features);
    node.feature = in_range ? static_cast<std::uint32_t>(feature) : 0xFFFFFFFFU;
    std::int64_t type = whole(in, tree.decision[i]);
    if (type < 0 || type > 11)
        in.fail("a decision type is unknown");
    if ((type & 1) != 0) {
        node.kind = node_kind::category;
        node.missing = missing_kind::none;
        node.members_left = true;
        read_categories(in, tree, tree.threshold[i], out, node);
        return node;
    }
    constexpr missing_kind kinds[] = {missing_kind::none, missing_kind::zero, missing_kind::nan};
    node.kind = node_kind::numeric;
    node.missing = kinds[type >> 2];
    node.default_left = (type & 2) != 0;
    node.value = detail::lightgbm_threshold(tree.threshold[i]);
    return node;
}

void add_tree(const lines &in, columns &tree, forest<double> &trees, std::size_t features,
              cancel_poll &poll) {
    check_columns(in, tree);
    source_tree out;
    auto leaves = static_cast<std::size_t>(tree.leaves);
    out.nodes.reserve(2 * leaves - 1);
    for (std::size_t i = 0; i + 1 < leaves; ++i)
        out.nodes.push_back(split_of(in, tree, i, out));
    for (std::size_t i = 0; i < leaves; ++i) {
        source_node leaf;
        leaf.value = tree.leaf_value[i];
        leaf.cover = tree.leaf_count[i];
        out.nodes.push_back(leaf);
    }
    trees.add(out, features, poll);
}

void read_head_line(const lines &in, detail::lightgbm_head &head) {
    std::string_view key = in.key();
    if (key == "num_class")
        head.classes = whole(in, number(in, in.value()));
    else if (key == "num_tree_per_iteration")
        head.trees_per_iteration = whole(in, number(in, in.value()));
    else if (key == "max_feature_idx")
        head.last_feature = whole(in, number(in, in.value()));
    else if (key == "objective")
        head.objective = in.value();
    else if (key == "average_output")
        head.averaged = true;
    else if (key == "feature_names")
        for_each_word(in.value(), [&](std::string_view name) {
            if (head.names.size() >= k_max_features)
                refuse_too_large("features", k_max_features);
            head.names.emplace_back(name);
        });
}

} // namespace

model detail::read_lightgbm_text(std::string_view bytes, cancel_poll poll) {
    lines in{bytes};
    if (!in.next() || in.key() != "tree")
        in.fail("the first line of a text model is \"tree\"");
    lightgbm_head head;
    bool more = in.next();
    for (; more && in.key() != "Tree"; more = in.next()) {
        poll.step();
        read_head_line(in, head);
    }
    model out = lightgbm_model(std::move(head));
    forest<double> trees;
    while (more && in.key() == "Tree") {
        columns tree;
        more = in.next();
        for (; more && in.key() != "Tree" && in.key() != "end of trees"; more = in.next())
            read_tree_line(in, tree);
        if (!more)
            in.fail("the text ends early");
        add_tree(in, tree, trees, out.features, poll);
    }
    if (trees.trees() == 0)
        in.fail("there are no trees");
    out.scorer = std::move(trees);
    return out;
}

} // namespace saas::core::fraud
