// SPDX-License-Identifier: PostgreSQL
#include "pg/package.hpp"

#include "core/error.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/namespace.h" // get_namespace_oid
#include "utils/lsyscache.h"   // get_relname_relid
}

namespace saas::pg {
namespace {
constexpr core::sqlstate k_not_deployed{"SA021"};
}

Oid package_table_unsafe(const char *name) {
    const Oid schema = get_namespace_oid("saas", true);
    return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

void refuse_not_deployed() {
    throw core::error{k_not_deployed, "the schema package is not deployed", {},
                      "Run SELECT saas.deploy() as the owner of the database."};
}

} // namespace saas::pg
