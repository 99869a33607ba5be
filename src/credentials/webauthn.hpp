// SPDX-License-Identifier: PostgreSQL
// Hardware keys by Web Authentication.
#pragma once

#include "pg/prelude.hpp"

namespace saas::credentials {

// Defines the settings saas.webauthn_…. Called once.
void define_webauthn_settings();

} // namespace saas::credentials
