// SPDX-License-Identifier: PostgreSQL
// Who asks for a change: the signed request context, the database roles, the client.
#pragma once

#include "pg/prelude.hpp"

namespace saas::audit {

// A value that may be NULL.
struct optional_datum {
    Datum value;
    bool missing;
};

// saas.current_user_id() and saas.current_team_id(): NULL without a context.
optional_datum current_user();
optional_datum current_team();

// The role whose rights apply, and the role that logged in when it is another one. Type text.
optional_datum effective_role();
optional_datum login_role();

// The setting saas.request_id, NULL when empty. Type text.
optional_datum request_id();

// The client's address, NULL for a local socket. Type inet.
optional_datum client_address();

} // namespace saas::audit
