// SPDX-License-Identifier: PostgreSQL
// SQL entry points: whether a column looks personal by its name and type.
#include "core/privacy/personal_names.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"

#include <optional>

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // GETSTRUCT
#include "catalog/pg_type.h"     // TEXTOID
#include "fmgr.h"                // PG_GETARG_OID
#include "utils/lsyscache.h"     // getBaseType
#include "utils/syscache.h"      // SearchSysCache1
}

using namespace saas; // NOLINT: entry points only
namespace privacy = saas::core::privacy;

namespace {

// What a domain or an array is made of; InvalidOid for a type that is not there.
Oid plain_type_unsafe(Oid type) {
    for (;;) {
        if (!SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(type)))
            return InvalidOid;
        const Oid base = getBaseType(type);
        const Oid element = get_element_type(base);
        type = OidIsValid(element) ? element : base;
        if (!OidIsValid(element))
            break;
    }
    HeapTuple row = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
    const bool is_citext = strcmp(NameStr(reinterpret_cast<Form_pg_type>(GETSTRUCT(row))->typname), "citext") == 0;
    ReleaseSysCache(row);
    return is_citext ? TEXTOID : type;
}

std::optional<privacy::value_kind> kind_of(Oid type) {
    switch (type) {
    case TEXTOID:
    case VARCHAROID:
    case BPCHAROID:
        return privacy::value_kind::text;
    case INT4OID:
    case INT8OID:
    case NUMERICOID:
        return privacy::value_kind::number;
    case DATEOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
        return privacy::value_kind::date;
    case BYTEAOID:
        return privacy::value_kind::bytes;
    case UUIDOID:
        return privacy::value_kind::uuid;
    default:
        return std::nullopt;
    }
}

} // namespace

SAAS_FUNCTION(saas_plain_type) {
    const Oid type = PG_GETARG_OID(0);
    const Oid plain = pg::call([&] { return plain_type_unsafe(type); });
    if (!OidIsValid(plain))
        PG_RETURN_NULL();
    PG_RETURN_OID(plain);
}

// (name, type) -> 0, 1 or 2
SAAS_FUNCTION(saas_personal_name_rank) {
    const Oid type = PG_GETARG_OID(1);
    const Oid plain = pg::call([&] { return plain_type_unsafe(type); });
    // An address of a machine is somebody's; a network is not.
    if (plain == INETOID || plain == MACADDROID || plain == MACADDR8OID)
        PG_RETURN_INT32(2);
    const auto kind = kind_of(plain);
    if (!kind)
        PG_RETURN_INT32(0);
    PG_RETURN_INT32(static_cast<int>(privacy::rank_of_name(pg::text_string(PG_GETARG_DATUM(0)), *kind)));
}
