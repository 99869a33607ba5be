// SPDX-License-Identifier: PostgreSQL
// Who acts in which team, as the claims of a JSON Web Token (RFC 7519) say that somebody else has
// verified: PostgREST hands them to the database in the setting request.jwt.claims.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "core/uuid.hpp"

namespace saas::core::context {

struct jwt_identity {
    uuid user;
    uuid team;

    bool operator==(const jwt_identity &) const = default;
};

// Longer texts are no claims: a token travels in a header, which servers keep below this size.
inline constexpr std::size_t k_max_claims_bytes = 64 * 1024;

// The user is the claim `sub`; the team is `team_id`, or `team_id` within `app_metadata` when there is
// no such claim. `user_metadata` is never read, since users write it themselves. nullopt for anything
// that is not one JSON object (RFC 8259, at most 32 deep) with both as UUIDs; a name given twice counts
// with its last value, as in jsonb. Never an error but std::bad_alloc.
[[nodiscard]] std::optional<jwt_identity> parse_jwt_claims(std::string_view text);

} // namespace saas::core::context
