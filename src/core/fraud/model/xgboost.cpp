// SPDX-License-Identifier: PostgreSQL
// XGBoost's JSON model. Arithmetic is float; the margin of base_score comes first, then the trees.
#include <cmath>
#include <string>
#include <vector>

#include "core/fraud/model/json_reader.hpp"
#include "core/fraud/model/model.hpp"
#include "core/fraud/model/model_error.hpp"
#include "core/fraud/model/xgboost_tree.hpp"

namespace saas::core::fraud {
namespace {

constexpr const char *k_objectives =
    "Scored are binary:logistic, binary:logitraw, reg:logistic and reg:squarederror with the "
    "boosters gbtree and dart.";

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

void read_trees(reading &file) {
    detail::xgboost_columns columns;
    file.in.begin_array();
    while (file.in.next_element())
        file.trees.add(detail::read_xgboost_tree(file.in, columns), k_max_features, file.poll);
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
            detail::read_floats(file.in, file.weights);
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
        refuse_malformed("its parameters",
                         "num_feature or num_parallel_tree is missing or negative.");
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
    bool logistic =
        name == "binary:logistic" || name == "binary:logitraw" || name == "reg:logistic";
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
