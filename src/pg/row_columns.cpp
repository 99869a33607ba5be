// SPDX-License-Identifier: PostgreSQL
#include "pg/row_columns.hpp"

#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_form_tuple
#include "catalog/pg_type.h"     // TEXTOID
#include "funcapi.h"             // HeapTupleHeaderGetDatum
#include "nodes/nodeFuncs.h"     // exprTypmod
#include "parser/parse_coerce.h" // find_typmod_coercion_function
#include "utils/array.h"         // deconstruct_array
#include "utils/builtins.h"      // format_type_be
#include "utils/lsyscache.h"     // get_typ_typrelid
#include "utils/typcache.h"      // lookup_rowtype_tupdesc
}

namespace saas::pg {
namespace {

constexpr int k_first_value = 2;

struct row_columns {
    Datum *values;
    bool *nulls;
};

row_columns columns_of(FunctionCallInfo fcinfo, TupleDesc shape) {
    const auto count = static_cast<Size>(shape->natts);
    row_columns out{static_cast<Datum *>(palloc0(count * sizeof(Datum))),
                    static_cast<bool *>(palloc(count * sizeof(bool)))};
    if (PG_ARGISNULL(0)) {
        std::memset(out.nulls, true, count);
        return out;
    }
    HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
    HeapTupleData tuple{};
    tuple.t_len = HeapTupleHeaderGetDatumLength(row);
    ItemPointerSetInvalid(&tuple.t_self);
    tuple.t_data = row;
    heap_deform_tuple(&tuple, shape, out.values, out.nulls);
    return out;
}

bool is_named(Form_pg_attribute column, text *name) {
    const char *own = NameStr(column->attname);
    const Size length = std::strlen(own);
    return !column->attisdropped && VARSIZE_ANY_EXHDR(name) == length &&
           std::memcmp(VARDATA_ANY(name), own, length) == 0;
}

// The place of a column, looked for from `begin` on: they are mostly named in their order.
int find_column(TupleDesc shape, text *name, int begin) {
    for (int i = 0; i < shape->natts; ++i) {
        const int place = (begin + i) % shape->natts;
        if (is_named(TupleDescAttr(shape, place), name))
            return place;
    }
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                    errmsg("the row has no column \"%s\"", text_to_cstring(name))));
    return -1;
}

void check_type(FunctionCallInfo fcinfo, int argument, Form_pg_attribute column) {
    const Oid given = get_fn_expr_argtype(fcinfo->flinfo, argument);
    if (given != column->atttypid)
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                        errmsg("column \"%s\" is of type %s, not %s", NameStr(column->attname),
                               format_type_be(column->atttypid), format_type_be(given)),
                        errhint("Cast the value.")));
}

int32 modifier_of(FunctionCallInfo fcinfo, int argument) {
    Node *call = fcinfo->flinfo->fn_expr;
    if (call == nullptr || !IsA(call, FuncExpr))
        return -1;
    List *arguments = reinterpret_cast<FuncExpr *>(call)->args;
    return exprTypmod(static_cast<Node *>(list_nth(arguments, argument)));
}

// What an assignment to a column of a certain length or precision does: 22001 or 22003 for a value
// that does not fit.
Datum fit_value(FunctionCallInfo fcinfo, int argument, Form_pg_attribute column) {
    Datum value = PG_GETARG_DATUM(argument);
    if (column->atttypmod < 0 || modifier_of(fcinfo, argument) == column->atttypmod)
        return value;
    Oid fit = InvalidOid;
    switch (find_typmod_coercion_function(column->atttypid, &fit)) {
    case COERCION_PATH_FUNC:
        return OidFunctionCall3(fit, value, Int32GetDatum(column->atttypmod), BoolGetDatum(false));
    case COERCION_PATH_NONE:
        return value;
    default:
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                        errmsg("column \"%s\" is of type %s", NameStr(column->attname),
                               format_type_with_typemod(column->atttypid, column->atttypmod)),
                        errhint("Cast the value.")));
        return value;
    }
}

void replace_columns(FunctionCallInfo fcinfo, TupleDesc shape, const row_columns &columns) {
    Datum *names = nullptr;
    bool *nulls = nullptr;
    int count = 0;
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls,
                      &count);
    if (count != PG_NARGS() - k_first_value || get_fn_expr_variadic(fcinfo->flinfo))
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                        errmsg("there is not one value for each column")));
    int place = -1;
    for (int i = 0; i < count; ++i) {
        if (nulls[i])
            ereport(ERROR,
                    (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a column has no name")));
        place = find_column(shape, DatumGetTextPP(names[i]), place + 1);
        check_type(fcinfo, i + k_first_value, TupleDescAttr(shape, place));
        columns.nulls[place] = PG_ARGISNULL(i + k_first_value);
        columns.values[place] = columns.nulls[place] ? Datum{0}
                                                     : fit_value(fcinfo, i + k_first_value,
                                                                 TupleDescAttr(shape, place));
    }
}

} // namespace

Datum with_columns(FunctionCallInfo fcinfo) {
    const Oid type = get_fn_expr_argtype(fcinfo->flinfo, 0);
    if (!OidIsValid(type) || !OidIsValid(get_typ_typrelid(type)))
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("the row is of no table")));
    if (PG_ARGISNULL(1))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("no columns are named")));
    TupleDesc shape = lookup_rowtype_tupdesc(type, -1);
    const row_columns columns = columns_of(fcinfo, shape);
    replace_columns(fcinfo, shape, columns);
    HeapTuple made = heap_form_tuple(shape, columns.values, columns.nulls);
    ReleaseTupleDesc(shape);
    return HeapTupleHeaderGetDatum(made->t_data);
}

} // namespace saas::pg
