// SPDX-License-Identifier: PostgreSQL
// The context of simple deployments: app.current_user_id and app.current_team_id, honoured only while
// saas.trusted_settings is on.
#pragma once

#include "core/context/signed_context.hpp"

#include "pg/prelude.hpp"

namespace saas::context {

// The context that the settings name, or null when they are empty or malformed, or the user is no
// active member of the team. Membership is looked up once per transaction and pair of values.
const core::context::request_context *trusted_context();

} // namespace saas::context
