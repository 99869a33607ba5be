// SPDX-License-Identifier: PostgreSQL
// Failed attempts with passwords and second factors, in the memory that all sessions share. There is
// such memory only when the library is in shared_preload_libraries.
#pragma once

#include "pg/prelude.hpp"

namespace saas::credentials {

// Asks for the memory, when the library is being preloaded. Called once.
void request_shared_attempts();

} // namespace saas::credentials
