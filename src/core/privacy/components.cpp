// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/components.hpp"

#include <algorithm>
#include <limits>

namespace saas::core::privacy {
namespace {

constexpr std::size_t k_unseen = std::numeric_limits<std::size_t>::max();

// Tarjan's algorithm over the arrows from parents to children: a component is finished when all that
// it leads to are, so children have the lower numbers.
class tarjan {
  public:
    tarjan(std::vector<std::vector<std::size_t>> children, cancel_poll &poll)
        : children_{std::move(children)}, poll_{poll}, seen_(children_.size(), k_unseen),
          lowest_(children_.size(), 0), open_(children_.size(), false),
          component_(children_.size(), k_unseen) {}

    std::vector<std::size_t> run() {
        for (std::size_t table = 0; table < children_.size(); ++table) {
            if (seen_[table] == k_unseen)
                visit(table);
        }
        return std::move(component_);
    }

  private:
    struct frame {
        std::size_t table;
        std::size_t next; // of its children
    };

    void enter(std::size_t table) {
        seen_[table] = lowest_[table] = count_++;
        open_[table] = true;
        stack_.push_back(table);
        frames_.push_back({table, 0});
    }

    void visit(std::size_t first) {
        enter(first);
        while (!frames_.empty()) {
            frame &top = frames_.back();
            if (top.next < children_[top.table].size()) {
                poll_.step();
                const std::size_t table = top.table;
                const std::size_t child = children_[table][top.next++];
                if (seen_[child] == k_unseen)
                    enter(child); // `top` is not valid any more
                else if (open_[child])
                    lowest_[table] = std::min(lowest_[table], seen_[child]);
                continue;
            }
            leave(top.table);
        }
    }

    void leave(std::size_t table) {
        frames_.pop_back();
        if (!frames_.empty()) {
            std::size_t &above = lowest_[frames_.back().table];
            above = std::min(above, lowest_[table]);
        }
        if (lowest_[table] != seen_[table])
            return;
        for (std::size_t member = k_unseen; member != table;) {
            member = stack_.back();
            stack_.pop_back();
            open_[member] = false;
            component_[member] = components_;
        }
        ++components_;
    }

    std::vector<std::vector<std::size_t>> children_;
    cancel_poll &poll_;
    std::vector<std::size_t> seen_;
    std::vector<std::size_t> lowest_;
    std::vector<bool> open_;
    std::vector<std::size_t> component_;
    std::vector<std::size_t> stack_;
    std::vector<frame> frames_;
    std::size_t count_ = 0;
    std::size_t components_ = 0;
};

} // namespace

std::vector<std::size_t> key_components(const erasure_graph &graph, cancel_poll &poll) {
    std::vector<std::vector<std::size_t>> children(graph.tables.size());
    for (const plan_edge &edge : graph.edges) {
        if (edge.is_key)
            children[edge.parent].push_back(edge.child);
    }
    return tarjan{std::move(children), poll}.run();
}

} // namespace saas::core::privacy
