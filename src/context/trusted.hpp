// SPDX-License-Identifier: PostgreSQL
// The context from ordinary settings that somebody trusted has set: app.current_user_id and
// app.current_team_id of a simple deployment, or the verified claims that PostgREST leaves in
// request.jwt.claims. Honoured only as far as saas.trusted_settings says.
#pragma once

#include "core/context/signed_context.hpp"

#include "pg/prelude.hpp"

namespace saas::context {

// The context that the settings name, or null when none is honoured, they are empty or malformed, or
// the user is no active member of the team. Claims are parsed once per text; membership is looked up
// once per transaction and pair of values.
const core::context::request_context *trusted_context();

} // namespace saas::context
