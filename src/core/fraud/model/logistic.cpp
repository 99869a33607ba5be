// SPDX-License-Identifier: PostgreSQL
// A logistic regression as a document:
//     {"intercept": -2.5, "features": [
//         {"name": "amount", "coefficient": 0.8, "mean": 5000, "scale": 2500, "missing": 0},
//         {"name": "card_country", "coefficients": {"US": -0.2, "BR": 0.9}, "other": 0.4}]}
#include <cmath>
#include <set>
#include <string>

#include "core/fraud/model/json_reader.hpp"
#include "core/fraud/model/model.hpp"
#include "core/fraud/model/model_error.hpp"

namespace saas::core::fraud {
namespace {

constexpr std::size_t k_max_category_names = 100'000; // of all features together

struct reading {
    json_reader in;
    model out;
    linear terms;
    std::set<std::string> names;
    std::size_t category_names = 0;
};

double finite(json_reader &in) {
    double value = in.float64();
    if (!std::isfinite(value))
        in.fail("a number is not finite");
    return value;
}

void read_categories(reading &file, linear_term &term) {
    std::vector<std::string> &names = file.out.categories.back();
    std::set<std::string> seen;
    std::string key;
    file.in.begin_object();
    while (file.in.next_key(key)) {
        if (!seen.insert(key).second)
            file.in.fail("category \"" + key.substr(0, 60) + "\" stands there twice");
        if (++file.category_names > k_max_category_names)
            refuse_too_large("categories", k_max_category_names);
        names.push_back(key);
        term.by_category.push_back(finite(file.in));
    }
    if (names.empty())
        file.in.fail("a feature has no coefficients");
}

void read_feature(reading &file) {
    linear_term term;
    std::string name;
    std::string key;
    seen_keys seen;
    bool numeric = false;
    file.out.categories.emplace_back();
    file.in.begin_object();
    while (file.in.next_key(key)) {
        seen.add(file.in, key);
        if (key == "name") {
            name = file.in.string();
        } else if (key == "coefficient") {
            term.coefficient = finite(file.in);
            numeric = true;
        } else if (key == "coefficients") {
            read_categories(file, term);
        } else if (key == "mean") {
            term.mean = finite(file.in);
        } else if (key == "scale") {
            term.scale = finite(file.in);
        } else if (key == "missing") {
            term.missing = finite(file.in);
        } else if (key == "other") {
            term.other = finite(file.in);
        } else {
            file.in.fail("key \"" + key.substr(0, 60) + "\" is none of a feature");
        }
    }
    if (name.empty() || !file.names.insert(name).second)
        file.in.fail("a feature has no name of its own");
    if (numeric == !term.by_category.empty())
        file.in.fail("a feature has either a coefficient or coefficients");
    if (term.scale == 0)
        file.in.fail("a scale is zero");
    file.out.feature_names.push_back(std::move(name));
    file.terms.terms.push_back(std::move(term));
}

void read_features(reading &file) {
    file.in.begin_array();
    while (file.in.next_element()) {
        if (file.terms.terms.size() >= k_max_features)
            refuse_too_large("features", k_max_features);
        read_feature(file);
    }
}

} // namespace

model detail::read_logistic(std::string_view bytes, cancel_poll poll) {
    reading file{json_reader{bytes, poll}, {}, {}, {}, 0};
    std::string key;
    seen_keys seen;
    file.in.begin_object();
    while (file.in.next_key(key)) {
        seen.add(file.in, key);
        if (key == "intercept")
            file.out.start = finite(file.in);
        else if (key == "features")
            read_features(file);
        else
            file.in.fail("key \"" + key.substr(0, 60) + "\" is none of a logistic regression");
    }
    file.in.finish();
    if (file.terms.terms.empty())
        refuse_malformed("there are no features", "Key \"features\" is missing or empty.");
    file.out.features = file.terms.terms.size();
    file.out.objective = "logistic";
    file.out.scorer = std::move(file.terms);
    return std::move(file.out);
}

} // namespace saas::core::fraud
