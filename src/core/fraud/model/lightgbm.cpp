// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/model/lightgbm.hpp"

#include <cmath>
#include <limits>

#include "core/fraud/model/json_reader.hpp"
#include "core/fraud/model/model_error.hpp"

namespace saas::core::fraud::detail {
namespace {

constexpr const char *k_objectives =
    "Scored are the objectives binary, cross_entropy, regression, regression_l1 and huber.";

// "binary sigmoid:1": the word, then its parameters.
void set_objective(model &out, const std::string &words) {
    std::string name = words.substr(0, words.find(' '));
    std::string parameters = words.substr(name.size());
    out.objective = name;
    if (name == "binary" || name == "cross_entropy" || name == "xentropy") {
        std::size_t at = parameters.find("sigmoid:");
        if (at == std::string::npos)
            return;
        std::string rest = parameters.substr(at + 8);
        std::string number = rest.substr(0, rest.find(' '));
        json_reader reader{number};
        out.slope = reader.float64();
        reader.finish();
        if (!(out.slope > 0) || !std::isfinite(out.slope))
            refuse_malformed("its objective", "The parameter sigmoid is not positive.");
        return;
    }
    bool identity = name == "regression" || name == "regression_l1" || name == "huber";
    if (!identity || parameters.find("sqrt") != std::string::npos)
        refuse_unsupported("objective " + (words.empty() ? "custom" : words.substr(0, 60)),
                           k_objectives);
    out.has_probability = false;
}

} // namespace

model lightgbm_model(lightgbm_head head) {
    if (head.classes != 1 || head.trees_per_iteration != 1)
        refuse_unsupported("it has several classes", k_objectives);
    if (head.last_feature < 0)
        refuse_malformed("its features", "max_feature_idx is missing or negative.");
    if (head.last_feature >= static_cast<std::int64_t>(k_max_features))
        refuse_too_large("features", k_max_features);
    model out;
    out.features = static_cast<std::size_t>(head.last_feature) + 1;
    if (head.names.size() != out.features)
        refuse_malformed("its features", "There are " + std::to_string(head.names.size()) +
                                             " names for " + std::to_string(out.features) + ".");
    out.feature_names = std::move(head.names);
    out.averaged = head.averaged;
    set_objective(out, head.objective);
    return out;
}

double lightgbm_threshold(double threshold) noexcept {
    return std::nextafter(threshold, std::numeric_limits<double>::infinity());
}

void refuse_linear_trees() {
    refuse_unsupported("its leaves are linear regressions", "Train with linear_tree=false.");
}

} // namespace saas::core::fraud::detail
