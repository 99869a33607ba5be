// SPDX-License-Identifier: PostgreSQL
// Trees laid out for scoring: all nodes in one array, the two children of a split side by side, no
// branch that depends on the data. Scoring adds the leaves in the order of the trees, each sum
// rounded to the type, as XGBoost does in float and LightGBM in double.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/error.hpp"
#include "core/fraud/model/source_tree.hpp"

namespace saas::core::fraud {

// How a feature's value becomes the number that splits compare with. Missing values become an
// infinity that takes the default branch, so that a comparison is all that a split needs.
enum class slot_kind : std::uint8_t {
    missing_left,       // NaN goes left
    missing_right,      // NaN goes right
    zero_left,          // NaN and zero go left
    zero_right,         // NaN and zero go right
    nan_as_zero,        // NaN is zero
    category_strict,    // a code from 0 to 2^24; anything else is missing (XGBoost)
    category_truncated, // the whole part; negative ones are missing (LightGBM)
};

struct slot_rule {
    std::uint32_t feature;
    slot_kind kind;
};

// Which of the two children the categories of a set and the missing ones go to.
struct category_set {
    std::uint32_t begin;
    std::uint32_t count;
    bool default_left;
    bool members_left;
};

// A split compares slots[slot] < value and goes to the node `delta` further on, or to the one after
// that. A leaf compares slot 0, which is below everything, and stays: delta 0.
template <class Real>
struct packed_node {
    Real value;
    std::uint32_t link; // delta << 12 | slot
};

template <class Real>
class forest {
public:
    // Checks a tree and appends it. Throws SA060 for a tree that is none: children out of range, a
    // node with two parents, a leaf or threshold that is not finite, a feature from `features` on;
    // SA062 beyond the limits of model_error.hpp.
    void add(const source_tree &tree, std::size_t features, cancel_poll &poll);
    // Multiplies the leaves of a tree, rounded to the type.
    void scale(std::size_t tree, Real factor);
    // Forgets the trees from `count` on.
    void keep(std::size_t count);

    [[nodiscard]] std::size_t trees() const noexcept { return roots_.size(); }
    [[nodiscard]] std::size_t nodes() const noexcept { return nodes_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept;

    // The sum of start and of each tree's leaf for these values (by feature; NaN is missing).
    // `slots` is working memory that keeps its size.
    [[nodiscard]] Real sum(std::span<const double> values, Real start,
                           std::vector<Real> &slots) const;

    // For explanations: the numbers that splits compare with …
    void fill_slots(std::span<const double> values, std::vector<Real> &slots) const;
    // … and the way through one tree. Nodes are numbers from root(tree) on.
    [[nodiscard]] std::uint32_t root(std::size_t tree) const noexcept { return roots_[tree]; }
    [[nodiscard]] std::uint32_t depth(std::size_t tree) const noexcept { return depths_[tree]; }
    [[nodiscard]] bool is_leaf(std::uint32_t node) const noexcept {
        return (nodes_[node].link >> k_slot_bits) == 0;
    }
    [[nodiscard]] Real value(std::uint32_t node) const noexcept { return nodes_[node].value; }
    [[nodiscard]] std::uint32_t left(std::uint32_t node) const noexcept {
        return node + (nodes_[node].link >> k_slot_bits);
    }
    [[nodiscard]] std::uint32_t feature(std::uint32_t node) const noexcept {
        return rules_[(nodes_[node].link & k_slot_mask) - 1].feature;
    }
    // The share of the training rows of this node that went left, from 0 to 1.
    [[nodiscard]] float left_share(std::uint32_t node) const noexcept { return shares_[node]; }
    [[nodiscard]] bool goes_left(std::uint32_t node, const std::vector<Real> &slots) const noexcept;
    // By feature: the largest category code in any set over it; -1 when it has no category split.
    [[nodiscard]] std::vector<std::int64_t> largest_categories(std::size_t features) const;
    [[nodiscard]] std::span<const slot_rule> rules() const noexcept { return rules_; }

private:
    static constexpr std::uint32_t k_slot_bits = 12;
    static constexpr std::uint32_t k_slot_mask = (1U << k_slot_bits) - 1U;

    struct visit;
    struct plan;
    [[nodiscard]] std::uint32_t slot_of(const source_node &node);
    void place(plan &layout, std::size_t at);
    void place_children(plan &layout, std::size_t at);
    [[nodiscard]] Real add_set(const source_tree &tree, const source_node &node);
    [[nodiscard]] bool category_goes_left(const packed_node<Real> &node, Real code) const noexcept;
    [[nodiscard]] Real walk(std::uint32_t node, const Real *slots) const noexcept;
    template <std::size_t Lanes>
    void walk_together(std::size_t tree, const Real *slots, Real *leaves) const noexcept;

    std::vector<packed_node<Real>> nodes_;
    std::vector<float> shares_;
    std::vector<std::uint32_t> roots_;
    std::vector<std::uint32_t> depths_;
    std::vector<bool> has_category_;         // by tree
    std::vector<slot_rule> rules_;           // of slot s: rules_[s - 1]
    std::vector<std::uint16_t> known_slots_; // by feature and kind; 0 for none yet
    std::vector<category_set> sets_;
    std::vector<std::uint32_t> words_;
};

extern template class forest<float>;
extern template class forest<double>;

} // namespace saas::core::fraud
