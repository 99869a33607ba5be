// SPDX-License-Identifier: PostgreSQL
// What credentials need when the library is loaded.
#pragma once

namespace saas::credentials {

// Defines the settings of passwords and asks for shared memory. Called once, by _PG_init.
void initialise();

} // namespace saas::credentials
