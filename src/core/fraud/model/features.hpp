// SPDX-License-Identifier: PostgreSQL
// Where a model's features come from: which attribute, and what number its value is.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/fraud/model/model.hpp"

namespace saas::core::fraud {

// A value as the attributes have it. The text stays with the caller.
struct raw_value {
    enum class kind : std::uint8_t { missing, number, truth, text, other };
    kind is = kind::missing;
    double number = 0; // also the truth value
    std::string_view text;
};

// One feature: where it is looked up and how it becomes a number.
struct feature_source {
    std::vector<std::string> path; // keys from the outermost object inwards
    std::string attribute;         // the path as the map has it
    std::string label;             // for people
    bool category = false;
    std::map<std::string, double, std::less<>> codes; // of a category
    double unknown = 0;                               // for a category that has no code

    // The model's number for a value, NaN for a missing one. False when the value is no number: a
    // text that is none, an object, an array.
    [[nodiscard]] bool encode(const raw_value &value, double &out) const;
};

// The sources of all features of a model. `map` is JSON text: an object from feature names, or an
// array in the order of the features, of attribute names or of objects {"attribute", "type":
// "number" | "category", "categories": […], "label"}. A feature that the map does not name is the
// attribute of its own name. Throws core::error SA063 for a map that does not fit the model.
[[nodiscard]] std::vector<feature_source> read_feature_map(const model &which,
                                                           std::string_view map);

// The features that add to the margin or take from it, the greatest effect first.
[[nodiscard]] std::vector<std::uint32_t> ranked(const explanation &why);

// "card_country = BR raises the risk by 0.8312", "email is missing, which lowers the risk by 0.1".
[[nodiscard]] std::string reason_in_words(const feature_source &feature, const raw_value &value,
                                          double contribution);

} // namespace saas::core::fraud
