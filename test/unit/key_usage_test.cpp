// SPDX-License-Identifier: PostgreSQL
#include "core/credentials/key_usage.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace credentials = saas::core::credentials;
using credentials::call_outcome;
using saas::core::uuid;

namespace {

const uuid k_team{7};
const credentials::address k_home{4, {192, 0, 2, 1}};

uuid key_number(int n) {
    uuid key{};
    key[14] = static_cast<std::uint8_t>(n >> 8);
    key[15] = static_cast<std::uint8_t>(n);
    return key;
}

} // namespace

TEST(key_usage, counts_until_the_counts_are_taken) {
    std::array<credentials::key_slot, 64> memory{};
    credentials::usage_table table{memory};
    std::uint64_t lost = 0;
    auto &slot = table.claim(1, key_number(1), k_team, 0, lost);
    count_call(slot.counts, call_outcome::accepted, k_home, 100);
    count_call(slot.counts, call_outcome::accepted, {}, 300);
    count_call(slot.counts, call_outcome::limited, {}, 200);
    count_call(slot.counts, call_outcome::refused, {}, 250);
    EXPECT_EQ(&table.claim(1, key_number(1), k_team, 0, lost), &slot);
    EXPECT_EQ(table.find(1, key_number(1)), &slot);
    EXPECT_EQ(table.find(1, key_number(2)), nullptr);
    EXPECT_EQ(table.find(2, key_number(1)), nullptr) << "another database";

    slot.arrival = 12345;
    const auto taken = take_counts(slot);
    EXPECT_EQ(taken.key, key_number(1));
    EXPECT_EQ(taken.team, k_team);
    EXPECT_EQ(taken.first_use, 100);
    EXPECT_EQ(taken.last_use, 300);
    EXPECT_EQ(taken.calls, (std::array<std::uint64_t, 3>{2, 1, 1}));
    EXPECT_EQ(taken.from, k_home);
    EXPECT_EQ(slot.counts.total(), 0U);
    EXPECT_EQ(slot.arrival, 12345) << "the limit does not start over";
    EXPECT_EQ(table.find(1, key_number(1)), &slot);
    EXPECT_EQ(lost, 0U);
}

TEST(key_usage, takes_counts_back) {
    credentials::key_slot slot{};
    count_call(slot.counts, call_outcome::accepted, k_home, 100);
    const auto taken = take_counts(slot);
    count_call(slot.counts, call_outcome::accepted, {}, 500);
    give_back(slot, taken);
    EXPECT_EQ(slot.counts.calls[0], 2U);
    EXPECT_EQ(slot.counts.first_use, 100);
    EXPECT_EQ(slot.counts.last_use, 500);
    EXPECT_EQ(slot.counts.from, k_home);

    credentials::key_slot empty{};
    give_back(empty, taken);
    EXPECT_EQ(empty.counts.first_use, 100);
}

TEST(key_usage, gives_slots_that_say_nothing_to_others) {
    std::array<credentials::key_slot, credentials::usage_table::k_ways> memory{}; // one bucket
    credentials::usage_table table{memory};
    std::uint64_t lost = 0;
    for (int i = 0; i < 8; ++i) {
        auto &slot = table.claim(1, key_number(i), k_team, 0, lost);
        slot.arrival = 1000 + i; // limits that recover one after another
        count_call(slot.counts, call_outcome::accepted, {}, 1);
    }
    // All are busy: the one that recovers first gives way, and its call is lost.
    (void)table.claim(1, key_number(100), k_team, 500, lost);
    EXPECT_EQ(lost, 1U);
    EXPECT_EQ(table.find(1, key_number(0)), nullptr);
    EXPECT_NE(table.find(1, key_number(1)), nullptr);
    // Key 100 has used nothing: it is the first to go, without loss.
    (void)table.claim(1, key_number(101), k_team, 500, lost);
    EXPECT_EQ(lost, 1U);
    EXPECT_EQ(table.find(1, key_number(100)), nullptr);
    // Counts taken and the limit recovered: free.
    (void)take_counts(*table.find(1, key_number(5)));
    table.find(1, key_number(101))->arrival = 5000;
    (void)table.claim(1, key_number(102), k_team, 2000, lost);
    EXPECT_EQ(table.find(1, key_number(5)), nullptr);
    EXPECT_EQ(lost, 1U);
}

TEST(key_usage, spreads_keys_over_buckets) {
    std::array<credentials::key_slot, 128 * credentials::usage_table::k_ways> memory{};
    credentials::usage_table table{memory};
    std::array<int, 128> used{};
    for (int i = 0; i < 128 * 4; ++i)
        ++used[table.bucket_of(key_number(i))];
    EXPECT_LE(*std::max_element(used.begin(), used.end()), 14);
}

TEST(address, is_ipv4_where_it_stands_for_ipv4) {
    const credentials::address mapped{16, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}};
    EXPECT_EQ(unmapped(mapped), k_home);
    const credentials::address real{
        16, {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}};
    EXPECT_EQ(unmapped(real), real);
    EXPECT_EQ(unmapped(k_home), k_home);
}
