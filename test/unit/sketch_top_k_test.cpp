// SPDX-License-Identifier: PostgreSQL
#include "core/sketch/top_k.hpp"

#include "sketch_helpers.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

namespace sk = saas::core::sketch;
using saas::test::bytes_of;
using saas::test::sketch_bytes;
using saas::test::state_of;
using saas::test::zeroed;

namespace {

sk::top_k_state *state_with(const std::vector<std::string> &texts, std::uint32_t capacity) {
    sk::top_k_state *state = sk::make_top_k_state(capacity, zeroed);
    for (const std::string &text : texts)
        state = sk::add(state, text, zeroed);
    return state;
}

// Zipf's law over 20,000 texts: the usual shape of pages, customers, errors.
std::vector<std::string> zipf(unsigned seed, std::size_t count) {
    std::mt19937_64 random{seed};
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < count; ++i) {
        const double u = std::uniform_real_distribution{0.0, 1.0}(random);
        texts.push_back("/page/" + std::to_string(static_cast<int>(std::pow(20'000.0, u))));
    }
    return texts;
}

std::map<std::string, std::uint64_t> exact_counts(const std::vector<std::string> &texts) {
    std::map<std::string, std::uint64_t> counts;
    for (const std::string &text : texts)
        ++counts[text];
    return counts;
}

// Bounds of the algorithm, whatever the data.
void check_bounds(const sketch_bytes &sketch, const std::vector<std::string> &texts) {
    const auto exact = exact_counts(texts);
    const sk::top_k_summary summary = sk::summary_of_top_k(sketch);
    EXPECT_EQ(summary.count, texts.size());
    EXPECT_LE(summary.floor, texts.size() / (summary.capacity + 1));
    std::map<std::string, std::uint64_t> found;
    for (const sk::frequent_text &item : sk::top_of(sketch, texts.size())) {
        const std::uint64_t truth = exact.at(std::string{item.text});
        ASSERT_LE(truth, item.count);
        ASSERT_GE(truth, item.count - item.error);
        found.emplace(item.text, item.count);
    }
    for (const auto &[text, count] : exact) {
        if (!found.contains(text)) {
            ASSERT_LE(count, summary.floor) << text;
        }
    }
}

} // namespace

TEST(sketch_top_k, bounds_hold_and_the_top_is_found) {
    for (unsigned seed = 1; seed <= 10; ++seed) {
        const auto texts = zipf(seed, 50'000);
        const sketch_bytes sketch = bytes_of(*state_with(texts, 200));
        check_bounds(sketch, texts);
        const auto exact = exact_counts(texts);
        std::vector<std::pair<std::uint64_t, std::string>> ordered;
        for (const auto &[text, count] : exact)
            ordered.emplace_back(count, text);
        std::sort(ordered.rbegin(), ordered.rend());
        const auto top = sk::top_of(sketch, 10);
        ASSERT_EQ(top.size(), 10U);
        for (std::size_t i = 0; i < 10; ++i)
            EXPECT_EQ(top[i].text, ordered[i].second) << "seed " << seed;
    }
}

TEST(sketch_top_k, bounds_hold_when_nothing_repeats) {
    std::vector<std::string> texts;
    for (int i = 0; i < 10'000; ++i)
        texts.push_back(std::to_string(i));
    for (const std::uint32_t capacity : {1U, 2U, 7U, 100U})
        check_bounds(bytes_of(*state_with(texts, capacity)), texts);
}

TEST(sketch_top_k, few_texts_are_counted_exactly) {
    std::mt19937_64 random{3};
    std::vector<std::string> texts;
    for (int i = 0; i < 5000; ++i)
        texts.push_back(std::string(random() % 20, 'x')); // the empty text among them
    const sketch_bytes sketch = bytes_of(*state_with(texts, 10));
    const auto exact = exact_counts(texts);
    ASSERT_EQ(exact.size(), 20U);
    for (const sk::frequent_text &item : sk::top_of(sketch, 100)) {
        EXPECT_EQ(item.count, exact.at(std::string{item.text}));
        EXPECT_EQ(item.error, 0U);
    }
    // Without eviction the order does not show, nor whether it was merged.
    std::shuffle(texts.begin(), texts.end(), random);
    EXPECT_EQ(bytes_of(*state_with(texts, 10)), sketch);
    sk::top_k_state *merged = state_with({texts.begin(), texts.begin() + 1000}, 10);
    merged =
        sk::merge(merged, bytes_of(*state_with({texts.begin() + 1000, texts.end()}, 10)), zeroed);
    EXPECT_EQ(bytes_of(*merged), sketch);
}

TEST(sketch_top_k, bounds_hold_after_merging) {
    for (unsigned seed = 1; seed <= 10; ++seed) {
        const auto texts = zipf(seed, 20'000);
        sk::top_k_state *by_bytes = sk::make_top_k_state(zeroed);
        sk::top_k_state *by_state = sk::make_top_k_state(zeroed);
        for (std::size_t at = 0; at < texts.size(); at += 1000) {
            const auto begin = texts.begin() + static_cast<std::ptrdiff_t>(at);
            const auto *part = state_with({begin, begin + 1000}, 50);
            by_bytes = sk::merge(by_bytes, bytes_of(*part), zeroed);
            by_state = sk::merge(by_state, *part, zeroed);
        }
        check_bounds(bytes_of(*by_bytes), texts);
        check_bounds(bytes_of(*by_state), texts);
    }
}

TEST(sketch_top_k, the_lesser_capacity_stays) {
    sk::top_k_state *state = state_with({"a", "b"}, 100);
    state = sk::merge(state, bytes_of(*state_with({"a", "c"}, 5)), zeroed);
    EXPECT_EQ(sk::summary_of_top_k(bytes_of(*state)).capacity, 5U);
}

TEST(sketch_top_k, what_is_out_of_range_is_refused) {
    EXPECT_EQ(state_of([] { (void)sk::make_top_k_state(0, zeroed); }), "22023");
    EXPECT_EQ(state_of([] { (void)sk::make_top_k_state(10'001, zeroed); }), "22023");
    sk::top_k_state *state = sk::make_top_k_state(3, zeroed);
    state = sk::add(state, std::string(8192, 'x'), zeroed);
    EXPECT_EQ(state_of([&] { (void)sk::add(state, std::string(8193, 'x'), zeroed); }), "54000");
}

TEST(sketch_top_k, malformed_bytes_are_refused) {
    const sketch_bytes good =
        bytes_of(*state_with({"a", "a", "b", "c", "d", "e", "", "longer"}, 2));
    EXPECT_EQ(state_of([&] { sk::check_top_k_sketch(good); }), "");
    EXPECT_GT(saas::test::refused_variants(good, sk::check_top_k_sketch), good.size());
    for (const sketch_bytes &bad : {sketch_bytes{},
                                    {'T', 1, 0, 0, 0, 0}, // no capacity
                                    {'T', 1, 1, 2, 0, 3}, // too many counters
                                    {'T', 1, 2, 2, 0, 2, 1, 'b', 1, 0, 1, 'a', 1, 0}, // order
                                    {'T', 1, 2, 2, 0, 2, 1, 'a', 1, 0, 1, 'a', 1, 0}, // twice
                                    {'T', 1, 2, 2, 1, 1, 1, 'a', 1, 0}, // below the floor
                                    {'T', 1, 2, 1, 2, 0}})              // floor above count
        EXPECT_EQ(state_of([&] { sk::check_top_k_sketch(bad); }), "22P03");
}
