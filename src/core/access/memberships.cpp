// SPDX-License-Identifier: PostgreSQL
#include "core/access/memberships.hpp"

#include <algorithm>
#include <utility>

namespace saas::core::access {

memberships::memberships(std::vector<membership> all) : all_{std::move(all)} {
    std::sort(all_.begin(), all_.end(), [](const membership &a, const membership &b) {
        return a.team != b.team ? a.team < b.team : a.role > b.role;
    });
    auto same_team = [](const membership &a, const membership &b) { return a.team == b.team; };
    all_.erase(std::unique(all_.begin(), all_.end(), same_team), all_.end());
}

std::optional<context::team_role> memberships::role_in(const uuid &team) const noexcept {
    if (all_.size() <= k_few) {
        for (const membership &one : all_) {
            if (same(one.team, team))
                return one.role;
        }
        return std::nullopt;
    }
    auto before = [](const membership &a, const uuid &b) { return a.team < b; };
    auto found = std::lower_bound(all_.begin(), all_.end(), team, before);
    if (found == all_.end() || found->team != team)
        return std::nullopt;
    return found->role;
}

} // namespace saas::core::access
