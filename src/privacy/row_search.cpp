// SPDX-License-Identifier: PostgreSQL
// The search for what should be gone: in a text, and in the columns of a row.
#include "core/error.hpp"
#include "core/privacy/needles.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "privacy/row_text.hpp"

#include <memory>
#include <vector>

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // HeapTupleHeaderGetTypeId
#include "catalog/pg_type.h"     // TEXTOID
#include "fmgr.h"                // fcinfo->flinfo
#include "utils/array.h"         // construct_array
#include "utils/builtins.h"      // CStringGetTextDatum
#include "utils/typcache.h"      // lookup_rowtype_tupdesc
}

using namespace saas; // NOLINT: entry points only

namespace {

// A set that lives as long as the call's query, so that it is read once for many rows.
struct kept_set {
    core::privacy::needle_set set;
    std::vector<std::uint8_t> bytes;
    MemoryContextCallback callback{};
    privacy::row_reader *row = nullptr; // in the function's memory context
    Oid type = InvalidOid;
    std::int32_t modifier = -1;
};

kept_set &needles_of(FunctionCallInfo fcinfo, std::vector<std::uint8_t> bytes) {
    auto *kept = static_cast<kept_set *>(fcinfo->flinfo->fn_extra);
    if (kept != nullptr && kept->bytes == bytes)
        return *kept;
    auto made = std::make_unique<kept_set>(kept_set{core::privacy::unpack_needles(bytes), {}});
    made->bytes = std::move(bytes);
    kept = made.get();
    kept->callback.arg = kept;
    kept->callback.func = [](void *set) { delete static_cast<kept_set *>(set); };
    MemoryContextRegisterResetCallback(fcinfo->flinfo->fn_mcxt, &kept->callback);
    fcinfo->flinfo->fn_extra = made.release();
    return *kept;
}

void read_row(FunctionCallInfo fcinfo, kept_set &kept) {
    HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
    const Oid type = HeapTupleHeaderGetTypeId(row);
    const std::int32_t modifier = HeapTupleHeaderGetTypMod(row);
    if (kept.row == nullptr || kept.type != type || kept.modifier != modifier) {
        TupleDesc columns = lookup_rowtype_tupdesc(type, modifier);
        kept.row = privacy::make_row_reader_unsafe(columns, fcinfo->flinfo->fn_mcxt);
        ReleaseTupleDesc(columns);
        kept.type = type;
        kept.modifier = modifier;
    }
    HeapTupleData tuple{};
    tuple.t_len = HeapTupleHeaderGetDatumLength(row);
    tuple.t_data = row;
    ItemPointerSetInvalid(&tuple.t_self);
    privacy::read_row_unsafe(kept.row, &tuple);
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
    int found = 0;
    Datum *names = pg::call([&] {
        read_row(fcinfo, kept);
        const int count = kept.row->columns->natts;
        StringInfoData words;
        initStringInfo(&words);
        auto *all = static_cast<Datum *>(palloc(static_cast<std::size_t>(count + 1) * sizeof(Datum)));
        for (int i = 0; i < count; ++i) {
            if (!privacy::has_text(kept.row, i))
                continue;
            resetStringInfo(&words);
            privacy::append_text_unsafe(kept.row, i, &words);
            const core::cancel_poll poll{pg::stop_requested};
            bool holds = kept.set.occurs_in({words.data, static_cast<std::size_t>(words.len)}, poll);
            const privacy::byte_pieces bytes = privacy::stored_bytes_unsafe(kept.row, i);
            for (std::size_t piece = 0; piece < bytes.count && !holds; ++piece)
                holds = kept.set.occurs_in_utf16({bytes.pieces[piece].bytes, bytes.pieces[piece].size}, poll);
            if (holds)
                all[found++] = CStringGetTextDatum(NameStr(TupleDescAttr(kept.row->columns, i)->attname));
        }
        return all;
    });
    if (found == 0)
        PG_RETURN_NULL();
    return pg::call([&] {
        return PointerGetDatum(construct_array(names, found, TEXTOID, -1, false, TYPALIGN_INT));
    });
}
