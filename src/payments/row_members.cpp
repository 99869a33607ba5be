// SPDX-License-Identifier: PostgreSQL
// saas.row_members(): columns of a row as a JSON object.
#include "core/error.hpp"

#include <cstring>
#include <string>
#include <string_view>

#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "pg/json_value.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_deform_tuple
#include "catalog/pg_type.h"     // TEXTOID
#include "funcapi.h"             // PG_GETARG_HEAPTUPLEHEADER
#include "utils/array.h"         // deconstruct_array
#include "utils/lsyscache.h"     // get_typ_typrelid
#include "utils/typcache.h"      // lookup_rowtype_tupdesc
}

using namespace saas; // NOLINT: entry points only

namespace {

constexpr core::sqlstate k_undefined_column{"42703"};
constexpr core::sqlstate k_wrong_object_type{"42809"};
constexpr core::sqlstate k_null_value_not_allowed{"22004"};

struct open_row {
    TupleDesc shape;
    Datum *values;
    bool *nulls;
};

// Plain frames.

int place_of(TupleDesc shape, std::string_view name) {
    for (int place = 0; place < shape->natts; ++place) {
        Form_pg_attribute column = TupleDescAttr(shape, place);
        if (!column->attisdropped && name == NameStr(column->attname))
            return place;
    }
    throw core::error{k_undefined_column, "the row has no column \"" + std::string{name} + "\""};
}

void open_tuple(HeapTupleHeader row, open_row &out) {
    const auto count = static_cast<Size>(out.shape->natts);
    out.values = static_cast<Datum *>(palloc(count * sizeof(Datum)));
    out.nulls = static_cast<bool *>(palloc(count * sizeof(bool)));
    HeapTupleData tuple{};
    tuple.t_len = HeapTupleHeaderGetDatumLength(row);
    ItemPointerSetInvalid(&tuple.t_self);
    tuple.t_data = row;
    heap_deform_tuple(&tuple, out.shape, out.values, out.nulls);
}

// Puts a member where it belongs by the order of keys; false when there is one of the name.
bool insert_member(pg::json_member *members, int count, const pg::json_member &member) {
    int place = count;
    while (place > 0) {
        const pg::json_member &before = members[place - 1];
        const int order = pg::compare_json_keys(before.key, before.key_length, member.key,
                                                member.key_length);
        if (order == 0)
            return false;
        if (order < 0)
            break;
        members[place] = before;
        --place;
    }
    members[place] = member;
    return true;
}

// "name", or "member=column".
bool read_member(const open_row &row, std::string_view said, pg::json_member &out) {
    const std::size_t equals = said.find('=');
    const std::string_view key = said.substr(0, equals);
    const int place =
        place_of(row.shape, equals == std::string_view::npos ? said : said.substr(equals + 1));
    if (row.nulls[place])
        return false;
    pg::json_type type;
    pg::find_json_type(TupleDescAttr(row.shape, place)->atttypid, CurrentMemoryContext, type);
    out.key = key.data();
    out.key_length = static_cast<int>(key.size());
    pg::to_json_value(type, row.values[place], out.value);
    return true;
}

Datum members_of(const open_row &row, Datum names) {
    Datum *said = nullptr;
    bool *nulls = nullptr;
    int length = 0;
    deconstruct_array(DatumGetArrayTypeP(names), TEXTOID, -1, false, TYPALIGN_INT, &said, &nulls,
                      &length);
    auto *members = static_cast<pg::json_member *>(
        palloc(sizeof(pg::json_member) * static_cast<Size>(length + 1)));
    int count = 0;
    for (int i = 0; i < length; ++i) {
        pg::json_member member{};
        if (nulls[i])
            throw core::error{k_null_value_not_allowed, "a member has no name"};
        if (!read_member(row, pg::text_view_unsafe(said[i]), member))
            continue;
        if (!insert_member(members, count, member))
            throw core::error{core::k_invalid_parameter_value, "a member is named twice"};
        ++count;
    }
    return JsonbPGetDatum(pg::make_json_object(members, count));
}

} // namespace

SAAS_FUNCTION(saas_row_members) {
    const Oid type = get_fn_expr_argtype(fcinfo->flinfo, 0);
    if (!OidIsValid(type) || !OidIsValid(get_typ_typrelid(type)))
        throw core::error{k_wrong_object_type, "the row is of no table"};
    open_row row{lookup_rowtype_tupdesc(type, -1), nullptr, nullptr};
    open_tuple(PG_GETARG_HEAPTUPLEHEADER(0), row);
    const Datum object = members_of(row, PG_GETARG_DATUM(1));
    ReleaseTupleDesc(row.shape);
    return object;
}
