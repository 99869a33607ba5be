// SPDX-License-Identifier: PostgreSQL
// The other formats, feature maps, and files that are no models.
#include "core/fraud/model/features.hpp"
#include "core/fraud/model/model.hpp"
#include "core/fraud/model/model_error.hpp"

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
using fraud::model_format;

namespace {

constexpr double k_nan = std::numeric_limits<double>::quiet_NaN();

std::string file(const std::string &name) {
    std::ifstream in{std::string{SAAS_SOURCE_DIR} + "/test/data/models/" + name, std::ios::binary};
    EXPECT_TRUE(in.good()) << name;
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

// The SQLSTATE that reading these bytes raises; "none" when they are a model.
std::string state_of(model_format format, const std::string &bytes) {
    try {
        (void)fraud::read_model(format, bytes);
    } catch (const saas::core::error &refused) {
        return std::string{refused.state().code()};
    }
    return "none";
}

std::string replaced(std::string text, const std::string &from, const std::string &to) {
    std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

void expect_lightgbm(model_format format, const std::string &bytes) {
    fraud::model model = fraud::read_model(format, bytes);
    ASSERT_EQ(model.features, 4U);
    ASSERT_EQ(model.trees(), 12U);
    fraud::model_memory memory;
    std::istringstream in{file("lgb_random.tsv")};
    std::size_t rows = 0;
    for (std::string line; std::getline(in, line); ++rows) {
        std::istringstream words{line};
        std::vector<double> row;
        for (std::string word; words >> word;)
            row.push_back(std::strtod(word.c_str(), nullptr));
        double margin = row.back();
        row.pop_back();
        fraud::prediction said = model.score(row, memory);
        EXPECT_EQ(std::bit_cast<std::uint64_t>(said.margin), std::bit_cast<std::uint64_t>(margin))
            << line;
        EXPECT_DOUBLE_EQ(said.probability, 1 / (1 + std::exp(-1.5 * margin)));
        fraud::explanation why = fraud::explain(model, row, memory);
        EXPECT_NEAR(std::accumulate(why.contributions.begin(), why.contributions.end(), why.base),
                    margin, 1e-9);
    }
    EXPECT_EQ(rows, 80U);
}

TEST(fraud_lightgbm, text_model) {
    expect_lightgbm(model_format::lightgbm_text, file("lgb_random.txt"));
}

TEST(fraud_lightgbm, json_dump) {
    expect_lightgbm(model_format::lightgbm_json, file("lgb_random.json"));
}

TEST(fraud_lightgbm, lines_may_end_as_on_windows) {
    std::string text;
    for (char c : file("lgb_random.txt"))
        text += c == '\n' ? std::string{"\r\n"} : std::string{c};
    expect_lightgbm(model_format::lightgbm_text, text);
}

TEST(fraud_lightgbm, average_of_a_random_forest) {
    std::string averaged =
        replaced(file("lgb_random.txt"), "label_index=0", "label_index=0\naverage_output");
    fraud::model mean = fraud::read_model(model_format::lightgbm_text, averaged);
    fraud::model sum = fraud::read_model(model_format::lightgbm_text, file("lgb_random.txt"));
    fraud::model_memory memory;
    std::vector<double> row{0.5, k_nan, -1, 3};
    EXPECT_DOUBLE_EQ(mean.score(row, memory).margin, sum.score(row, memory).margin / 12);
    EXPECT_DOUBLE_EQ(fraud::explain(mean, row, memory).base,
                     fraud::explain(sum, row, memory).base / 12);
}

TEST(fraud_lightgbm, what_is_not_supported) {
    auto text_with = [](const std::string &from, const std::string &to) {
        return state_of(model_format::lightgbm_text, replaced(file("lgb_random.txt"), from, to));
    };
    EXPECT_EQ(text_with("num_class=1", "num_class=3"), "SA061");
    EXPECT_EQ(text_with("num_tree_per_iteration=1", "num_tree_per_iteration=3"), "SA061");
    EXPECT_EQ(text_with("binary sigmoid:1.5", "lambdarank"), "SA061");
    EXPECT_EQ(text_with("binary sigmoid:1.5", "regression sqrt"), "SA061");
    EXPECT_EQ(text_with("binary sigmoid:1.5", "regression"), "none");
    EXPECT_EQ(text_with("is_linear=0", "is_linear=1"), "SA061");
    EXPECT_EQ(text_with("binary sigmoid:1.5", "binary sigmoid:0"), "SA060");
    EXPECT_EQ(text_with("max_feature_idx=3", "max_feature_idx=2"), "SA060");
    EXPECT_EQ(text_with("max_feature_idx=3", "max_feature_idx=99999999"), "SA062");
    EXPECT_EQ(text_with("leaf_value=", "leaf_value=1 "), "SA060");
    EXPECT_EQ(text_with("leaf_value=", "leaf_value=x"), "SA060");
    EXPECT_EQ(text_with("left_child=", "left_child=7 "), "SA060");
    EXPECT_EQ(text_with("cat_boundaries=0", "cat_boundaries=9"), "SA060");
    EXPECT_EQ(text_with("decision_type=", "decision_type=12 "), "SA060");
    auto json_with = [](const std::string &from, const std::string &to) {
        return state_of(model_format::lightgbm_json, replaced(file("lgb_random.json"), from, to));
    };
    EXPECT_EQ(json_with("\"num_class\": 1", "\"num_class\": 2"), "SA061");
    EXPECT_EQ(json_with("\"leaf_value\"", "\"leaf_const\""), "SA061");
    EXPECT_EQ(json_with("\"leaf_value\"", "\"leaf_worth\""), "SA060");
    EXPECT_EQ(json_with("\"missing_type\": \"None\"", "\"missing_type\": \"Some\""), "SA060");
    EXPECT_EQ(json_with("\"decision_type\": \"<=\"", "\"decision_type\": \">\""), "SA060");
    EXPECT_EQ(json_with("\"split_feature\": ", "\"split_feature\": 9"), "SA060");
}

TEST(fraud_logistic, terms_and_contributions) {
    fraud::model model = fraud::read_model(model_format::logistic,
                                           R"({"intercept": -2, "features": [
            {"name": "amount", "coefficient": 0.8, "mean": 500, "scale": 250, "missing": 0.5},
            {"name": "card_country", "coefficients": {"US": -1, "BR": 2}, "other": 0.25}]})");
    fraud::model_memory memory;
    std::vector<double> row{1000, 1};
    EXPECT_DOUBLE_EQ(model.score(row, memory).margin, -2 + 1.6 + 2);
    fraud::explanation why = fraud::explain(model, row, memory);
    EXPECT_DOUBLE_EQ(why.base, -2);
    EXPECT_EQ(why.contributions, (std::vector<double>{1.6, 2}));
    EXPECT_DOUBLE_EQ(model.score(std::vector<double>{k_nan, k_nan}, memory).margin, -1.5);
    EXPECT_DOUBLE_EQ(model.score(std::vector<double>{500, 2}, memory).margin, -1.75);
}

TEST(fraud_logistic, values_beyond_the_range_do_not_become_nan) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    fraud::model model =
        fraud::read_model(model_format::logistic,
                          R"({"intercept": 1, "features": [{"name": "a", "coefficient": 0},
            {"name": "b", "coefficient": 1}, {"name": "c", "coefficient": 1}]})");
    fraud::model_memory memory;
    EXPECT_EQ(model.score(std::vector<double>{infinity, infinity, -infinity}, memory).margin, 0);
    EXPECT_EQ(model.score(std::vector<double>{-infinity, 0, 2}, memory).margin, 3);
}

TEST(fraud_logistic, what_is_no_document) {
    auto state = [](const std::string &text) { return state_of(model_format::logistic, text); };
    EXPECT_EQ(state(R"({"intercept": 1})"), "SA060");
    EXPECT_EQ(state(R"({"features": [{"name": "a"}]})"), "SA060");
    EXPECT_EQ(state(R"({"features": [{"coefficient": 1}]})"), "SA060");
    EXPECT_EQ(state(R"({"features": [{"name": "a", "coefficient": NaN}]})"), "SA060");
    EXPECT_EQ(state(R"({"features": [{"name": "a", "coefficient": 1e999}]})"), "SA060");
    EXPECT_EQ(state(R"({"features": [{"name": "a", "coefficient": 1, "scale": 0}]})"), "SA060");
    EXPECT_EQ(state(R"({"features": [{"name": "a", "coefficient": 1, "coefficients": {"x": 1}}]})"),
              "SA060");
    EXPECT_EQ(
        state(
            R"({"features": [{"name": "a", "coefficient": 1}, {"name": "a", "coefficient": 1}]})"),
        "SA060");
    EXPECT_EQ(state(R"({"features": [{"name": "a", "coefficient": 1}], "features": []})"), "SA060");
    EXPECT_EQ(state(R"({"features": [{"name": "a", "coefficient": 1e-400}]})"), "none");
}

TEST(fraud_model_file, truncated_anywhere_is_refused) {
    for (const char *name : {"xgb_partition.json", "lgb_random.json"}) {
        std::string whole = file(name);
        while (std::isspace(static_cast<unsigned char>(whole.back())) != 0)
            whole.pop_back();
        auto format = name[0] == 'x' ? model_format::xgboost_json : model_format::lightgbm_json;
        for (std::size_t length = 0; length < whole.size(); length += 1 + length / 50)
            EXPECT_EQ(state_of(format, whole.substr(0, length)), "SA060") << name << ' ' << length;
        EXPECT_EQ(state_of(format, whole + "x"), "SA060");
    }
    std::string text = file("lgb_random.txt");
    std::size_t end = text.find("end of trees");
    for (std::size_t length = 0; length < end; length += 1 + length / 50)
        EXPECT_NE(state_of(model_format::lightgbm_text, text.substr(0, length)), "none") << length;
}

TEST(fraud_model_file, lies_are_refused) {
    std::string good = file("xgb_numeric.json");
    auto with = [&](const std::string &from, const std::string &to) {
        return state_of(model_format::xgboost_json, replaced(good, from, to));
    };
    EXPECT_EQ(with("\"left_children\":[1", "\"left_children\":[0"), "SA060") << "a circle";
    EXPECT_EQ(with("\"left_children\":[1", "\"left_children\":[2"), "SA060") << "two parents";
    EXPECT_EQ(with("\"left_children\":[1", "\"left_children\":[999"), "SA060");
    EXPECT_EQ(with("\"left_children\":[1", "\"left_children\":[-7"), "SA060");
    EXPECT_EQ(with("\"left_children\":[1", "\"left_children\":[1.5"), "SA060");
    EXPECT_EQ(with("\"left_children\":[1", "\"left_children\":[1,1"), "SA060");
    EXPECT_EQ(with("\"split_indices\":[", "\"split_indices\":[9"), "SA060");
    EXPECT_EQ(with("\"split_conditions\":[", "\"split_conditions\":[NaN,"), "SA060");
    EXPECT_EQ(with("\"sum_hessian\":[", "\"sum_hessian\":[-"), "none") << "the root's is not read";
    EXPECT_EQ(with("\"num_feature\":\"4\",\"num_target\"", "\"num_feature\":\"3\",\"num_target\""),
              "SA060");
    EXPECT_EQ(with("\"num_class\":\"0\"", "\"num_class\":\"3\""), "SA061");
    EXPECT_EQ(with("\"num_target\":\"1\"", "\"num_target\":\"2\""), "SA061");
    EXPECT_EQ(with("binary:logistic", "multi:softmax"), "SA061");
    EXPECT_EQ(with("\"name\":\"gbtree\"", "\"name\":\"gblinear\""), "SA061");
    EXPECT_EQ(with("\"base_score\":\"5E-1\"", "\"base_score\":\"1.5\""), "SA060");
    EXPECT_EQ(with("\"base_score\":\"5E-1\"", "\"base_score\":\"[1E-1,2E-1]\""), "SA061");
    EXPECT_EQ(with("\"base_score\":\"5E-1\"", "\"base_score\":\"5E-1\",\"base_score\":\"4E-1\""),
              "SA060");
    EXPECT_EQ(with("\"attributes\":{}", "\"attributes\":" + std::string(100'000, '[')), "SA060");
    EXPECT_EQ(with("\"attributes\":{}", "\"cats\":{\"enc\":[{}, NaN, -Infinity, \"\\u00e9\"]}"),
              "none");
    EXPECT_EQ(state_of(model_format::xgboost_json, std::string("{L\x00\x00", 4)), "SA061");
    EXPECT_EQ(state_of(model_format::xgboost_json, std::string(33'554'433, ' ')), "SA062");
}

TEST(fraud_model_file, a_chain_of_splits_is_bounded) {
    auto chain = [](std::size_t depth) {
        std::string zero, one;
        // Node 2i + 2 is the next split.
        std::string lefts, rights;
        for (std::size_t i = 0; i <= 2 * depth; ++i) {
            bool split = i % 2 == 0 && i < 2 * depth;
            lefts += (i > 0 ? "," : "") + (split ? std::to_string(i + 1) : std::string{"-1"});
            rights += (i > 0 ? "," : "") + (split ? std::to_string(i + 2) : std::string{"-1"});
            zero += i > 0 ? ",0" : "0";
            one += i > 0 ? ",1" : "1";
        }
        return R"({"learner":{"gradient_booster":{"name":"gbtree","model":{"trees":[{"left_children":[)" +
               lefts + R"(],"right_children":[)" + rights + R"(],"split_indices":[)" + zero +
               R"(],"default_left":[)" + zero + R"(],"split_conditions":[)" + one +
               R"(],"sum_hessian":[)" + one +
               R"(]}]}},"learner_model_param":{"base_score":"0.5","num_feature":"1"},"objective":{"name":"binary:logistic"}}})";
    };
    fraud::model deep = fraud::read_model(model_format::xgboost_json, chain(500));
    fraud::model_memory memory;
    std::vector<double> row{2};
    EXPECT_EQ(deep.score(row, memory).margin, 1);
    EXPECT_NEAR(fraud::explain(deep, row, memory).base +
                    fraud::explain(deep, row, memory).contributions[0],
                1, 1e-9);
    EXPECT_EQ(state_of(model_format::xgboost_json, chain(501)), "SA062");
}

class feature_map : public testing::Test {
protected:
    fraud::model model = fraud::read_model(model_format::xgboost_json, file("xgb_one_hot.json"));

    std::string refused(const std::string &map) {
        try {
            (void)fraud::read_feature_map(model, map);
        } catch (const saas::core::error &refusal) {
            return refusal.detail();
        }
        return "";
    }
};

TEST_F(feature_map, without_one_names_are_attributes) {
    auto sources = fraud::read_feature_map(model, "");
    ASSERT_EQ(sources.size(), 6U);
    EXPECT_EQ(sources[0].path, std::vector<std::string>{"amount"});
    EXPECT_EQ(sources[2].path, (std::vector<std::string>{"customer", "age_days"}));
    EXPECT_FALSE(sources[4].category) << "codes are given as numbers";
}

TEST_F(feature_map, attributes_as_in_rules) {
    auto path = [&](const std::string &attribute) {
        return fraud::read_feature_map(model, "{\"amount\": \"" + attribute + "\"}")[0].path;
    };
    using words = std::vector<std::string>;
    EXPECT_EQ(path(":device.id:"), (words{"device", "id"}));
    EXPECT_EQ(path("::order_no::"), (words{"metadata", "order_no"}));
    EXPECT_EQ(path("::customer:tier::"), (words{"customer_metadata", "tier"}));
    EXPECT_FALSE(refused(R"({"amount": "a..b"})").empty());
    EXPECT_FALSE(refused(R"({"amount": ""})").empty());
}

TEST_F(feature_map, values_become_numbers) {
    auto sources = fraud::read_feature_map(
        model,
        R"({"device.type": {"type": "category", "categories": ["desktop", "mobile", "1"]}})");
    using raw = fraud::raw_value;
    double out = 0;
    auto encoded = [&](std::size_t feature, raw value) {
        return sources[feature].encode(value, out) ? out : -1;
    };
    EXPECT_EQ(encoded(0, {raw::kind::number, 2.5, {}}), 2.5);
    EXPECT_EQ(encoded(0, {raw::kind::truth, 1, {}}), 1);
    EXPECT_EQ(encoded(0, {raw::kind::text, 0, "2.5"}), 2.5);
    EXPECT_EQ(encoded(0, {raw::kind::text, 0, "2.5x"}), -1);
    EXPECT_EQ(encoded(0, {raw::kind::text, 0, "inf"}), -1);
    EXPECT_EQ(encoded(0, {raw::kind::other, 0, {}}), -1);
    EXPECT_TRUE(std::isnan(encoded(0, {})));
    EXPECT_EQ(encoded(5, {raw::kind::text, 0, "mobile"}), 1);
    EXPECT_EQ(encoded(5, {raw::kind::number, 1, {}}), 2) << "a category called 1";
    EXPECT_TRUE(std::isnan(encoded(5, {raw::kind::text, 0, "phone"})));
}

TEST_F(feature_map, what_does_not_fit) {
    EXPECT_NE(refused(R"({"amuont": "amount"})").find("amuont"), std::string::npos);
    EXPECT_FALSE(refused(R"({"device.type": {"categories": ["a"]}})").empty());
    EXPECT_FALSE(refused(R"({"device.type": {"categories": ["a", "a", "b"]}})").empty());
    EXPECT_FALSE(refused(R"({"device.type": {"type": "category"}})").empty());
    EXPECT_FALSE(refused(R"({"amount": {"type": "text"}})").empty());
    EXPECT_FALSE(refused(R"({"amount": {"weight": 1}})").empty());
    EXPECT_FALSE(refused(R"(["amount"])").empty());
    EXPECT_FALSE(refused(R"("amount")").empty());
    EXPECT_TRUE(refused(R"(["a", "b", "c", "d", "e", "f"])").empty());
}

TEST(fraud_reasons, the_greatest_effect_comes_first) {
    fraud::explanation why{0, {0.5, 0, -2, 1}};
    EXPECT_EQ(fraud::ranked(why), (std::vector<std::uint32_t>{2, 3, 0}));
}

} // namespace
