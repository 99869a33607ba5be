// SPDX-License-Identifier: PostgreSQL
#include "core/sketch/distinct.hpp"
#include "core/sketch/hash.hpp"

#include "sketch_helpers.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace sk = saas::core::sketch;
using saas::test::bytes_of;
using saas::test::sketch_bytes;
using saas::test::state_of;
using saas::test::zeroed;

namespace {

// `count` different values, each `times` times, in disorder for a seed.
sk::distinct_state *state_with(std::uint64_t first, std::uint64_t count, int times = 1) {
    sk::distinct_state *state = sk::make_distinct_state(zeroed);
    for (int round = 0; round < times; ++round) {
        for (std::uint64_t i = 0; i < count; ++i)
            state = sk::add_hash(state, sk::hash_word(first + i), zeroed);
    }
    return state;
}

sketch_bytes sketch_of(std::uint64_t first, std::uint64_t count) {
    return bytes_of(*state_with(first, count));
}

} // namespace

// Vectors of the reference implementation.
TEST(sketch_hash, is_xxh64) {
    const auto hash = [](std::string_view text) {
        return sk::hash_bytes(text.data(), text.size());
    };
    EXPECT_EQ(hash(""), 0xEF46DB3751D8E999U);
    EXPECT_EQ(hash("a"), 0xD24EC4F1A98C6E5BU);
    EXPECT_EQ(hash("abc"), 0x44BC2CF5AD770999U);
    EXPECT_EQ(hash("Nobody inspects the spammish repetition"), 0xFBCEA83C8A378BF1U);
    const unsigned char word[8] = {0x39, 0x30, 0, 0, 0, 0, 0, 0};
    EXPECT_EQ(sk::hash_word(12345), sk::hash_bytes(word, 8));
}

// Ten seeds at sizes on both sides of the change of form. Standard error: 0.07 % sparse, 0.81 %
// dense.
TEST(sketch_distinct, error_is_at_most_two_percent) {
    for (const std::uint64_t count : {1U, 10U, 208U, 1000U, 3000U, 6000U, 6100U, 10'000U, 20'000U,
                                      40'000U, 80'000U, 200'000U, 1'000'000U}) {
        double squares = 0;
        double sum = 0;
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            const double found = sk::estimate_of(*state_with(seed << 40, count));
            const double error = found / static_cast<double>(count) - 1;
            squares += error * error;
            sum += error;
            EXPECT_LE(std::fabs(error), count <= sk::k_most_entries ? 0.003 : 0.02)
                << count << ", seed " << seed;
        }
        RecordProperty("rms_" + std::to_string(count), std::to_string(std::sqrt(squares / 10)));
        EXPECT_LE(std::sqrt(squares / 10), 0.009) << count; // 0.57 % with the spread of ten draws
        EXPECT_LE(std::fabs(sum / 10), 0.0057) << count;    // no bias
    }
}

TEST(sketch_distinct, small_counts_are_exact) {
    for (std::uint64_t count = 0; count <= 100; ++count) {
        EXPECT_EQ(std::llround(sk::estimate_of(*state_with(1'000'000, count, 3))),
                  static_cast<long long>(count));
    }
}

TEST(sketch_distinct, repetition_does_not_count) {
    EXPECT_EQ(bytes_of(*state_with(5, 2000, 4)), sketch_of(5, 2000));
    EXPECT_EQ(bytes_of(*state_with(5, 20'000, 3)), sketch_of(5, 20'000));
}

TEST(sketch_distinct, form_follows_from_the_values) {
    EXPECT_TRUE(sk::is_sparse(sketch_of(0, 5900)));
    EXPECT_FALSE(sk::is_sparse(sketch_of(0, 6200)));
    EXPECT_LE(sketch_of(0, 208).size(), 500U);
    EXPECT_LE(sketch_of(0, 6000).size(), 11'000U);
    EXPECT_LE(sketch_of(0, 1'000'000).size(), 16'500U);
}

TEST(sketch_distinct, merging_equals_building) {
    std::mt19937_64 random{7};
    for (const std::uint64_t count : {10U, 500U, 5990U, 6000U, 6040U, 6500U, 10'000U, 100'000U}) {
        const sketch_bytes whole = sketch_of(77, count);
        for (int trial = 0; trial < 10; ++trial) {
            sk::distinct_state *merged = sk::make_distinct_state(zeroed);
            sk::distinct_state *from_states = sk::make_distinct_state(zeroed);
            for (std::uint64_t at = 0; at < count;) {
                const std::uint64_t size =
                    std::min(count - at, 1 + random() % std::max<std::uint64_t>(count / 3, 2));
                // Parts overlap, as hours of one day do.
                const auto *part = state_with(77 + at, std::min(count - at, size + size / 4));
                merged = sk::merge(merged, bytes_of(*part), zeroed);
                from_states = sk::merge(from_states, *part, zeroed);
                at += size;
            }
            ASSERT_EQ(bytes_of(*merged), whole) << count;
            ASSERT_EQ(bytes_of(*from_states), whole) << count;
        }
    }
}

// Sketches that are merged wait as they are. Whatever comes then, the answer is that of all values.
TEST(sketch_distinct, what_waits_counts) {
    for (const std::uint64_t count : {3U, 150U, 2000U, 4000U, 7000U}) {
        const sketch_bytes one = sketch_of(0, count);
        const sketch_bytes other = sketch_of(count / 2, count);
        const sketch_bytes both = sketch_of(0, count + count / 2);
        const auto merged = [&] {
            return sk::merge(sk::merge(sk::make_distinct_state(zeroed), one, zeroed), other, zeroed);
        };
        EXPECT_EQ(bytes_of(*merged()), both) << count;
        EXPECT_EQ(sk::estimate_of(*merged()), sk::estimate_of(both)) << count;
        EXPECT_EQ(bytes_of(*sk::merge(merged(), *merged(), zeroed)), both) << count;
        EXPECT_EQ(bytes_of(*sk::merge(merged(), *state_with(1, count), zeroed)), both) << count;
        EXPECT_EQ(bytes_of(*sk::merge(state_with(1, count), *merged(), zeroed)), both) << count;
        const sketch_bytes dense = sketch_of(0, 50'000);
        EXPECT_EQ(bytes_of(*sk::merge(merged(), dense, zeroed)), dense) << count;
        sk::distinct_state *state = merged();
        for (int i = 0; i < 10; ++i)
            state = sk::merge(state, one, zeroed);
        EXPECT_EQ(bytes_of(*state), both) << count;
        const sketch_bytes none = sketch_of(0, 0);
        EXPECT_EQ(bytes_of(*sk::merge(merged(), none, zeroed)), both) << count;
    }
    EXPECT_EQ(bytes_of(*sk::merge(sk::make_distinct_state(zeroed), sketch_of(0, 0), zeroed)), sketch_of(0, 0));
}

TEST(sketch_distinct, estimate_is_that_of_the_state) {
    for (const std::uint64_t count : {0U, 1U, 6000U, 6100U, 50'000U}) {
        const auto *state = state_with(9, count);
        EXPECT_EQ(sk::estimate_of(*state), sk::estimate_of(bytes_of(*state)));
    }
}

// Registers more than 15 above the least one.
TEST(sketch_distinct, rare_registers) {
    sk::distinct_state *state = state_with(3, 100'000);
    for (std::uint64_t i = 0; i < 40; ++i)
        state = sk::add_hash(state, i << 52 | i % 30, zeroed);
    const sketch_bytes sketch = bytes_of(*state);
    sk::check_distinct_sketch(sketch);
    EXPECT_EQ(bytes_of(*sk::merge(sk::make_distinct_state(zeroed), sketch, zeroed)), sketch);
    EXPECT_EQ(sk::estimate_of(*state), sk::estimate_of(sketch));
}

TEST(sketch_distinct, malformed_bytes_are_refused) {
    sk::distinct_state *sparse = state_with(1, 40);
    sparse = sk::add_hash(sparse, 0, zeroed); // an entry with a rank
    EXPECT_GT(saas::test::refused_variants(bytes_of(*sparse), sk::check_distinct_sketch), 50U);
    const sketch_bytes dense = sketch_of(1, 10'000);
    const auto refused = [](const sketch_bytes &bad) {
        return state_of([&] { sk::check_distinct_sketch(bad); });
    };
    EXPECT_EQ(refused({dense.begin(), dense.end() - 1}), "22P03");
    sketch_bytes bad = dense;
    bad.push_back(0);
    EXPECT_EQ(refused(bad), "22P03");
    bad = dense;
    bad[3] = 60; // base
    EXPECT_EQ(refused(bad), "22P03");
    bad = dense;
    std::fill(bad.begin() + 4, bad.begin() + 4 + 16384,
              std::uint8_t{0x11}); // base is not the least
    EXPECT_EQ(refused(bad), "22P03");
    for (const sketch_bytes &other : {sketch_bytes{},
                                      {'Q', 1, 0},
                                      {'D', 1},
                                      {'D', 1, 2, 0},
                                      {'D', 2, 0, 0},
                                      {'D', 1, 0, 1, 0xff, 0xff, 0xff, 0x7f},
                                      {'D', 1, 0, 1, 0, 0},
                                      {'D', 1, 0, 1, 0, 46}})
        EXPECT_EQ(refused(other), "22P03");
}
