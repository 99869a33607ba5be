// SPDX-License-Identifier: PostgreSQL
// Path-dependent TreeSHAP: Lundberg, Erion, Lee, arXiv 1802.03888, algorithm 2. For every leaf the
// features on its path are weighed over all subsets at once, as a polynomial that grows by one
// feature a split (extend) and from which a feature can be taken out again (unwind).
#include <algorithm>
#include <array>

#include "core/fraud/model/model.hpp"
#include "core/fraud/model/model_error.hpp"

namespace saas::core::fraud {
namespace {

// A feature on the way from the root.
struct step {
    std::int64_t feature; // -1: before the first split
    double zero;          // share of the training rows that follow when the feature is unknown
    double one;           // 1 when the row itself follows, else 0
    double weight;        // of the subsets of this size
};

// 1 / n for the divisions below, which would take most of the time.
constexpr auto k_inverse = [] {
    std::array<double, k_max_tree_depth + 3> out{};
    for (std::size_t n = 1; n < out.size(); ++n)
        out[n] = 1.0 / static_cast<double>(n);
    return out;
}();

void extend(step *path, std::size_t length, double zero, double one, std::int64_t feature) {
    path[length] = {feature, zero, one, length == 0 ? 1.0 : 0.0};
    double share = k_inverse[length + 1];
    for (std::size_t i = length; i-- > 0;) {
        double weight = path[i].weight * share;
        path[i + 1].weight += one * weight * static_cast<double>(i + 1);
        path[i].weight = zero * weight * static_cast<double>(length - i);
    }
}

// Takes step `at` out of a path of steps 0 .. last. `one` is 0 or 1, and not 0 when `zero` is.
void unwind(step *path, std::size_t last, std::size_t at) {
    double zero = path[at].zero;
    auto size = static_cast<double>(last + 1);
    if (path[at].one != 0) {
        double next = path[last].weight;
        for (std::size_t i = last; i-- > 0;) {
            double kept = path[i].weight;
            path[i].weight = next * size * k_inverse[i + 1];
            next =
                kept - path[i].weight * zero * static_cast<double>(last - i) * k_inverse[last + 1];
        }
    } else {
        for (std::size_t i = last; i-- > 0;)
            path[i].weight *= size / zero * k_inverse[last - i];
    }
    for (std::size_t i = at; i < last; ++i) {
        path[i].feature = path[i + 1].feature;
        path[i].zero = path[i + 1].zero;
        path[i].one = path[i + 1].one;
    }
}

// The sum of the weights that unwind would leave.
double unwound_sum(const step *path, std::size_t last, std::size_t at) {
    double zero = path[at].zero;
    auto size = static_cast<double>(last + 1);
    double total = 0;
    if (path[at].one != 0) {
        double next = path[last].weight;
        double share = zero * k_inverse[last + 1];
        for (std::size_t i = last; i-- > 0;) {
            double weight = next * size * k_inverse[i + 1];
            total += weight;
            next = path[i].weight - weight * share * static_cast<double>(last - i);
        }
        return total;
    }
    for (std::size_t i = last; i-- > 0;)
        total += path[i].weight * k_inverse[last - i];
    return total * size / zero;
}

template <class Real>
class tree_walk {
public:
    tree_walk(const forest<Real> &trees, const std::vector<Real> &slots, std::vector<double> &out,
              cancel_poll &poll)
        : trees_{trees}, slots_{slots}, out_{out}, poll_{poll} {}

    // Adds the contributions of one tree and returns what it gives on average.
    double add(std::size_t tree) {
        // One path for each level: level d begins after d of them, each one longer than the last.
        std::size_t levels = trees_.depth(tree) + 2;
        paths_.resize(levels * (levels + 1) / 2 + levels);
        go(trees_.root(tree), paths_.data(), 0, {-1, 1, 1, 0});
        return mean(trees_.root(tree));
    }

private:
    // `path` holds `length` steps; `came` is how this node was reached.
    void go(std::uint32_t node, step *path, std::size_t length, step came) {
        poll_.step();
        extend(path, length, came.zero, came.one, came.feature);
        if (trees_.is_leaf(node)) {
            add_leaf(static_cast<double>(trees_.value(node)), path, length);
            return;
        }
        std::int64_t feature = trees_.feature(node);
        step earlier{feature, 1, 1, 0};
        std::size_t last = length;
        // A feature that split the path before counts once, with both shares.
        for (std::size_t i = 1; i <= last; ++i) {
            if (path[i].feature == feature) {
                earlier = path[i];
                unwind(path, last, i);
                --last;
                break;
            }
        }
        bool left = trees_.goes_left(node, slots_);
        auto share = static_cast<double>(trees_.left_share(node));
        for (bool to_left : {true, false}) {
            double zero = earlier.zero * (to_left ? share : 1 - share);
            double one = left == to_left ? earlier.one : 0;
            // Nobody goes there, neither the row nor any training row.
            if (zero == 0 && one == 0)
                continue;
            step *next = path + last + 1;
            std::copy(path, next, next);
            go(trees_.left(node) + (to_left ? 0U : 1U), next, last + 1, {feature, zero, one, 0});
        }
    }

    void add_leaf(double value, const step *path, std::size_t last) {
        for (std::size_t i = 1; i <= last; ++i) {
            double weight = unwound_sum(path, last, i);
            out_[static_cast<std::size_t>(path[i].feature)] +=
                weight * (path[i].one - path[i].zero) * value;
        }
    }

    double mean(std::uint32_t node) {
        if (trees_.is_leaf(node))
            return static_cast<double>(trees_.value(node));
        auto share = static_cast<double>(trees_.left_share(node));
        return share * mean(trees_.left(node)) + (1 - share) * mean(trees_.left(node) + 1);
    }

    const forest<Real> &trees_;
    const std::vector<Real> &slots_;
    std::vector<double> &out_;
    cancel_poll &poll_;
    std::vector<step> paths_;
};

template <class Real>
void explain_forest(const forest<Real> &trees, std::span<const double> values,
                    std::vector<Real> &slots, explanation &out, cancel_poll &poll) {
    trees.fill_slots(values, slots);
    tree_walk<Real> walk{trees, slots, out.contributions, poll};
    for (std::size_t tree = 0; tree < trees.trees(); ++tree)
        out.base += walk.add(tree);
}

} // namespace

explanation explain(const model &which, std::span<const double> values, model_memory &memory,
                    cancel_poll poll) {
    explanation out{0, std::vector<double>(which.features)};
    if (const auto *terms = std::get_if<linear>(&which.scorer)) {
        for (std::size_t i = 0; i < which.features; ++i)
            out.contributions[i] = terms->term(i, values[i]);
    } else if (const auto *floats = std::get_if<forest<float>>(&which.scorer)) {
        explain_forest(*floats, values, memory.floats, out, poll);
    } else {
        explain_forest(std::get<forest<double>>(which.scorer), values, memory.doubles, out, poll);
    }
    if (which.averaged && which.trees() > 0) {
        auto count = static_cast<double>(which.trees() / which.trees_per_iteration);
        out.base /= count;
        for (double &each : out.contributions)
            each /= count;
    }
    out.base += which.start;
    return out;
}

} // namespace saas::core::fraud
