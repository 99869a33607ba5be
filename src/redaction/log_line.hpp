// SPDX-License-Identifier: PostgreSQL
// The server's log without secrets.
#pragma once

#include "pg/prelude.hpp"

namespace saas::redaction {

// Called once, by _PG_init.
void initialise_log();

// Takes statement, detail, hint, context, parameters and values in the message out of what goes to the
// log when the session's statement handles secrets. What the client is told stays as it is: it is sent
// before.
void redact_log_line(ErrorData *line);

} // namespace saas::redaction
