// SPDX-License-Identifier: PostgreSQL
// What is known of the statement that the session runs now.
#pragma once

#include "pg/prelude.hpp"

namespace saas::redaction {

// The text, and the statement of the client that runs it, handle secrets: remembers both and shows the
// masked text in pg_stat_activity. May raise when memory is short.
void found_secret(const char *text);

// What was found to handle secrets runs on, perhaps in another message of the client.
void found_again();

// The client's statement was analysed as a whole and handles none. Of the last thousands that is remembered.
void found_harmless(const char *text) noexcept;
[[nodiscard]] bool is_harmless(const char *text) noexcept;

// Shows in pg_stat_activity that the client's statement is withheld.
void hide_activity() noexcept;

// The same when it was not analysed, and could handle secrets for all that is known.
void hide_unknown_activity() noexcept;

// A message without a statement calls a function that handles secrets, until the end of its transaction.
void found_secret_call() noexcept;
void forget_secret_call() noexcept;
[[nodiscard]] bool in_secret_call() noexcept;

} // namespace saas::redaction
