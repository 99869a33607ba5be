// SPDX-License-Identifier: PostgreSQL
// Key sets of JSON Web Tokens, kept in the backend as they were parsed.
#pragma once

#include <string_view>

#include "core/jwt/key_set.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/jsonb.h" // Jsonb
}

namespace saas::security {

// The document as JSON text in UTF-8, allocated in the current memory context. Calls the server
// through pg::call.
[[nodiscard]] std::string_view json_text(Jsonb *document);

// The keys of a JWK Set (or the key that a JWK is). The last k_kept_key_sets that were asked for
// are kept, found by the SHA-256 of the document, so that nobody who changes a set meets the old
// one. Valid until the next call. Throws core::error SA119 for a document that is no set.
[[nodiscard]] const core::jwt::key_set &keys_of(Jsonb *document);

inline constexpr std::size_t k_kept_key_sets = 16;

} // namespace saas::security
