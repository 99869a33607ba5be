// SPDX-License-Identifier: PostgreSQL
// The request context as one signed text: who acts, in which team, with which role, bound to one
// transaction of one backend. HMAC-SHA256 (RFC 2104) over everything before the signature.
//
//     v1.TEAM.USER.ROLE.TRANSACTION_START.PID.TRANSACTION.CREDENTIAL.SCOPES.SIGNATURE
//
// TEAM, USER and CREDENTIAL are UUIDs (USER is `-` for a worker or an API key, which act for nobody,
// CREDENTIAL is the session of a user, or the API key, `-` where neither was used), ROLE one of the names below, TRANSACTION_START microseconds, PID the
// backend's process id, TRANSACTION the number of the transaction in its backend, SCOPES `-` for no
// restriction or `=` and the scopes joined by commas, SIGNATURE 64 hexadecimal digits.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/context/scopes.hpp"
#include "core/uuid.hpp"

namespace saas::core::context {

// Ascending power. A worker acts with every right in its team.
enum class team_role : std::uint8_t { viewer, member, admin, owner, service };

[[nodiscard]] std::string_view name_of(team_role role) noexcept;
[[nodiscard]] std::optional<team_role> parse_role(std::string_view name) noexcept;

// What a signature holds for: nowhere but in this transaction.
struct transaction_binding {
    std::int64_t started_at; // microseconds, as the server counts them
    std::int32_t pid;        // of the backend; of the leader in a parallel worker
    std::uint32_t number;    // two transactions of one message start at the same time

    bool operator==(const transaction_binding &) const = default;
};

struct request_context {
    uuid team;
    std::optional<uuid> user;
    team_role role;
    transaction_binding binding;
    std::optional<uuid> credential{};   // a user's session, or without a user the API key
    std::optional<scope_list> scopes{}; // nullopt: no restriction beyond the role
};

using signing_key = std::array<std::uint8_t, 32>;

// The signed text.
[[nodiscard]] std::string sign(const request_context &context, const signing_key &key);

// The context when the text is whole and its signature is right; nullopt for anything else. The
// binding is the caller's to compare.
[[nodiscard]] std::optional<request_context> verify(std::string_view text, const signing_key &key);

} // namespace saas::core::context
