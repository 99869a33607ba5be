// SPDX-License-Identifier: PostgreSQL
// Loading of the library: the magic block and the registration of settings and hooks, nothing else.
#include "audit/request.hpp"
#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
PG_MODULE_MAGIC;
void _PG_init(void);

void _PG_init(void) { saas::audit::register_settings(); }
}
