// SPDX-License-Identifier: PostgreSQL
// The teams of one person, for look-ups by team.
#pragma once

#include <cstdint>
#include <cstring>
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

    // Whether it is one of the teams.
    [[nodiscard]] bool has(const uuid &team) const noexcept {
        if (all_.size() > k_few)
            return role_in(team).has_value();
        for (const membership &one : all_) {
            if (same(one.team, team))
                return true;
        }
        return false;
    }

    // Ascending by team.
    [[nodiscard]] std::span<const membership> all() const noexcept { return all_; }

private:
    static constexpr std::size_t k_few = 8; // most people: one after another is fastest

    // As two numbers each: operator== of arrays calls a function.
    static bool same(const uuid &a, const uuid &b) noexcept {
        std::uint64_t left[2];
        std::uint64_t right[2];
        static_assert(sizeof(left) == sizeof(uuid));
        std::memcpy(left, a.data(), sizeof(left));
        std::memcpy(right, b.data(), sizeof(right));
        return left[0] == right[0] && left[1] == right[1];
    }

    std::vector<membership> all_;
};

} // namespace saas::core::access
