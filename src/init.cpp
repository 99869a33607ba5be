// SPDX-License-Identifier: PostgreSQL
// Loading of the library: the magic block and the registration of settings and hooks, nothing else.
#include "access/memberships.hpp"
#include "context/context.hpp"
#include "credentials/initialise.hpp"
#include "encryption/initialise.hpp"
#include "fraud/models.hpp"
#include "fraud/rules.hpp"
#include "payments/initialise.hpp"
#include "pg/settings.hpp"
#include "redaction/hooks.hpp"
#include "state_machine/registry.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/guc.h" // MarkGUCPrefixReserved

PG_MODULE_MAGIC;
void _PG_init(void);

void _PG_init(void) {
    saas::pg::define_settings();
    saas::context::initialise();
    saas::access::initialise();
    saas::credentials::initialise();
    saas::state_machine::initialise();
    saas::encryption::initialise();
    saas::fraud::initialise();
    saas::redaction::initialise();
    saas::fraud::initialise_models();
    saas::payments::initialise_reference();
    saas::payments::initialise_ledger();
    MarkGUCPrefixReserved("saas");
}
}
