// SPDX-License-Identifier: PostgreSQL
// The teams of one person, for look-ups by team.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/context/signed_context.hpp"
#include "core/uuid.hpp"

namespace saas::core::access {

struct membership {
    uuid team;
    context::team_role role;
};

class memberships {
public:
    memberships() = default;

    // In any order. Of a team given twice the highest role counts.
    explicit memberships(std::vector<membership> all);

    // The role in that team; nullopt for no member. Logarithmic in the number of teams.
    [[nodiscard]] std::optional<context::team_role> role_in(const uuid &team) const noexcept;

    // Ascending by team.
    [[nodiscard]] std::span<const membership> all() const noexcept { return all_; }

private:
    std::vector<membership> all_;
};

} // namespace saas::core::access
