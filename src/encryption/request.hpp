// SPDX-License-Identifier: PostgreSQL
// What a call of an encrypting function asks for, out of its arguments.
#pragma once

#include <optional>
#include <type_traits>

#include "core/encryption/ciphertext.hpp"
#include "encryption/key_rows.hpp"

#include "pg/prelude.hpp"

namespace saas::encryption {

// How a function names what the value is bound to. Arguments after the value:
enum class shape {
    tenant, // none
    asset,  // asset uuid, row uuid, …
    column, // table regclass, column name, row uuid, …
};

struct request {
    core::encryption::binding bound;
    std::optional<core::uuid> subject;
    std::optional<core::encryption::algorithm> chosen;
};
static_assert(std::is_trivially_destructible_v<request>); // a server ERROR may skip it

// Reads the arguments of encrypting functions, after the row: subject uuid, algorithm text, team uuid;
// of decrypting ones: team uuid. The tenant is the team of the request context; another one
// may be named by workers and by the package's own functions. Throws SA102 without any, 42501 for
// somebody else, 22004 without an asset, 22023 for an unknown algorithm. Plain frames only.
[[nodiscard]] request encrypting_request(FunctionCallInfo fcinfo, shape form);
[[nodiscard]] request decrypting_request(FunctionCallInfo fcinfo, shape form);

// The team to act for: the named one, if the caller may name it, or that of the request context. Throws
// SA102 without any, 42501 for somebody else's.
[[nodiscard]] core::uuid team_to_act_for(const std::optional<core::uuid> &named);

// Whose key encrypts.
[[nodiscard]] key_owner owner_of(const request &asked) noexcept;

} // namespace saas::encryption
