// SPDX-License-Identifier: PostgreSQL
#include "core/state_machine/machine.hpp"

#include "core/error.hpp"
#include "core/state_machine/components.hpp"

#include <algorithm>
#include <functional>
#include <queue>

namespace saas::core {

state_machine::state_machine(std::span<const state_edge> edges) {
    for (const state_edge &edge : edges) {
        if (edge.to.empty())
            throw error{k_invalid_parameter_value, "a transition leads to a state without name"};
        if (!edge.from.empty())
            intern(edge.from);
        state to = intern(edge.to);
        if (edge.from.empty())
            initial_[to] = true;
    }
    words_ = (size() + 63) / 64;
    step_.assign(size() * words_, 0);
    for (const state_edge &edge : edges) {
        if (!edge.from.empty())
            set(step_, find(edge.from), find(edge.to));
    }
    std::vector<std::vector<state>> successors(size());
    for (state s = 0; s < size(); ++s)
        successors[s] = steps_from(s);
    std::vector<std::vector<state>> components = strong_components(successors);
    close(components);
    order(components);
}

state_machine::state state_machine::intern(std::string_view name) {
    state known = find(name);
    if (known != k_unknown)
        return known;
    if (size() == k_max_states)
        throw error{k_invalid_parameter_value, "a state machine has more than 512 states"};
    names_.emplace_back(name);
    initial_.push_back(false);
    return static_cast<state>(size() - 1);
}

// A machine has a dozen states or so: comparing them all is faster than hashing one.
state_machine::state state_machine::find(std::string_view name) const noexcept {
    for (std::size_t i = 0; i < names_.size(); ++i) {
        if (names_[i] == name)
            return static_cast<state>(i);
    }
    return k_unknown;
}

// Tarjan finds a component after all that it leads to, so one pass in that order closes the
// relation: a component reaches its successors and what they reach, and itself when an edge stays
// inside.
void state_machine::close(const std::vector<std::vector<state>> &components) {
    reach_.assign(size() * words_, 0);
    for (const std::vector<state> &members : components) {
        std::vector<std::uint64_t> row(words_, 0);
        for (state from : members) {
            for (state to : steps_from(from)) {
                row[to / 64] |= std::uint64_t{1} << (to % 64);
                for (std::size_t w = 0; w < words_; ++w)
                    row[w] |= reach_[to * words_ + w];
            }
        }
        if (members.size() > 1) {
            for (state s : members)
                row[s / 64] |= std::uint64_t{1} << (s % 64);
        }
        for (state s : members)
            std::copy(row.begin(), row.end(),
                      reach_.begin() + static_cast<std::ptrdiff_t>(s * words_));
    }
}

// Kahn's algorithm over the components; among those that are free, the one with the state that was
// named first goes first.
void state_machine::order(const std::vector<std::vector<state>> &components) {
    std::vector<std::size_t> component_of(size());
    for (std::size_t c = 0; c < components.size(); ++c) {
        for (state s : components[c])
            component_of[s] = c;
    }
    std::vector<std::size_t> incoming(components.size(), 0);
    auto for_each_edge_out = [&](std::size_t c, auto visit) {
        for (state from : components[c]) {
            for (state to : steps_from(from)) {
                if (component_of[to] != c)
                    visit(component_of[to]);
            }
        }
    };
    for (std::size_t c = 0; c < components.size(); ++c)
        for_each_edge_out(c, [&](std::size_t to) { ++incoming[to]; });

    using entry = std::pair<state, std::size_t>; // first state of the component, the component
    std::priority_queue<entry, std::vector<entry>, std::greater<>> free;
    for (std::size_t c = 0; c < components.size(); ++c) {
        if (incoming[c] == 0)
            free.emplace(components[c].front(), c);
    }
    rank_.resize(size());
    for (std::int32_t number = 0; !free.empty(); ++number) {
        std::size_t c = free.top().second;
        free.pop();
        for (std::size_t i = 0; i < components[c].size(); ++i)
            rank_[components[c][i]] = {number, static_cast<std::int32_t>(i)};
        for_each_edge_out(c, [&](std::size_t to) {
            if (--incoming[to] == 0)
                free.emplace(components[to].front(), to);
        });
    }
}

std::vector<state_machine::state> state_machine::initial_states() const {
    std::vector<state> found;
    for (state s = 0; s < size(); ++s) {
        if (initial(s))
            found.push_back(s);
    }
    return found;
}

std::vector<state_machine::state> state_machine::steps_from(state from) const {
    std::vector<state> found;
    for (state to = 0; to < size(); ++to) {
        if (step(from, to))
            found.push_back(to);
    }
    return found;
}

std::vector<state_machine::state> state_machine::reachable_from(state from) const {
    std::vector<state> found;
    for (state to = 0; to < size(); ++to) {
        if (reach(from, to))
            found.push_back(to);
    }
    return found;
}

std::strong_ordering compare(const state_machine &machine, const state_snapshot &a,
                             const state_snapshot &b) {
    state_rank rank_a = machine.rank(a.state);
    state_rank rank_b = machine.rank(b.state);
    if (auto order = rank_a.component <=> rank_b.component; order != 0)
        return order;
    if (auto order = a.at <=> b.at; order != 0)
        return order;
    if (auto order = rank_a.position <=> rank_b.position; order != 0)
        return order;
    return a.event <=> b.event;
}

} // namespace saas::core
