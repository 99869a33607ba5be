// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/model/model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/fraud/model/json_reader.hpp"
#include "core/fraud/model/model_error.hpp"

namespace saas::core::fraud {
namespace {

[[noreturn]] void refuse_iterations(const std::string &detail) {
    throw error{k_bad_feature_map, "the number of iterations does not fit the fraud model", detail,
                "Give \"iterations\" as \"best\", \"all\" or a number from 1 on."};
}

// Forgets the iterations that do not count.
void limit_iterations(model &out, iteration_limit limit) {
    std::size_t all = out.trees() / out.trees_per_iteration;
    std::size_t count = all;
    if (limit.which == iteration_limit::choice::best)
        count = out.best_iterations.value_or(all);
    else if (limit.which == iteration_limit::choice::first)
        count = limit.count;
    if (count > all || (count == 0 && all > 0))
        refuse_iterations("It has " + std::to_string(all) + ", " + std::to_string(count) +
                          " were asked for.");
    std::visit(
        [&](auto &scorer) {
            if constexpr (requires { scorer.keep(count); })
                scorer.keep(count * out.trees_per_iteration);
        },
        out.scorer);
}

void name_features(model &out) {
    if (out.feature_names.empty()) {
        for (std::size_t i = 0; i < out.features; ++i)
            out.feature_names.push_back("f" + std::to_string(i));
    }
    std::vector<std::string_view> sorted(out.feature_names.begin(), out.feature_names.end());
    std::sort(sorted.begin(), sorted.end());
    auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end())
        refuse_malformed("its features",
                         "The name " + std::string{*twice}.substr(0, 60) + " stands there twice.");
    out.categories.resize(out.features);
}

} // namespace

std::optional<model_format> model_format_of(std::string_view name) noexcept {
    if (name == "xgboost_json")
        return model_format::xgboost_json;
    if (name == "lightgbm_text")
        return model_format::lightgbm_text;
    if (name == "lightgbm_json")
        return model_format::lightgbm_json;
    if (name == "logistic")
        return model_format::logistic;
    return std::nullopt;
}

iteration_limit read_options(std::string_view options) {
    json_reader in{options};
    iteration_limit out;
    std::string key;
    in.begin_object();
    while (in.next_key(key)) {
        if (key != "iterations")
            refuse_iterations("\"" + key.substr(0, 60) + "\" is no option of a model.");
        if (in.peek() == json_token::string) {
            std::string word = in.string();
            if (word != "best" && word != "all")
                refuse_iterations("It is \"" + word.substr(0, 60) + "\".");
            out.which =
                word == "all" ? iteration_limit::choice::all : iteration_limit::choice::best;
            continue;
        }
        double count = in.peek() == json_token::number ? in.float64() : 0;
        if (!(count >= 1 && count <= static_cast<double>(k_max_trees)) ||
            count != std::trunc(count))
            refuse_iterations("It is no number from 1 on.");
        out = {iteration_limit::choice::first, static_cast<std::size_t>(count)};
    }
    return out;
}

std::size_t model::trees() const noexcept {
    if (const auto *floats = std::get_if<forest<float>>(&scorer))
        return floats->trees();
    if (const auto *doubles = std::get_if<forest<double>>(&scorer))
        return doubles->trees();
    return 0;
}

std::size_t model::bytes() const noexcept {
    return std::visit([](const auto &which) { return which.bytes(); }, scorer);
}

prediction model::score(std::span<const double> values, model_memory &memory) const {
    double margin = 0;
    if (const auto *floats = std::get_if<forest<float>>(&scorer)) {
        margin = static_cast<double>(floats->sum(values, static_cast<float>(start), memory.floats));
    } else if (const auto *doubles = std::get_if<forest<double>>(&scorer)) {
        margin = doubles->sum(values, start, memory.doubles);
        if (averaged)
            margin /= static_cast<double>(std::max<std::size_t>(trees() / trees_per_iteration, 1));
    } else {
        margin = std::get<linear>(scorer).sum(values, start);
    }
    double probability = has_probability ? 1.0 / (1.0 + std::exp(-slope * margin))
                                         : std::numeric_limits<double>::quiet_NaN();
    return {margin, probability};
}

model read_model(model_format format, std::string_view bytes, iteration_limit limit,
                 cancel_poll poll) {
    if (bytes.size() > k_max_model_bytes)
        refuse_too_large("bytes", k_max_model_bytes);
    model out = [&] {
        switch (format) {
        case model_format::xgboost_json:
            return detail::read_xgboost(bytes, poll);
        case model_format::lightgbm_text:
            return detail::read_lightgbm_text(bytes, poll);
        case model_format::lightgbm_json:
            return detail::read_lightgbm_json(bytes, poll);
        case model_format::logistic:
            break;
        }
        return detail::read_logistic(bytes, poll);
    }();
    name_features(out);
    if (out.trees() > 0)
        limit_iterations(out, limit);
    return out;
}

} // namespace saas::core::fraud
