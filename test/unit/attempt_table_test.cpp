// SPDX-License-Identifier: PostgreSQL
// Failed attempts in shared memory: counted, forgotten, and who gives way when there is no room.
#include "core/credentials/attempt_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace saas::core::credentials {
namespace {

constexpr privacy::siphash_key k_key{1, 2, 3};

attempt_name name_of(unsigned user, std::uint8_t kind = 0, std::uint32_t realm = 5) {
    attempt_name name{realm, kind, {}};
    name.user[15] = static_cast<std::uint8_t>(user);
    name.user[14] = static_cast<std::uint8_t>(user >> 8U);
    return name;
}

TEST(attempt_table, CountsEachUserAndKind) {
    std::vector<attempt_slot> slots(64);
    attempt_table table{slots, k_key};
    EXPECT_EQ(table.find(name_of(1)), nullptr);
    EXPECT_EQ(table.count(name_of(1), 0, 100), 1U);
    EXPECT_EQ(table.count(name_of(1), 0, 200), 2U);
    EXPECT_EQ(table.count(name_of(1), 1, 150), 3U) << "what is known elsewhere is less";
    EXPECT_EQ(table.find(name_of(1))->last, 200);
    EXPECT_EQ(table.count(name_of(1), 7, 300), 8U) << "and more";
    EXPECT_EQ(table.count(name_of(1, 1), 0, 300), 1U);
    EXPECT_EQ(table.count(name_of(1, 0, 6), 0, 300), 1U);
    EXPECT_EQ(table.count(name_of(2), 0x7fffffff, 300), 0x7fffffffU) << "no further";
    EXPECT_TRUE(table.forget(name_of(1)));
    EXPECT_FALSE(table.forget(name_of(1)));
    EXPECT_EQ(table.find(name_of(1)), nullptr);
    EXPECT_EQ(table.find(name_of(1, 1))->failures, 1U);
    EXPECT_EQ(table.count(name_of(1), 0, 400), 1U);
}

TEST(attempt_table, FewestFailuresGiveWay) {
    std::vector<attempt_slot> slots(attempt_table::k_ways); // one bucket
    attempt_table table{slots, k_key};
    for (unsigned user = 0; user < attempt_table::k_ways; ++user)
        table.count(name_of(user), user == 3 ? 1 : user == 5 ? 1 : 4, user);
    table.count(name_of(100), 0, 50); // in place of 3, which is as good as 5 and older
    EXPECT_EQ(table.find(name_of(3)), nullptr);
    EXPECT_EQ(table.find(name_of(5))->failures, 2U);
    for (unsigned user = 200; user < 400; ++user)
        table.count(name_of(user), 0, user); // each drives out the one before
    for (unsigned user : {0U, 1U, 2U, 4U, 5U, 6U, 7U})
        EXPECT_NE(table.find(name_of(user)), nullptr) << user;
}

// Users who failed often and never came back leave room for those of today.
TEST(attempt_table, OldFailuresGiveWayFirst) {
    std::vector<attempt_slot> slots(attempt_table::k_ways); // one bucket
    attempt_table table{slots, k_key};
    for (unsigned user = 0; user < attempt_table::k_ways; ++user)
        table.count(name_of(user), 9, user);
    const std::int64_t now = attempt_table::k_kept + 5; // 0 to 4 are old, 5 to 7 are not
    for (std::uint32_t failures = 1; failures < 10; ++failures) {
        for (unsigned user : {100U, 101U, 102U, 103U, 104U})
            EXPECT_EQ(table.count(name_of(user), 0, now), failures) << user;
    }
    EXPECT_EQ(table.find(name_of(4)), nullptr);
    EXPECT_EQ(table.count(name_of(5), 0, now), 11U) << "nothing is forgotten without need";
    EXPECT_NE(table.find(name_of(6)), nullptr);
    EXPECT_NE(table.find(name_of(7)), nullptr);
}

// With room for all, the table is a map.
TEST(attempt_table, AgreesWithAMap) {
    std::vector<attempt_slot> slots(4096);
    attempt_table table{slots, k_key};
    std::map<unsigned, std::uint32_t> model;
    std::mt19937 random{7};
    for (int step = 0; step < 20'000; ++step) {
        const unsigned user = random() % 100;
        if (random() % 8 == 0) {
            EXPECT_EQ(table.forget(name_of(user)), model.erase(user) == 1);
        } else {
            const std::uint32_t known = random() % 4;
            const std::uint32_t expected = std::max(model[user], known) + 1;
            EXPECT_EQ(table.count(name_of(user), known, step), expected);
            model[user] = expected;
        }
    }
    for (unsigned user = 0; user < 100; ++user) {
        const auto *slot = table.find(name_of(user));
        EXPECT_EQ(slot == nullptr ? 0 : slot->failures, model.count(user) ? model[user] : 0);
    }
}

} // namespace
} // namespace saas::core::credentials
