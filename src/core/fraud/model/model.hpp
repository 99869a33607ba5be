// SPDX-License-Identifier: PostgreSQL
// Fraud models: gradient-boosted trees and logistic regressions, read from the files of the
// libraries that train them and scored with the arithmetic of those libraries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/error.hpp"
#include "core/fraud/model/forest.hpp"
#include "core/fraud/model/linear.hpp"

namespace saas::core::fraud {

enum class model_format : std::uint8_t { xgboost_json, lightgbm_text, lightgbm_json, logistic };

// The format of that name ("xgboost_json" and so on); nullopt for another word.
[[nodiscard]] std::optional<model_format> model_format_of(std::string_view name) noexcept;

// How many of the boosting iterations count.
struct iteration_limit {
    enum class choice : std::uint8_t {
        best, // up to the best one when training stopped early, else all
        all,
        first // the first `count`
    };
    choice which = choice::best;
    std::size_t count = 0;
};

struct prediction {
    double margin;      // XGBoost's is a float: the conversion to one is exact
    double probability; // NaN when the objective has none (regression)
};

// Why a margin is what it is: base + the sum of contributions = margin, but for rounding.
struct explanation {
    double base;
    std::vector<double> contributions; // by feature
};

// Working memory for scoring, kept between calls.
struct model_memory {
    std::vector<float> floats;
    std::vector<double> doubles;
};

// A model as its file describes it. Does not change once it is read.
struct model {
    std::variant<forest<float>, forest<double>, linear> scorer;
    double start = 0; // margin before the first tree
    double slope = 1; // probability = 1 / (1 + exp(-slope * margin))
    bool has_probability = true;
    bool averaged = false; // the margin is the mean of the iterations, not their sum
    std::size_t trees_per_iteration = 1;
    std::optional<std::size_t> best_iterations; // how many the training found best
    std::size_t features = 0;
    std::vector<std::string> feature_names; // as many as features; made up when the file has none
    std::string objective;
    // The names of category codes that the file itself gives, by feature; empty for none.
    std::vector<std::vector<std::string>> categories;

    // Margin and probability for one row: a value for each feature, NaN for missing.
    [[nodiscard]] prediction score(std::span<const double> values, model_memory &memory) const;
    [[nodiscard]] std::size_t trees() const noexcept;
    [[nodiscard]] std::size_t bytes() const noexcept;
};

// The limit in a JSON object of options: {"iterations": "best" | "all" | number}. Throws
// core::error SA063 for anything else.
[[nodiscard]] iteration_limit read_options(std::string_view options);

// Reads a model file. Throws core::error SA060 (malformed), SA061 (not supported), SA062 (too
// large). Memory stays within a small multiple of the file's size and of the limits.
[[nodiscard]] model read_model(model_format format, std::string_view bytes,
                               iteration_limit limit = {}, cancel_poll poll = cancel_poll{});

// The exact Shapley values of the margin under the path-dependent expectation: missing features
// follow the training rows. Lundberg, Erion, Lee, "Consistent individualized feature attribution
// for tree ensembles", arXiv 1802.03888, algorithm 2. O(trees * leaves * depth^2).
[[nodiscard]] explanation explain(const model &which, std::span<const double> values,
                                  model_memory &memory, cancel_poll poll = cancel_poll{});

namespace detail {
[[nodiscard]] model read_xgboost(std::string_view bytes, cancel_poll poll);
[[nodiscard]] model read_lightgbm_text(std::string_view bytes, cancel_poll poll);
[[nodiscard]] model read_lightgbm_json(std::string_view bytes, cancel_poll poll);
[[nodiscard]] model read_logistic(std::string_view bytes, cancel_poll poll);
} // namespace detail

} // namespace saas::core::fraud
