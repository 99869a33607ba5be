// SPDX-License-Identifier: PostgreSQL
// saas.with_json_columns(): providers' objects become rows, by a mapping that is read once.
#include "core/error.hpp"
#include "payments/json_values.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "pg/json_value.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_form_tuple
#include "catalog/pg_type.h"     // JSONBOID
#include "funcapi.h"             // HeapTupleHeaderGetDatum
#include "utils/builtins.h"      // format_type_be
#include "utils/lsyscache.h"     // get_typ_typrelid
#include "utils/numeric.h"       // int64_to_numeric
#include "utils/typcache.h"      // lookup_rowtype_tupdesc
}

using namespace saas; // NOLINT: entry points only

namespace {

using core::payments::json_mapping;
using core::payments::mapped_value;

constexpr core::sqlstate k_undefined_column{"42703"};
constexpr core::sqlstate k_datatype_mismatch{"42804"};
constexpr core::sqlstate k_wrong_object_type{"42809"};
constexpr core::sqlstate k_null_value_not_allowed{"22004"};
constexpr std::size_t k_kept_mappings = 200; // they are constants of functions

// The members of one column, in the order of jsonb.
struct member_column {
    std::string name;
    std::vector<std::size_t> lines;
    int place = -1;
};

struct kept_mapping {
    json_mapping mapping;
    std::vector<member_column> objects;
    std::vector<int> places; // of each line's column in rows of the shape
    std::uint64_t shape = 0; // the identifier that the server gave it
};

kept_mapping prepare(std::string_view text) {
    kept_mapping out;
    out.mapping = core::payments::read_json_mapping(text);
    const auto &lines = out.mapping.values;
    for (std::size_t n = 0; n < lines.size(); ++n) {
        if (lines[n].member.empty())
            continue;
        auto column = std::find_if(out.objects.begin(), out.objects.end(), [&](const auto &known) {
            return known.name == lines[n].column;
        });
        if (column == out.objects.end())
            column = out.objects.insert(column, member_column{lines[n].column, {}, -1});
        column->lines.push_back(n);
    }
    for (member_column &column : out.objects)
        std::sort(column.lines.begin(), column.lines.end(), [&](std::size_t a, std::size_t b) {
            const std::string &left = lines[a].member;
            const std::string &right = lines[b].member;
            return pg::compare_json_keys(left.data(), static_cast<int>(left.size()), right.data(),
                                         static_cast<int>(right.size())) < 0;
        });
    out.places.resize(lines.size(), -1);
    return out;
}

kept_mapping &kept(std::string_view text) {
    static std::unordered_map<std::string, kept_mapping> all;
    thread_local std::string key; // its memory is used again
    key.assign(text);
    if (const auto known = all.find(key); known != all.end())
        return known->second;
    kept_mapping fresh = prepare(text);
    if (all.size() >= k_kept_mappings)
        all.clear();
    return all.insert_or_assign(key, std::move(fresh)).first->second;
}

// Plain frames from here on.

[[noreturn]] void refuse_type(const char *column, const char *type, const char *other) {
    throw core::error{k_datatype_mismatch, std::string{"column \""} + column + "\" is of type " +
                                               type + ", not " + other};
}

int place_of(TupleDesc shape, const std::string &name, Oid type) {
    for (int place = 0; place < shape->natts; ++place) {
        Form_pg_attribute column = TupleDescAttr(shape, place);
        if (column->attisdropped || name != NameStr(column->attname))
            continue;
        const bool fits = column->atttypid == type &&
                          (column->atttypmod < 0 ||
                           (type == BPCHAROID && column->atttypmod == VARHDRSZ + 3));
        if (!fits)
            refuse_type(NameStr(column->attname),
                        format_type_with_typemod(column->atttypid, column->atttypmod),
                        type == BPCHAROID ? "character(3)" : format_type_be(type));
        return place;
    }
    throw core::error{k_undefined_column, "the row has no column \"" + name + "\""};
}

// The places of the columns, looked for once for each shape of the row.
void find_places(kept_mapping &map, Oid type, TupleDesc shape) {
    const std::uint64_t identifier = assign_record_type_identifier(type, -1);
    if (map.shape == identifier)
        return;
    map.shape = 0;
    for (std::size_t n = 0; n < map.places.size(); ++n) {
        const mapped_value &line = map.mapping.values[n];
        if (line.member.empty())
            map.places[n] = place_of(shape, line.column, payments::type_of(line.how));
    }
    for (member_column &column : map.objects)
        column.place = place_of(shape, column.name, JSONBOID);
    map.shape = identifier;
}

void set_member(const mapped_value &line, Datum value, pg::json_member &out) {
    out.key = line.member.data();
    out.key_length = static_cast<int>(line.member.size());
    switch (payments::type_of(line.how)) {
    case INT8OID:
        out.value.type = jbvNumeric;
        out.value.val.numeric = int64_to_numeric(DatumGetInt64(value));
        break;
    case BOOLOID:
        out.value.type = jbvBool;
        out.value.val.boolean = DatumGetBool(value);
        break;
    default:
        const std::string_view text = pg::text_view_unsafe(value);
        out.value.type = jbvString;
        out.value.val.string.val = const_cast<char *>(text.data()); // NOLINT: the server's type
        out.value.val.string.len = static_cast<int>(text.size());
    }
}

struct row_values {
    Datum *columns;
    bool *column_nulls;
    Datum *lines;
    bool *line_nulls;
};

void read_lines(payments::json_source &source, const kept_mapping &map, row_values &row) {
    const auto &lines = map.mapping.values;
    for (std::size_t n = 0; n < lines.size(); ++n) {
        Datum value{0};
        const bool is_null = !payments::convert_json(source, lines[n], value);
        row.lines[n] = value;
        row.line_nulls[n] = is_null;
        if (map.places[n] >= 0) {
            row.columns[map.places[n]] = value;
            row.column_nulls[map.places[n]] = is_null;
        }
    }
}

// A member that is NULL is left out.
void make_objects(const kept_mapping &map, row_values &row) {
    for (const member_column &column : map.objects) {
        auto *members = static_cast<pg::json_member *>(
            palloc(sizeof(pg::json_member) * (column.lines.size() + 1)));
        int count = 0;
        for (const std::size_t n : column.lines) {
            if (!row.line_nulls[n])
                set_member(map.mapping.values[n], row.lines[n], members[count++]);
        }
        row.columns[column.place] = JsonbPGetDatum(pg::make_json_object(members, count));
        row.column_nulls[column.place] = false;
    }
}

row_values values_of(FunctionCallInfo fcinfo, TupleDesc shape, std::size_t lines) {
    const auto columns = static_cast<Size>(shape->natts);
    row_values out{static_cast<Datum *>(palloc0(columns * sizeof(Datum))),
                   static_cast<bool *>(palloc(columns * sizeof(bool))),
                   static_cast<Datum *>(palloc((lines + 1) * sizeof(Datum))),
                   static_cast<bool *>(palloc((lines + 1) * sizeof(bool)))};
    std::memset(out.column_nulls, 1, columns);
    if (PG_ARGISNULL(0))
        return out;
    HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
    HeapTupleData tuple{};
    tuple.t_len = HeapTupleHeaderGetDatumLength(row);
    ItemPointerSetInvalid(&tuple.t_self);
    tuple.t_data = row;
    heap_deform_tuple(&tuple, shape, out.columns, out.column_nulls);
    return out;
}

} // namespace

SAAS_FUNCTION(saas_with_json_columns) {
    const Oid type = get_fn_expr_argtype(fcinfo->flinfo, 0);
    if (!OidIsValid(type) || !OidIsValid(get_typ_typrelid(type)))
        throw core::error{k_wrong_object_type, "the row is of no table"};
    if (PG_ARGISNULL(1) || PG_ARGISNULL(3))
        throw core::error{k_null_value_not_allowed, "a provider and a mapping are needed"};
    kept_mapping &map = kept(pg::text_view_unsafe(PG_GETARG_DATUM(3)));
    TupleDesc shape = lookup_rowtype_tupdesc(type, -1); // pinned: reading reference rows may change it
    find_places(map, type, shape);
    row_values row = values_of(fcinfo, shape, map.mapping.values.size());
    payments::json_source source;
    payments::open_json(source, map.mapping, pg::text_view_unsafe(PG_GETARG_DATUM(1)),
                        PG_ARGISNULL(2) ? nullptr : PG_GETARG_JSONB_P(2));
    read_lines(source, map, row);
    make_objects(map, row);
    HeapTuple made = heap_form_tuple(shape, row.columns, row.column_nulls);
    ReleaseTupleDesc(shape);
    return HeapTupleHeaderGetDatum(made->t_data);
}
