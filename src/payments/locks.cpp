// SPDX-License-Identifier: PostgreSQL
// saas.lock_object(): the lock that everything about one object of a provider takes.
#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_collation.h" // C_COLLATION_OID
#include "utils/builtins.h"       // cstring_to_text
#include "utils/fmgrprotos.h"     // hashtextextended
}

using namespace saas; // NOLINT: entry points only

// The same key as hashtextextended(provider || ' ' || object, uuid_hash_extended(team, 0)) gives.
SAAS_FUNCTION(saas_lock_object) {
    Datum space = PointerGetDatum(cstring_to_text(" "));
    Datum name = DirectFunctionCall2(textcat, PG_GETARG_DATUM(1), space);
    name = DirectFunctionCall2(textcat, name, PG_GETARG_DATUM(2));
    Datum seed = DirectFunctionCall2(uuid_hash_extended, PG_GETARG_DATUM(0), Int64GetDatum(0));
    Datum key = DirectFunctionCall2Coll(hashtextextended, C_COLLATION_OID, name, seed);
    (void)DirectFunctionCall1(pg_advisory_xact_lock_int8, key);
    return PG_GETARG_DATUM(2);
}
