// SPDX-License-Identifier: PostgreSQL
#include "core/state_machine/components.hpp"

#include <algorithm>
#include <cstddef>

namespace saas::core {
namespace {

constexpr std::uint32_t k_unvisited = ~std::uint32_t{0};

class tarjan {
public:
    explicit tarjan(const std::vector<std::vector<std::uint32_t>> &successors)
        : successors_{successors}, index_(successors.size(), k_unvisited),
          low_(successors.size(), 0), open_(successors.size(), false) {}

    std::vector<std::vector<std::uint32_t>> run() {
        for (std::uint32_t v = 0; v < successors_.size(); ++v) {
            if (index_[v] == k_unvisited)
                search(v);
        }
        return std::move(components_);
    }

private:
    struct frame {
        std::uint32_t vertex;
        std::size_t next; // the successor to look at next
    };

    void enter(std::uint32_t v) {
        index_[v] = low_[v] = counter_++;
        stack_.push_back(v);
        open_[v] = true;
        calls_.push_back({v, 0});
    }

    void search(std::uint32_t root) {
        enter(root);
        while (!calls_.empty()) {
            auto &[v, next] = calls_.back();
            if (next < successors_[v].size()) {
                std::uint32_t w = successors_[v][next++];
                if (index_[w] == k_unvisited)
                    enter(w); // invalidates v and next
                else if (open_[w])
                    low_[v] = std::min(low_[v], index_[w]);
            } else {
                leave();
            }
        }
    }

    void leave() {
        std::uint32_t v = calls_.back().vertex;
        calls_.pop_back();
        if (!calls_.empty()) {
            std::uint32_t parent = calls_.back().vertex;
            low_[parent] = std::min(low_[parent], low_[v]);
        }
        if (low_[v] != index_[v])
            return;
        std::vector<std::uint32_t> &members = components_.emplace_back();
        std::uint32_t w = 0;
        do {
            w = stack_.back();
            stack_.pop_back();
            open_[w] = false;
            members.push_back(w);
        } while (w != v);
        std::sort(members.begin(), members.end());
    }

    const std::vector<std::vector<std::uint32_t>> &successors_;
    std::vector<std::uint32_t> index_;
    std::vector<std::uint32_t> low_;
    std::vector<bool> open_; // on stack_
    std::vector<std::uint32_t> stack_;
    std::vector<frame> calls_;
    std::vector<std::vector<std::uint32_t>> components_;
    std::uint32_t counter_ = 0;
};

} // namespace

std::vector<std::vector<std::uint32_t>>
strong_components(const std::vector<std::vector<std::uint32_t>> &successors) {
    return tarjan{successors}.run();
}

} // namespace saas::core
