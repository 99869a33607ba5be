// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/components.hpp"
#include "core/privacy/erasure_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace privacy = saas::core::privacy;
using privacy::circle;

namespace {

privacy::erasure_graph graph_of(std::size_t tables, std::vector<privacy::plan_edge> edges) {
    privacy::erasure_graph graph;
    graph.tables.assign(tables, {1000, 10});
    graph.edges = std::move(edges);
    return graph;
}

privacy::plan_edge key(std::size_t child, std::size_t parent) {
    return {child, parent, true, false, false, true, 2};
}

std::vector<std::size_t> order_of(const privacy::erasure_plan &plan) {
    std::vector<std::size_t> order;
    for (const auto &one : plan.tables)
        order.push_back(one.table);
    return order;
}

const privacy::planned_table &planned(const privacy::erasure_plan &plan, std::size_t table) {
    return *std::find_if(plan.tables.begin(), plan.tables.end(),
                         [&](const auto &one) { return one.table == table; });
}

TEST(ErasurePlan, ChildrenGoBeforeParents) {
    // 0 users, 1 orders, 2 items, 3 logs, 4 is not reached
    const auto plan = privacy::plan_erasure(graph_of(5, {key(1, 0), key(2, 1), key(3, 0), key(0, 4)}));
    const auto order = order_of(plan);
    EXPECT_EQ(order.size(), 4U);
    EXPECT_EQ(order.back(), 0U);
    EXPECT_LT(std::find(order.begin(), order.end(), 2U), std::find(order.begin(), order.end(), 1U));
    EXPECT_EQ(plan.unreachable, std::vector<std::size_t>{4});
    EXPECT_EQ(planned(plan, 2).hops, 2U);
    EXPECT_EQ(planned(plan, 2).route, (std::vector<std::size_t>{0, 1}));
    EXPECT_DOUBLE_EQ(planned(plan, 2).rows, 4);
}

TEST(ErasurePlan, SoftEdgesFindRowsAndBindNoOrder) {
    auto soft = key(0, 1); // users.x points at 1 by key, 1 is found by e-mail
    privacy::plan_edge mail{1, 0, false, false, false, false, 3};
    const auto plan = privacy::plan_erasure(graph_of(2, {soft, mail}));
    EXPECT_EQ(order_of(plan), (std::vector<std::size_t>{0, 1}));
    EXPECT_EQ(planned(plan, 1).way, circle::none);
}

TEST(ErasurePlan, TheRootIsLastUnlessItIsAChild) {
    // 1 is found by e-mail, 2 and 3 hang below it by keys
    const privacy::plan_edge mail{1, 0, false, false, false, false, 1};
    const auto plan = privacy::plan_erasure(graph_of(5, {mail, key(2, 1), key(3, 2), key(4, 0)}));
    EXPECT_EQ(order_of(plan), (std::vector<std::size_t>{3, 2, 4, 1, 0}));
}

TEST(ErasurePlan, CirclesAreSettled) {
    auto nullable = key(1, 2);
    nullable.is_nullable = true;
    auto back = key(2, 1);
    back.is_nullable = true;
    auto plan = privacy::plan_erasure(graph_of(3, {key(1, 0), nullable, back}));
    EXPECT_EQ(planned(plan, 1).way, circle::null_first);
    EXPECT_EQ(planned(plan, 1).nulls, std::vector<std::size_t>{1});
    EXPECT_EQ(planned(plan, 1).group, planned(plan, 2).group);
    EXPECT_EQ(planned(plan, 0).way, circle::none);

    auto deferrable = key(1, 2);
    deferrable.is_deferrable = true;
    plan = privacy::plan_erasure(graph_of(3, {key(1, 0), deferrable, back}));
    EXPECT_EQ(planned(plan, 1).way, circle::defer);

    plan = privacy::plan_erasure(graph_of(3, {key(1, 0), key(1, 2), back}));
    EXPECT_EQ(planned(plan, 2).way, circle::together);

    auto self = key(1, 1);
    plan = privacy::plan_erasure(graph_of(2, {key(1, 0), self}));
    EXPECT_EQ(planned(plan, 1).way, circle::together);
}

TEST(ErasurePlan, CostsNameTheMissingIndex) {
    auto without = key(1, 0);
    without.is_indexed = false;
    auto graph = graph_of(2, {without});
    graph.tables[1] = {1e6, 1e4};
    auto plan = privacy::plan_erasure(graph);
    ASSERT_EQ(plan.edges.size(), 1U);
    EXPECT_DOUBLE_EQ(plan.edges[0].cost, 2e4);
    EXPECT_GT(plan.edges[0].saved, 1.9e4);
    graph.edges[0].is_indexed = true;
    plan = privacy::plan_erasure(graph);
    EXPECT_LT(plan.edges[0].cost, 20);
    EXPECT_DOUBLE_EQ(plan.edges[0].saved, 0);
}

TEST(ErasurePlan, NeverEstimatesMoreRowsThanATableHas) {
    auto many = key(1, 0);
    many.rows_per_key = 1e9;
    const auto plan = privacy::plan_erasure(graph_of(2, {many}));
    EXPECT_DOUBLE_EQ(planned(plan, 1).rows, 1000);
}

TEST(ErasurePlan, RandomGraphsKeepTheirPromises) {
    std::mt19937 random{20261121};
    for (int walk = 0; walk < 300; ++walk) {
        const std::size_t tables = 1 + random() % 12;
        std::vector<privacy::plan_edge> edges;
        for (std::size_t i = random() % 25; i > 0; --i) {
            auto edge = key(random() % tables, random() % tables);
            edge.is_key = random() % 4 != 0;
            edge.is_nullable = random() % 2 == 0;
            edge.is_deferrable = random() % 3 == 0;
            edges.push_back(edge);
        }
        const auto graph = graph_of(tables, edges);
        const auto plan = privacy::plan_erasure(graph);
        const auto order = order_of(plan);
        EXPECT_EQ(std::set<std::size_t>(order.begin(), order.end()).size(), order.size());
        EXPECT_EQ(order.size() + plan.unreachable.size(), tables);
        for (const auto &edge : edges) {
            const auto child = std::find(order.begin(), order.end(), edge.child);
            const auto parent = std::find(order.begin(), order.end(), edge.parent);
            if (parent == order.end())
                continue;
            ASSERT_NE(child, order.end()); // what a found row leads to is found
            if (!edge.is_key)
                continue;
            const auto &a = planned(plan, edge.child);
            const auto &b = planned(plan, edge.parent);
            if (a.group != b.group)
                EXPECT_LT(child, parent);
            else
                EXPECT_NE(a.way, circle::none);
        }
    }
}

TEST(ErasurePlan, DeepChainsNeedNoStack) {
    std::vector<privacy::plan_edge> edges;
    for (std::size_t i = 1; i < 100000; ++i)
        edges.push_back(key(i, i - 1));
    saas::core::cancel_poll poll;
    auto graph = graph_of(100000, std::move(edges));
    auto components = privacy::key_components(graph, poll);
    EXPECT_EQ(components.front(), 99999U);
    EXPECT_EQ(components.back(), 0U);
    graph.edges.push_back(key(0, 99999));
    components = privacy::key_components(graph, poll);
    EXPECT_EQ(components.front(), components.back());
}

TEST(ErasurePlan, RefusesGraphsThatMakeNoSense) {
    EXPECT_THROW(privacy::plan_erasure(graph_of(1, {key(1, 0)})), saas::core::error);
    EXPECT_THROW(privacy::plan_erasure(graph_of(0, {})), saas::core::error);
    EXPECT_THROW(privacy::read_graph({"1"}, {}, 0), saas::core::error);
    EXPECT_THROW(privacy::read_graph({"1 nan"}, {}, 0), saas::core::error);
    EXPECT_THROW(privacy::read_graph({"1 1"}, {"0 0 x 1"}, 0), saas::core::error);
    EXPECT_THROW(privacy::read_graph({"1 1"}, {"0 -1 k 1"}, 0), saas::core::error);
    EXPECT_THROW(privacy::read_graph({"1 1"}, {}, -1), saas::core::error);
    const auto graph = privacy::read_graph({"1 2", "3 4"}, {"1 0 kni 2.5"}, 0);
    EXPECT_TRUE(graph.edges.at(0).is_nullable && !graph.edges.at(0).is_deferrable);
    EXPECT_DOUBLE_EQ(graph.edges.at(0).rows_per_key, 2.5);
}

} // namespace
