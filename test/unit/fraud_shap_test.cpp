// SPDX-License-Identifier: PostgreSQL
// Contributions against Shapley values by their definition, over all subsets of the features; and
// the population stability index.
#include "core/fraud/model/model.hpp"
#include "core/fraud/model/stability.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace fraud = saas::core::fraud;

namespace {

constexpr double k_nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t k_features = 6;

// A random tree whose paths may test a feature again and again.
fraud::source_tree random_tree(std::mt19937 &random, std::size_t splits) {
    auto below = [&](std::size_t n) { return random() % n; };
    fraud::source_tree tree;
    tree.nodes.emplace_back();
    std::vector<std::size_t> leaves{0};
    while (splits-- > 0) {
        std::size_t which = below(leaves.size());
        std::size_t at = leaves[which];
        fraud::source_node split;
        split.feature = static_cast<std::uint32_t>(below(k_features));
        split.left = static_cast<std::int64_t>(tree.nodes.size());
        split.right = split.left + 1;
        split.default_left = below(2) == 0;
        // The last feature is a category.
        split.kind = split.feature + 1 == k_features ? fraud::node_kind::category
                                                     : fraud::node_kind::numeric;
        split.value = static_cast<double>(below(5));
        if (split.kind == fraud::node_kind::category) {
            split.words_begin = static_cast<std::uint32_t>(tree.words.size());
            split.words_count = 1;
            tree.words.push_back(static_cast<std::uint32_t>(below(32)));
        }
        tree.nodes[at] = split;
        leaves[which] = tree.nodes.size();
        leaves.push_back(tree.nodes.size() + 1);
        for (int side = 0; side < 2; ++side) {
            fraud::source_node leaf;
            leaf.value = static_cast<double>(below(1000)) / 100 - 5;
            leaf.cover = static_cast<double>(below(20)); // also nobody
            tree.nodes.push_back(leaf);
        }
    }
    return tree;
}

// What the tree gives on average when only the features in `known` are known.
double expected(const fraud::forest<double> &trees, std::uint32_t node,
                const std::vector<double> &slots, unsigned known) {
    if (trees.is_leaf(node))
        return trees.value(node);
    std::uint32_t left = trees.left(node);
    if ((known >> trees.feature(node) & 1U) != 0)
        return expected(trees, trees.goes_left(node, slots) ? left : left + 1, slots, known);
    auto share = static_cast<double>(trees.left_share(node));
    return share * expected(trees, left, slots, known) +
           (1 - share) * expected(trees, left + 1, slots, known);
}

double factorial(std::size_t n) {
    return n < 2 ? 1 : static_cast<double>(n) * factorial(n - 1);
}

double shapley(const fraud::forest<double> &trees, const std::vector<double> &slots,
               std::size_t feature) {
    double total = 0;
    for (unsigned others = 0; others < 1U << k_features; ++others) {
        if ((others >> feature & 1U) != 0)
            continue;
        auto size = static_cast<std::size_t>(__builtin_popcount(others));
        double weight = factorial(size) * factorial(k_features - size - 1) / factorial(k_features);
        for (std::size_t tree = 0; tree < trees.trees(); ++tree)
            total += weight * (expected(trees, trees.root(tree), slots, others | 1U << feature) -
                               expected(trees, trees.root(tree), slots, others));
    }
    return total;
}

TEST(fraud_shap, contributions_are_shapley_values) {
    std::mt19937 random{20260101};
    for (int round = 0; round < 150; ++round) {
        fraud::forest<double> trees;
        saas::core::cancel_poll poll;
        for (int tree = 0; tree < 3; ++tree)
            trees.add(random_tree(random, random() % 12), k_features, poll);
        std::vector<double> row;
        for (std::size_t i = 0; i < k_features; ++i)
            row.push_back(random() % 5 == 0 ? k_nan : static_cast<double>(random() % 5));
        std::vector<double> slots;
        trees.fill_slots(row, slots);
        fraud::model model;
        model.features = k_features;
        model.start = 0.25;
        model.scorer = trees;
        fraud::model_memory memory;
        fraud::explanation why = fraud::explain(model, row, memory);
        double sum = why.base;
        for (std::size_t feature = 0; feature < k_features; ++feature) {
            EXPECT_NEAR(why.contributions[feature], shapley(trees, slots, feature), 1e-9)
                << "round " << round << " feature " << feature;
            sum += why.contributions[feature];
        }
        EXPECT_NEAR(sum, model.score(row, memory).margin, 1e-9);
    }
}

TEST(fraud_shap, can_be_cancelled) {
    std::mt19937 random{1};
    fraud::model model;
    model.features = k_features;
    fraud::forest<double> trees;
    saas::core::cancel_poll poll;
    for (int tree = 0; tree < 200; ++tree)
        trees.add(random_tree(random, 12), k_features, poll);
    model.scorer = trees;
    fraud::model_memory memory;
    std::vector<double> row(k_features, 1);
    EXPECT_THROW(
        (void)fraud::explain(model, row, memory, saas::core::cancel_poll{[] { return true; }}),
        saas::core::cancelled);
}

TEST(fraud_stability, equal_samples_are_stable) {
    std::vector<double> sample;
    for (int i = 0; i < 1000; ++i)
        sample.push_back(i);
    fraud::stability same = fraud::population_stability(sample, sample, false);
    EXPECT_DOUBLE_EQ(same.index, 0);
    ASSERT_EQ(same.bins.size(), 10U);
    for (const fraud::stability_bin &bin : same.bins)
        EXPECT_EQ(bin.baseline, 100U);
}

TEST(fraud_stability, by_hand) {
    // Half and half becomes 0.9 and 0.1, with half a value added to each of the two bins.
    std::vector<double> before{1, 1, 2, 2};
    std::vector<double> after{1, 1, 1, 1, 1, 1, 1, 1, 1, 2};
    double a = 9.5 / 11, b = 1.5 / 11;
    fraud::stability moved = fraud::population_stability(before, after, true);
    EXPECT_NEAR(moved.index, (a - 0.5) * std::log(a / 0.5) + (b - 0.5) * std::log(b / 0.5), 1e-12);
}

TEST(fraud_stability, missing_and_unseen_values_have_their_bins) {
    std::vector<double> before{1, 1, 1, 1, k_nan};
    std::vector<double> after{3, 3, k_nan, k_nan, k_nan};
    fraud::stability moved = fraud::population_stability(before, after, true);
    ASSERT_EQ(moved.bins.size(), 3U);
    EXPECT_EQ(moved.bins[0].window, 0U);
    EXPECT_TRUE(std::isinf(moved.bins[1].upper)) << "categories that the baseline has not";
    EXPECT_EQ(moved.bins[1].window, 2U);
    EXPECT_TRUE(std::isnan(moved.bins[2].upper));
    EXPECT_EQ(moved.bins[2].window, 3U);
    EXPECT_GT(moved.index, 0.25);
    EXPECT_TRUE(std::isfinite(moved.index));
    EXPECT_THROW((void)fraud::population_stability({}, after, false), saas::core::error);
    std::vector<double> nothing(5, k_nan);
    EXPECT_DOUBLE_EQ(fraud::population_stability(nothing, nothing, false).index, 0);
}

TEST(fraud_stability, few_values_share_bins) {
    std::vector<double> before(100, 7);
    std::vector<double> after(50, 7);
    after.resize(100, 8);
    fraud::stability moved = fraud::population_stability(before, after, false);
    ASSERT_EQ(moved.bins.size(), 2U);
    EXPECT_EQ(moved.bins[0].upper, 7);
    EXPECT_EQ(moved.bins[1].window, 50U);
}

} // namespace
