// SPDX-License-Identifier: PostgreSQL
// What handles secrets by its name alone, for when the catalog cannot be read.
#pragma once

#include "pg/prelude.hpp"

namespace saas::redaction {

// The session met a function or a relation of that name that handles secrets. May raise when memory is short.
void meet_name(const char *name);

// Whether a text names a function that is known by its name (core/redaction/secrets.hpp), or something that the
// session has met. In a statement that was not analysed, every call of a function of schema saas counts.
enum class unanalysed : bool { no, yes };
[[nodiscard]] bool names_secrets(const char *text, unanalysed statement) noexcept;

// Whether a statement that was not analysed could handle secrets at all: it calls something, or names a relation.
[[nodiscard]] bool may_handle_secrets(const char *text) noexcept;

} // namespace saas::redaction
