// SPDX-License-Identifier: PostgreSQL
// Fraud models against what the libraries that trained them say: test/data/models.
#include "core/fraud/model/model.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <limits>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

namespace fraud = saas::core::fraud;

namespace {

std::string file(const std::string &name) {
    std::ifstream in{std::string{SAAS_SOURCE_DIR} + "/test/data/models/" + name, std::ios::binary};
    EXPECT_TRUE(in.good()) << name;
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

fraud::model xgboost(const std::string &name) {
    return fraud::read_model(fraud::model_format::xgboost_json, file(name));
}

struct golden_row {
    std::vector<double> values;
    double margin = 0;
    std::vector<double> contributions;
    double base = 0;
};

std::vector<golden_row> golden_rows(const std::string &name, std::size_t features) {
    std::vector<golden_row> rows;
    std::istringstream in{file(name)};
    for (std::string line; std::getline(in, line);) {
        std::istringstream words{line};
        std::vector<double> numbers;
        for (std::string word; words >> word;)
            numbers.push_back(std::strtod(word.c_str(), nullptr));
        EXPECT_EQ(numbers.size(), 2 * features + 2);
        golden_row row;
        auto at = numbers.begin();
        auto take = [&](std::size_t count) {
            at += static_cast<std::ptrdiff_t>(count);
            return std::vector<double>(at - static_cast<std::ptrdiff_t>(count), at);
        };
        row.values = take(features);
        row.margin = *at++;
        row.contributions = take(features);
        row.base = *at;
        rows.push_back(std::move(row));
    }
    return rows;
}

std::uint32_t bits(double value) {
    return std::bit_cast<std::uint32_t>(static_cast<float>(value));
}

class golden : public testing::TestWithParam<const char *> {};

TEST_P(golden, margins_are_equal_to_the_last_bit) {
    std::string name = GetParam();
    fraud::model model = xgboost(name + ".json");
    fraud::model_memory memory;
    auto rows = golden_rows(name + ".tsv", model.features);
    ASSERT_EQ(rows.size(), 60U);
    for (const golden_row &row : rows)
        EXPECT_EQ(bits(model.score(row.values, memory).margin), bits(row.margin));
}

TEST_P(golden, contributions_are_those_of_the_library_and_add_up) {
    std::string name = GetParam();
    fraud::model model = xgboost(name + ".json");
    fraud::model_memory memory;
    for (const golden_row &row : golden_rows(name + ".tsv", model.features)) {
        fraud::explanation why = fraud::explain(model, row.values, memory);
        EXPECT_NEAR(why.base, row.base, 2e-5 * (1 + std::abs(row.base)));
        for (std::size_t i = 0; i < model.features; ++i)
            EXPECT_NEAR(why.contributions[i], row.contributions[i],
                        2e-5 * (1 + std::abs(row.base)));
        double sum = std::accumulate(why.contributions.begin(), why.contributions.end(), why.base);
        EXPECT_NEAR(sum, row.margin, 1e-5 * (1 + std::abs(row.margin)));
    }
}

INSTANTIATE_TEST_SUITE_P(xgboost, golden,
                         testing::Values("xgb_numeric", "xgb_one_hot", "xgb_partition", "xgb_dart",
                                         "xgb_best", "xgb_raw", "xgb_squared"),
                         [](const auto &each) { return std::string{each.param}; });

TEST(fraud_model, probability_of_a_logistic_objective_only) {
    fraud::model_memory memory;
    std::vector<double> row{100, 1, 10, 50};
    fraud::prediction logistic = xgboost("xgb_numeric.json").score(row, memory);
    EXPECT_DOUBLE_EQ(logistic.probability, 1 / (1 + std::exp(-logistic.margin)));
    EXPECT_TRUE(std::isnan(xgboost("xgb_squared.json").score(row, memory).probability));
}

TEST(fraud_model, base_score_in_both_notations) {
    std::string old_way = file("xgb_dart.json");
    std::string new_way = old_way;
    new_way.replace(new_way.find("\"2E-1\""), 6, "\"[2E-1]\"");
    ASSERT_NE(new_way, old_way);
    auto read = [](const std::string &bytes) {
        return fraud::read_model(fraud::model_format::xgboost_json, bytes);
    };
    EXPECT_EQ(bits(read(new_way).start), bits(-std::log(1.0F / 0.2F - 1.0F)));
    EXPECT_EQ(bits(read(new_way).start), bits(read(old_way).start));
}

TEST(fraud_model, iterations_are_chosen) {
    using limit = fraud::iteration_limit;
    std::string bytes = file("xgb_best.json");
    auto trees = [&](limit which) {
        return fraud::read_model(fraud::model_format::xgboost_json, bytes, which).trees();
    };
    EXPECT_EQ(trees({}), 10U) << "5 iterations of 2 trees";
    EXPECT_EQ(trees({limit::choice::all, 0}), 18U);
    EXPECT_EQ(trees({limit::choice::first, 2}), 4U);
    EXPECT_THROW((void)trees({limit::choice::first, 10}), saas::core::error);
    EXPECT_THROW((void)trees({limit::choice::first, 0}), saas::core::error);
}

TEST(fraud_model, names_come_from_the_file) {
    std::vector<std::string> names{"amount", "attempt_count", "customer.age_days", "risk_score"};
    EXPECT_EQ(xgboost("xgb_numeric.json").feature_names, names);
}

TEST(fraud_model, values_beyond_float_and_unknown_categories_are_scored) {
    fraud::model_memory memory;
    constexpr double infinity = std::numeric_limits<double>::infinity();
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    fraud::model model = xgboost("xgb_partition.json");
    for (double odd : {1e300, -1e300, infinity, -infinity, nan, -1.0, 5e9, 0.5}) {
        std::vector<double> row(6, odd);
        EXPECT_TRUE(std::isfinite(model.score(row, memory).margin)) << odd;
    }
    std::vector<double> missing(6, nan);
    std::vector<double> negative = missing;
    negative[4] = -1;
    EXPECT_EQ(model.score(missing, memory).margin, model.score(negative, memory).margin);
}

} // namespace
