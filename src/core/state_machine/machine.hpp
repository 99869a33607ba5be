// SPDX-License-Identifier: PostgreSQL
// A state machine as data: which states follow which, and a total order of its states.
//
// Two relations. `step` is the given edges: what one call may do. `reach` is their transitive
// closure: what a snapshot from a provider may show, since messages in between may be late or lost.
//
// The order. The strongly connected components of the graph (Tarjan, "Depth-first search and linear
// graph algorithms", SIAM J. Comput. 1(2), 1972) form an acyclic graph; `component` numbers them
// along one linear extension of it, so if b is reachable from a and not the other way round, then
// component(a) < component(b). Within a component, where a machine may run in circles and only time
// can decide, `position` breaks ties. A machine's order is fixed by its edges in their given order:
// among components that the graph leaves free, the one whose states were named first comes first.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace saas::core {

// One allowed change. An empty `from` marks `to` as a state in which a row may begin.
struct state_edge {
    std::string from;
    std::string to;
};

struct state_rank {
    std::int32_t component = 0; // along the linear extension, from 0
    std::int32_t position = 0;  // within the component, from 0

    friend auto operator<=>(const state_rank &, const state_rank &) = default;
};

class state_machine {
public:
    using state = std::uint32_t; // index of a state, below size()
    static constexpr state k_unknown = ~state{0};
    static constexpr std::size_t k_max_states = 512;

    // Builds the relations from all edges of one machine; an edge given twice counts once. Throws
    // core::error 22023 when `to` is empty, or there are more than k_max_states states.
    explicit state_machine(std::span<const state_edge> edges);

    [[nodiscard]] std::size_t size() const noexcept { return names_.size(); }
    [[nodiscard]] std::string_view name(state s) const { return names_[s]; }
    // The state of that name, or k_unknown.
    [[nodiscard]] state find(std::string_view name) const noexcept;

    [[nodiscard]] bool initial(state s) const { return initial_[s]; }
    // One edge leads from `from` to `to`.
    [[nodiscard]] bool step(state from, state to) const { return test(step_, from, to); }
    // One or more edges lead from `from` to `to`; reach(s, s) only where s lies on a cycle.
    [[nodiscard]] bool reach(state from, state to) const { return test(reach_, from, to); }
    // The states are the same, or one reaches the other.
    [[nodiscard]] bool comparable(state a, state b) const {
        return a == b || reach(a, b) || reach(b, a);
    }
    [[nodiscard]] state_rank rank(state s) const { return rank_[s]; }

    // Where a row may begin, what follows `from` in one step, what is reachable from it; in the
    // order in which the states were first named.
    [[nodiscard]] std::vector<state> initial_states() const;
    [[nodiscard]] std::vector<state> steps_from(state from) const;
    [[nodiscard]] std::vector<state> reachable_from(state from) const;

private:
    using matrix = std::vector<std::uint64_t>; // one row of bits for each state

    state intern(std::string_view name);
    [[nodiscard]] bool test(const matrix &m, state row, state column) const {
        return (m[row * words_ + column / 64] >> (column % 64) & 1U) != 0;
    }
    void set(matrix &m, state row, state column) {
        m[row * words_ + column / 64] |= std::uint64_t{1} << (column % 64);
    }
    void close(const std::vector<std::vector<state>> &components);
    void order(const std::vector<std::vector<state>> &components);

    std::vector<std::string> names_;
    std::vector<bool> initial_;
    std::size_t words_ = 0; // 64-bit words in a row of a matrix
    matrix step_;
    matrix reach_;
    std::vector<state_rank> rank_;
};

// A provider's word about the state of an object: the state, the provider's time of it in any unit
// (the smallest integer where unknown), and the event that carried it.
struct state_snapshot {
    state_machine::state state = state_machine::k_unknown;
    std::int64_t at = 0;
    std::string_view event;
};

// Which of two snapshots of one object holds: component, then time, then position in the component,
// then event id. The order is total, so the snapshot that holds in the end is the maximum of those
// delivered, whatever their order and however often each came. Never the time of arrival.
[[nodiscard]] std::strong_ordering compare(const state_machine &machine, const state_snapshot &a,
                                           const state_snapshot &b);

} // namespace saas::core
