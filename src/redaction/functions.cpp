// SPDX-License-Identifier: PostgreSQL
// What the redaction knows, for people and for saas.security_advice().
#include "pg/boundary.hpp"
#include "redaction/catalog.hpp"
#include "redaction/hooks.hpp"

#include <sys/resource.h>

#include "pg/prelude.hpp"

SAAS_FUNCTION(saas_is_redacted_function) {
    const Oid function = PG_GETARG_OID(0);
    PG_RETURN_BOOL(
        saas::pg::call([=] { return saas::redaction::function_handles_secrets_unsafe(function); }));
}

SAAS_FUNCTION(saas_is_redacted_relation) {
    const Oid relation = PG_GETARG_OID(0);
    PG_RETURN_BOOL(saas::pg::call([=] {
        return saas::redaction::relation_handles_secrets_unsafe(relation, saas::redaction::access::read) ||
               saas::redaction::relation_handles_secrets_unsafe(relation, saas::redaction::access::write);
    }));
}

SAAS_FUNCTION(saas_is_preloaded) {
    PG_RETURN_BOOL(saas::redaction::is_preloaded());
}

SAAS_FUNCTION(saas_core_dumps_allowed) {
    rlimit limit{};
    PG_RETURN_BOOL(getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_cur != 0);
}
