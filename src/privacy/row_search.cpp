// SPDX-License-Identifier: PostgreSQL
// The search for what should be gone: in a text, and in the columns of a row without writing the
// row as text.
#include "core/error.hpp"
#include "core/privacy/needles.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"

#include <memory>
#include <string_view>
#include <vector>

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_deform_tuple
#include "catalog/pg_type.h"     // TEXTOID
#include "fmgr.h"                // fcinfo->flinfo
#include "lib/stringinfo.h"      // appendBinaryStringInfo
#include "utils/array.h"         // construct_array
#include "utils/builtins.h"      // numeric_out
#include "utils/jsonb.h"         // JsonbIteratorNext
#include "utils/lsyscache.h"     // getBaseType
#include "utils/typcache.h"      // lookup_rowtype_tupdesc
}

using namespace saas; // NOLINT: entry points only
namespace privacy = saas::core::privacy;

namespace {

enum class column_kind { none, text, bytes, json, other };

// How the columns of a type of row are read.
struct row_plan {
    Oid type;
    int32 modifier;
    TupleDesc columns;
    column_kind *kinds;
    FmgrInfo *outputs;
    Datum *values;
    bool *nulls;
};

struct column_text {
    const char *name;
    const char *bytes;
    std::size_t size;
};

// A set that lives as long as the call's query, so that it is read once for many rows.
struct kept_set {
    privacy::needle_set set;
    std::vector<std::uint8_t> bytes;
    MemoryContextCallback callback{};
    row_plan *row = nullptr; // in the function's memory context
};

kept_set &needles_of(FunctionCallInfo fcinfo, std::vector<std::uint8_t> bytes) {
    auto *kept = static_cast<kept_set *>(fcinfo->flinfo->fn_extra);
    if (kept != nullptr && kept->bytes == bytes)
        return *kept;
    auto made =
        std::make_unique<kept_set>(kept_set{privacy::unpack_needles(bytes), {}, {}, nullptr});
    made->bytes = std::move(bytes);
    kept = made.get();
    kept->callback.arg = kept;
    kept->callback.func = [](void *set) { delete static_cast<kept_set *>(set); };
    MemoryContextRegisterResetCallback(fcinfo->flinfo->fn_mcxt, &kept->callback);
    fcinfo->flinfo->fn_extra = made.release();
    return *kept;
}

column_kind kind_of(Form_pg_attribute column) {
    if (column->attisdropped)
        return column_kind::none;
    switch (getBaseType(column->atttypid)) {
    case BOOLOID:
        return column_kind::none;
    case TEXTOID:
    case VARCHAROID:
    case BPCHAROID:
    case JSONOID:
        return column_kind::text;
    case BYTEAOID:
        return column_kind::bytes;
    case JSONBOID:
        return column_kind::json;
    default:
        return column_kind::other;
    }
}

row_plan *plan_row(Oid type, int32 modifier, MemoryContext context) {
    MemoryContext before = MemoryContextSwitchTo(context);
    auto *plan = static_cast<row_plan *>(palloc0(sizeof(row_plan)));
    plan->type = type;
    plan->modifier = modifier;
    TupleDesc columns = lookup_rowtype_tupdesc(type, modifier);
    plan->columns = CreateTupleDescCopy(columns);
    ReleaseTupleDesc(columns);
    const auto count = static_cast<std::size_t>(plan->columns->natts);
    plan->kinds = static_cast<column_kind *>(palloc(count * sizeof(column_kind)));
    plan->outputs = static_cast<FmgrInfo *>(palloc0(count * sizeof(FmgrInfo)));
    plan->values = static_cast<Datum *>(palloc(count * sizeof(Datum)));
    plan->nulls = static_cast<bool *>(palloc(count * sizeof(bool)));
    for (int i = 0; i < plan->columns->natts; ++i) {
        plan->kinds[i] = kind_of(TupleDescAttr(plan->columns, i));
        if (plan->kinds[i] == column_kind::other) {
            Oid output;
            bool varlena;
            getTypeOutputInfo(TupleDescAttr(plan->columns, i)->atttypid, &output, &varlena);
            fmgr_info_cxt(output, &plan->outputs[i], context);
        }
    }
    MemoryContextSwitchTo(before);
    return plan;
}

// Keys, texts and numbers, as they are and not as JSON escapes them.
void append_json(StringInfo out, Datum value) {
    JsonbIterator *place = JsonbIteratorInit(&DatumGetJsonbP(value)->root);
    JsonbValue one;
    for (JsonbIteratorToken token; (token = JsonbIteratorNext(&place, &one, false)) != WJB_DONE;) {
        if (token != WJB_KEY && token != WJB_VALUE && token != WJB_ELEM)
            continue;
        if (one.type == jbvString)
            appendBinaryStringInfo(out, one.val.string.val, one.val.string.len);
        else if (one.type == jbvNumeric)
            appendStringInfoString(out, DatumGetCString(DirectFunctionCall1(
                                            numeric_out, NumericGetDatum(one.val.numeric))));
        appendStringInfoChar(out, ' ');
    }
}

column_text text_of(row_plan *plan, int i) {
    column_text text{NameStr(TupleDescAttr(plan->columns, i)->attname), nullptr, 0};
    if (plan->kinds[i] == column_kind::json) {
        StringInfoData json;
        initStringInfo(&json);
        append_json(&json, plan->values[i]);
        text.bytes = json.data;
        text.size = static_cast<std::size_t>(json.len);
    } else if (plan->kinds[i] == column_kind::other) {
        text.bytes = OutputFunctionCall(&plan->outputs[i], plan->values[i]);
        text.size = std::char_traits<char>::length(text.bytes);
    } else {
        varlena *bytes = PG_DETOAST_DATUM_PACKED(plan->values[i]);
        text.bytes = VARDATA_ANY(bytes);
        text.size = VARSIZE_ANY_EXHDR(bytes);
    }
    return text;
}

// The columns of a row that have a value; returns how many.
int read_row(FunctionCallInfo fcinfo, row_plan **plan, column_text **texts) {
    HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
    const Oid type = HeapTupleHeaderGetTypeId(row);
    const int32 modifier = HeapTupleHeaderGetTypMod(row);
    if (*plan == nullptr || (*plan)->type != type || (*plan)->modifier != modifier)
        *plan = plan_row(type, modifier, fcinfo->flinfo->fn_mcxt);
    HeapTupleData tuple{};
    tuple.t_len = HeapTupleHeaderGetDatumLength(row);
    tuple.t_data = row;
    ItemPointerSetInvalid(&tuple.t_self);
    heap_deform_tuple(&tuple, (*plan)->columns, (*plan)->values, (*plan)->nulls);
    *texts = static_cast<column_text *>(
        palloc(static_cast<std::size_t>((*plan)->columns->natts + 1) * sizeof(column_text)));
    int count = 0;
    for (int i = 0; i < (*plan)->columns->natts; ++i)
        if (!(*plan)->nulls[i] && (*plan)->kinds[i] != column_kind::none)
            (*texts)[count++] = text_of(*plan, i);
    return count;
}

} // namespace

SAAS_FUNCTION(saas_holds_needle) {
    const auto &needles = needles_of(fcinfo, pg::bytes(PG_GETARG_DATUM(1))).set;
    const auto words = pg::call([&] { return pg::text_view_unsafe(PG_GETARG_DATUM(0)); });
    PG_RETURN_BOOL(needles.occurs_in(words, core::cancel_poll{pg::stop_requested}));
}

// (row, needles) -> names of the columns that hold one, NULL for none
SAAS_FUNCTION(saas_needle_columns) {
    auto &kept = needles_of(fcinfo, pg::bytes(PG_GETARG_DATUM(1)));
    if (kept.set.empty())
        PG_RETURN_NULL();
    column_text *texts = nullptr;
    const int count = pg::call([&] { return read_row(fcinfo, &kept.row, &texts); });
    int found = 0;
    for (int i = 0; i < count; ++i)
        if (kept.set.occurs_in({texts[i].bytes, texts[i].size},
                               core::cancel_poll{pg::stop_requested}))
            texts[found++] = texts[i];
    if (found == 0)
        PG_RETURN_NULL();
    return pg::call([&] {
        auto *names = static_cast<Datum *>(palloc(static_cast<std::size_t>(found) * sizeof(Datum)));
        for (int i = 0; i < found; ++i)
            names[i] = CStringGetTextDatum(texts[i].name);
        return PointerGetDatum(construct_array(names, found, TEXTOID, -1, false, TYPALIGN_INT));
    });
}
