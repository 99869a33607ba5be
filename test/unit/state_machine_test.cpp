// SPDX-License-Identifier: PostgreSQL
#include "core/state_machine/machine.hpp"

#include "core/error.hpp"
#include "core/state_machine/components.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

using saas::core::state_edge;
using saas::core::state_machine;
using saas::core::state_rank;
using saas::core::state_snapshot;

namespace {

const std::vector<state_edge> k_intent = {
    {"", "requires_payment_method"},
    {"", "requires_confirmation"},
    {"requires_payment_method", "requires_confirmation"},
    {"requires_payment_method", "processing"},
    {"requires_confirmation", "requires_payment_method"},
    {"requires_confirmation", "processing"},
    {"processing", "requires_payment_method"},
    {"processing", "requires_capture"},
    {"processing", "succeeded"},
    {"processing", "canceled"},
    {"requires_capture", "canceled"},
    {"requires_capture", "succeeded"},
};

std::vector<state_edge> random_edges(std::mt19937 &random, unsigned states, unsigned edges) {
    std::vector<state_edge> made;
    auto name = [&] { return "s" + std::to_string(random() % states); };
    for (unsigned i = 0; i < edges; ++i)
        made.push_back({name(), name()});
    return made;
}

// Warshall's algorithm: the closure by another way.
std::vector<std::vector<bool>> closure(const state_machine &m) {
    std::vector<std::vector<bool>> reach(m.size(), std::vector<bool>(m.size()));
    for (unsigned a = 0; a < m.size(); ++a)
        for (unsigned b = 0; b < m.size(); ++b)
            reach[a][b] = m.step(a, b);
    for (unsigned k = 0; k < m.size(); ++k)
        for (unsigned a = 0; a < m.size(); ++a)
            for (unsigned b = 0; b < m.size(); ++b)
                if (reach[a][k] && reach[k][b])
                    reach[a][b] = true;
    return reach;
}

// -1, 0 or 1: Google Test cannot compare std::strong_ordering with 0.
int compared(const state_machine &m, const state_snapshot &a, const state_snapshot &b) {
    auto order = saas::core::compare(m, a, b);
    return order < 0 ? -1 : order > 0 ? 1 : 0;
}

} // namespace

TEST(state_machine, relations_of_the_payment_intent) {
    state_machine m{k_intent};
    auto s = [&](const char *name) { return m.find(name); };
    EXPECT_EQ(m.size(), 6U);
    EXPECT_TRUE(m.initial(s("requires_confirmation")));
    EXPECT_FALSE(m.initial(s("processing")));
    EXPECT_EQ(m.find("paid"), state_machine::k_unknown);
    EXPECT_TRUE(m.step(s("processing"), s("succeeded")));
    EXPECT_FALSE(m.step(s("requires_payment_method"), s("succeeded")));
    EXPECT_TRUE(m.reach(s("requires_payment_method"), s("succeeded")));
    EXPECT_TRUE(m.reach(s("processing"), s("processing")));
    EXPECT_FALSE(m.reach(s("succeeded"), s("succeeded")));
    EXPECT_FALSE(m.reach(s("succeeded"), s("processing")));
    EXPECT_FALSE(m.comparable(s("succeeded"), s("canceled")));
    EXPECT_TRUE(m.comparable(s("succeeded"), s("succeeded")));
    EXPECT_TRUE(m.comparable(s("succeeded"), s("processing")));
    EXPECT_TRUE(m.reachable_from(s("canceled")).empty());
    EXPECT_EQ(m.steps_from(s("requires_capture")).size(), 2U);
    EXPECT_EQ(m.initial_states().size(), 2U);
}

TEST(state_machine, ranks_follow_the_graph_then_the_order_of_naming) {
    state_machine m{k_intent};
    auto rank = [&](const char *name) { return m.rank(m.find(name)); };
    EXPECT_EQ(rank("requires_payment_method"), (state_rank{0, 0}));
    EXPECT_EQ(rank("requires_confirmation"), (state_rank{0, 1}));
    EXPECT_EQ(rank("processing"), (state_rank{0, 2}));
    EXPECT_EQ(rank("requires_capture"), (state_rank{1, 0}));
    // canceled and succeeded are both free after requires_capture; succeeded was named first
    EXPECT_EQ(rank("succeeded"), (state_rank{2, 0}));
    EXPECT_EQ(rank("canceled"), (state_rank{3, 0}));
}

TEST(state_machine, snapshots_are_ordered_by_component_then_time) {
    state_machine m{k_intent};
    auto snapshot = [&](const char *name, std::int64_t at, const char *event) {
        return state_snapshot{m.find(name), at, event};
    };
    EXPECT_LT(compared(m, snapshot("processing", 900, "b"), snapshot("succeeded", 1, "a")), 0);
    EXPECT_GT(
        compared(m, snapshot("requires_payment_method", 2, "a"), snapshot("processing", 1, "b")),
        0);
    EXPECT_LT(
        compared(m, snapshot("requires_payment_method", 1, "b"), snapshot("processing", 1, "a")),
        0);
    EXPECT_LT(compared(m, snapshot("processing", 1, "a"), snapshot("processing", 1, "b")), 0);
    EXPECT_EQ(compared(m, snapshot("processing", 1, "a"), snapshot("processing", 1, "a")), 0);
}

TEST(state_machine, bad_edges_are_refused) {
    EXPECT_THROW((state_machine{std::vector<state_edge>{{"a", ""}}}), saas::core::error);
    std::vector<state_edge> many;
    for (std::size_t i = 0; i <= state_machine::k_max_states; ++i)
        many.push_back({"", "s" + std::to_string(i)});
    EXPECT_THROW(state_machine{many}, saas::core::error);
    many.pop_back();
    EXPECT_EQ(state_machine{many}.size(), state_machine::k_max_states);
}

TEST(state_machine, an_empty_machine_has_no_states) {
    state_machine m{{}};
    EXPECT_EQ(m.size(), 0U);
    EXPECT_EQ(m.find(""), state_machine::k_unknown);
}

TEST(strong_components, a_path_as_deep_as_it_likes) {
    std::vector<std::vector<std::uint32_t>> path(200000);
    for (std::uint32_t i = 0; i + 1 < path.size(); ++i)
        path[i].push_back(i + 1);
    EXPECT_EQ(saas::core::strong_components(path).size(), path.size());
    path.back().push_back(0);
    EXPECT_EQ(saas::core::strong_components(path).size(), 1U);
}

// The closure, the components and the order agree with their definitions on random graphs.
TEST(state_machine, properties_on_random_graphs) {
    std::mt19937 random{20240229};
    for (int round = 0; round < 400; ++round) {
        unsigned states = 1 + static_cast<unsigned>(random() % 90);
        state_machine m{
            random_edges(random, states, 1 + static_cast<unsigned>(random() % (2 * states)))};
        std::vector<std::vector<bool>> expected = closure(m);
        std::set<state_rank> ranks;
        for (unsigned a = 0; a < m.size(); ++a) {
            ranks.insert(m.rank(a));
            for (unsigned b = 0; b < m.size(); ++b) {
                ASSERT_EQ(m.reach(a, b), expected[a][b]);
                bool same = a == b || (expected[a][b] && expected[b][a]);
                ASSERT_EQ(m.rank(a).component == m.rank(b).component, same);
                if (expected[a][b] && !expected[b][a])
                    ASSERT_LT(m.rank(a).component, m.rank(b).component);
            }
        }
        ASSERT_EQ(ranks.size(), m.size()); // a total order of the states
        ASSERT_EQ(ranks.begin()->component, 0);
    }
}

// Folding snapshots with "keep the greater" gives the same one for every order and any repetition.
TEST(state_machine, the_greatest_snapshot_does_not_depend_on_the_order) {
    std::mt19937 random{7};
    state_machine m{k_intent};
    for (int round = 0; round < 200; ++round) {
        std::vector<std::string> events;
        for (int i = 0; i < 8; ++i)
            events.push_back("evt_" + std::to_string(random() % 1000));
        std::vector<state_snapshot> all;
        for (const std::string &event : events)
            all.push_back({static_cast<state_machine::state>(random() % m.size()),
                           static_cast<std::int64_t>(random() % 3), event});
        auto fold = [&] {
            state_snapshot held = all.front();
            for (const state_snapshot &next : all)
                if (compared(m, held, next) < 0)
                    held = next;
            return held;
        };
        state_snapshot first = fold();
        all.push_back(all[random() % all.size()]);
        for (int shuffle = 0; shuffle < 10; ++shuffle) {
            std::shuffle(all.begin(), all.end(), random);
            ASSERT_EQ(compared(m, fold(), first), 0);
        }
    }
}
