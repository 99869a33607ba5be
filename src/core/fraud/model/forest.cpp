// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/model/forest.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

#include "core/fraud/model/model_error.hpp"

namespace saas::core::fraud {
namespace {

constexpr std::size_t k_lanes = 8;
constexpr std::size_t k_slot_kinds = 7;
constexpr double k_zero = static_cast<double>(1e-35F); // LightGBM's bound, a float there

// The type's value for a number of the file. XGBoost's numbers are floats in the file already.
template <class Real>
Real as(double value) noexcept {
    return static_cast<Real>(value);
}

slot_kind kind_of(const source_node &node) noexcept {
    if (node.kind == node_kind::category)
        return node.missing == missing_kind::nan ? slot_kind::category_strict
                                                 : slot_kind::category_truncated;
    switch (node.missing) {
    case missing_kind::nan:
        return node.default_left ? slot_kind::missing_left : slot_kind::missing_right;
    case missing_kind::zero:
        return node.default_left ? slot_kind::zero_left : slot_kind::zero_right;
    case missing_kind::none:
        break;
    }
    return slot_kind::nan_as_zero;
}

bool is_category(slot_kind kind) noexcept {
    return kind == slot_kind::category_strict || kind == slot_kind::category_truncated;
}

template <class Real>
Real slot_value(slot_kind kind, double value) noexcept {
    constexpr Real infinity = std::numeric_limits<Real>::infinity();
    constexpr Real missing = std::numeric_limits<Real>::quiet_NaN();
    bool unknown = std::isnan(value);
    switch (kind) {
    case slot_kind::missing_left:
        return unknown ? -infinity : as<Real>(value);
    case slot_kind::missing_right:
        return unknown ? infinity : as<Real>(value);
    case slot_kind::zero_left:
        return unknown || std::abs(value) <= k_zero ? -infinity : as<Real>(value);
    case slot_kind::zero_right:
        return unknown || std::abs(value) <= k_zero ? infinity : as<Real>(value);
    case slot_kind::nan_as_zero:
        return unknown ? Real{0} : as<Real>(value);
    case slot_kind::category_strict:
        return value >= 0 && value < 16'777'216 ? as<Real>(std::trunc(value)) : missing;
    case slot_kind::category_truncated:
        return value > -1 && value < 16'777'216 ? as<Real>(std::trunc(value)) : missing;
    }
    return missing;
}

} // namespace

// A node of the file on its way into the layout.
template <class Real>
struct forest<Real>::visit {
    std::size_t source;
    std::uint32_t depth;
};

template <class Real>
struct forest<Real>::plan {
    const source_tree &tree;
    std::vector<visit> order{{0, 0}};
    std::vector<bool> reached = std::vector<bool>(tree.nodes.size());
};

// The slot of a split's feature and missing rule, a new one when there is none yet.
template <class Real>
std::uint32_t forest<Real>::slot_of(const source_node &node) {
    slot_kind kind = kind_of(node);
    std::size_t place = node.feature * k_slot_kinds + static_cast<std::size_t>(kind);
    if (place >= known_slots_.size())
        known_slots_.resize(place + 1);
    if (known_slots_[place] == 0) {
        if (rules_.size() >= k_slot_mask)
            refuse_too_large("features in splits", k_slot_mask);
        rules_.push_back({node.feature, kind});
        known_slots_[place] = static_cast<std::uint16_t>(rules_.size());
    }
    return known_slots_[place];
}

template <class Real>
Real forest<Real>::add_set(const source_tree &tree, const source_node &node) {
    if (node.words_begin > tree.words.size() ||
        node.words_count > tree.words.size() - node.words_begin)
        refuse_malformed("a split", "Its categories lie outside of the list.");
    if (words_.size() + node.words_count > k_max_category_words)
        refuse_too_large("categories in splits", k_max_category_words * 32);
    auto begin = tree.words.begin() + node.words_begin;
    sets_.push_back({static_cast<std::uint32_t>(words_.size()), node.words_count, node.default_left,
                     node.members_left});
    words_.insert(words_.end(), begin, begin + node.words_count);
    return as<Real>(static_cast<double>(sets_.size() - 1)); // below 2^24: exact
}

// Two new nodes at the end for the children of the node laid out at `at`.
template <class Real>
void forest<Real>::place_children(plan &layout, std::size_t at) {
    const visit from = layout.order[at];
    const source_node &node = layout.tree.nodes[from.source];
    auto count = static_cast<std::int64_t>(layout.tree.nodes.size());
    if (node.left < 0 || node.left >= count || node.right < 0 || node.right >= count)
        refuse_malformed("a split", "Its children lie outside of the tree.");
    if (from.depth >= k_max_tree_depth)
        refuse_too_large("levels of splits", k_max_tree_depth);
    for (std::int64_t child : {node.left, node.right}) {
        auto source = static_cast<std::size_t>(child);
        // Also what would close a circle.
        if (source == 0 || layout.reached[source])
            refuse_malformed("a tree", "Two ways lead to one of its nodes.");
        layout.reached[source] = true;
        layout.order.push_back({source, from.depth + 1});
    }
}

template <class Real>
void forest<Real>::place(plan &layout, std::size_t at) {
    const source_tree &tree = layout.tree;
    const source_node &node = tree.nodes[layout.order[at].source];
    packed_node<Real> packed{as<Real>(node.value), 0};
    float share = 0;
    if (node.kind == node_kind::leaf) {
        if (!std::isfinite(packed.value))
            refuse_malformed("a leaf", "Its value is not finite.");
    } else {
        auto delta = static_cast<std::uint32_t>(layout.order.size() - at);
        place_children(layout, at);
        double left = tree.nodes[static_cast<std::size_t>(node.left)].cover;
        double both = left + tree.nodes[static_cast<std::size_t>(node.right)].cover;
        if (!(left >= 0 && left <= both && std::isfinite(both)))
            refuse_malformed("a split", "Its cover is negative or not finite.");
        share = both > 0 ? static_cast<float>(left / both) : 0.5F;
        packed.link = delta << k_slot_bits | slot_of(node);
        if (node.kind == node_kind::category) {
            packed.value = add_set(tree, node);
            has_category_.back() = true;
        } else if (std::isnan(packed.value) ||
                   packed.value == -std::numeric_limits<Real>::infinity()) {
            refuse_malformed("a split", "Its threshold is NaN or -Infinity.");
        }
    }
    nodes_.push_back(packed);
    shares_.push_back(share);
    depths_.back() = std::max(depths_.back(), layout.order[at].depth);
}

template <class Real>
void forest<Real>::add(const source_tree &tree, std::size_t features, cancel_poll &poll) {
    if (tree.nodes.empty())
        refuse_malformed("a tree", "It has no nodes.");
    if (tree.nodes.size() > k_max_tree_nodes)
        refuse_too_large("nodes in a tree", k_max_tree_nodes);
    if (nodes_.size() + tree.nodes.size() > k_max_nodes)
        refuse_too_large("nodes", k_max_nodes);
    if (roots_.size() >= k_max_trees)
        refuse_too_large("trees", k_max_trees);
    roots_.push_back(static_cast<std::uint32_t>(nodes_.size()));
    depths_.push_back(0);
    has_category_.push_back(false);
    plan layout{tree};
    for (std::size_t at = 0; at < layout.order.size(); ++at) {
        poll.step();
        const source_node &node = tree.nodes[layout.order[at].source];
        if (node.kind != node_kind::leaf && node.feature >= features)
            refuse_malformed("a split", "It names feature " + std::to_string(node.feature) +
                                            " of " + std::to_string(features) + ".");
        place(layout, at);
    }
}

template <class Real>
void forest<Real>::scale(std::size_t tree, Real factor) {
    std::size_t end = tree + 1 < roots_.size() ? roots_[tree + 1] : nodes_.size();
    for (std::size_t node = roots_[tree]; node < end; ++node) {
        if (!is_leaf(static_cast<std::uint32_t>(node)))
            continue;
        nodes_[node].value *= factor;
        if (!std::isfinite(nodes_[node].value))
            refuse_malformed("a tree's weight", "A leaf's value times the weight is not finite.");
    }
}

template <class Real>
void forest<Real>::keep(std::size_t count) {
    if (count >= roots_.size())
        return;
    nodes_.resize(roots_[count]);
    shares_.resize(roots_[count]);
    roots_.resize(count);
    depths_.resize(count);
    has_category_.resize(count);
}

template <class Real>
std::size_t forest<Real>::bytes() const noexcept {
    return nodes_.size() * (sizeof(nodes_[0]) + sizeof(float)) + words_.size() * sizeof(words_[0]) +
           sets_.size() * sizeof(sets_[0]) + roots_.size() * 9;
}

template <class Real>
bool forest<Real>::category_goes_left(const packed_node<Real> &node, Real code) const noexcept {
    const category_set &set = sets_[static_cast<std::size_t>(node.value)];
    if (std::isnan(code))
        return set.default_left;
    auto bit = static_cast<std::uint32_t>(code);
    bool member = bit / 32 < set.count && (words_[set.begin + bit / 32] >> (bit % 32) & 1U) != 0;
    return member == set.members_left;
}

template <class Real>
bool forest<Real>::goes_left(std::uint32_t node, const std::vector<Real> &slots) const noexcept {
    const packed_node<Real> &split = nodes_[node];
    std::uint32_t slot = split.link & k_slot_mask;
    if (is_category(rules_[slot - 1].kind))
        return category_goes_left(split, slots[slot]);
    return slots[slot] < split.value;
}

// One tree that has category splits.
template <class Real>
Real forest<Real>::walk(std::uint32_t node, const Real *slots) const noexcept {
    while (!is_leaf(node)) {
        const packed_node<Real> &split = nodes_[node];
        std::uint32_t slot = split.link & k_slot_mask;
        bool goes_on_left = is_category(rules_[slot - 1].kind)
                                ? category_goes_left(split, slots[slot])
                                : slots[slot] < split.value;
        node = left(node) + (goes_on_left ? 0U : 1U);
    }
    return nodes_[node].value;
}

// Several trees at once, so that the processor waits for one node of each at the same time. All
// take as many steps as the deepest needs: a leaf leads to itself.
template <class Real>
template <std::size_t Lanes>
void forest<Real>::walk_together(std::size_t tree, const Real *slots, Real *leaves) const noexcept {
    std::array<const packed_node<Real> *, Lanes> at;
    std::uint32_t steps = 0;
    for (std::size_t lane = 0; lane < Lanes; ++lane) {
        at[lane] = nodes_.data() + roots_[tree + lane];
        steps = std::max(steps, depths_[tree + lane]);
    }
    while (steps > 0) {
        for (std::uint32_t chunk = std::min<std::uint32_t>(steps, 8); chunk > 0; --chunk, --steps) {
            for (std::size_t lane = 0; lane < Lanes; ++lane) {
                packed_node<Real> node = *at[lane];
                bool right = !(slots[node.link & k_slot_mask] < node.value);
                at[lane] += (node.link >> k_slot_bits) + static_cast<std::uint32_t>(right);
            }
        }
        std::uint32_t inner = 0;
        for (std::size_t lane = 0; lane < Lanes; ++lane)
            inner |= at[lane]->link >> k_slot_bits;
        if (inner == 0)
            break;
    }
    for (std::size_t lane = 0; lane < Lanes; ++lane)
        leaves[lane] = at[lane]->value;
}

template <class Real>
void forest<Real>::fill_slots(std::span<const double> values, std::vector<Real> &slots) const {
    slots.resize(rules_.size() + 1);
    slots[0] = -std::numeric_limits<Real>::infinity();
    for (std::size_t i = 0; i < rules_.size(); ++i)
        slots[i + 1] = slot_value<Real>(rules_[i].kind, values[rules_[i].feature]);
}

template <class Real>
Real forest<Real>::sum(std::span<const double> values, Real start, std::vector<Real> &slots) const {
    fill_slots(values, slots);
    Real total = start;
    std::array<Real, k_lanes> leaves;
    for (std::size_t tree = 0; tree < roots_.size();) {
        std::size_t plain = 0;
        while (plain < k_lanes && tree + plain < roots_.size() && !has_category_[tree + plain])
            ++plain;
        std::size_t taken = 1;
        if (plain == k_lanes) {
            walk_together<k_lanes>(tree, slots.data(), leaves.data());
            taken = k_lanes;
        } else if (plain > 0) {
            walk_together<1>(tree, slots.data(), leaves.data());
        } else {
            leaves[0] = walk(roots_[tree], slots.data());
        }
        for (std::size_t lane = 0; lane < taken; ++lane)
            total += leaves[lane];
        tree += taken;
    }
    return total;
}

template <class Real>
std::vector<std::int64_t> forest<Real>::largest_categories(std::size_t features) const {
    std::vector<std::int64_t> largest(features, -1);
    for (const packed_node<Real> &node : nodes_) {
        std::uint32_t slot = node.link & k_slot_mask;
        if (slot == 0 || !is_category(rules_[slot - 1].kind))
            continue;
        const category_set &set = sets_[static_cast<std::size_t>(node.value)];
        std::int64_t &most = largest[rules_[slot - 1].feature];
        for (std::int64_t bit = std::int64_t{set.count} * 32 - 1; bit > most; --bit) {
            if ((words_[set.begin + static_cast<std::size_t>(bit / 32)] >> (bit % 32) & 1U) != 0)
                most = bit;
        }
    }
    return largest;
}

template class forest<float>;
template class forest<double>;

} // namespace saas::core::fraud
