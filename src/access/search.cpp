// SPDX-License-Identifier: PostgreSQL
// Search that row-level security does not slow down: saas.search, saas.contains, saas.ilike.
//
// They are declared LEAKPROOF, so the planner may use an index for them, and evaluate them, before
// a policy has decided whether the caller may see the row. Hence nothing they do may tell about the
// row but their answer: they raise no error that depends on it, which includes any error at all
// once rows are read, since the caller chooses which rows get that far (name = 'x' AND
// saas.ilike(…)).
//
// - search: ts_match_vq raises nothing but for a stack that is too small for the query's nesting.
//   That is found out first, and then nothing matches.
// - contains: the same, with the nesting of the value that is looked for.
// - ilike: the server's ILIKE is not used. It fails for a pattern that ends in its escape
// character,
//   for collations that are not deterministic, and for want of stack, each only if matching a row
//   gets that far. core::access::matches cannot fail; a constant pattern that cannot be right is
//   refused when the statement is planned (search_support.cpp), before any row is looked at.
#include <algorithm>

#include "core/access/wildcard.hpp"
#include "pg/boundary.hpp"
#include "pg/stack.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_collation.h" // DEFAULT_COLLATION_OID
#include "mb/pg_wchar.h"          // pg_encoding_mblen
#include "tsearch/ts_type.h"      // TSQuery
#include "utils/formatting.h"     // str_tolower
#include "utils/fmgrprotos.h"     // ts_match_vq, jsonb_contains
#include "utils/jsonb.h"          // Jsonb
#include "utils/lsyscache.h"      // get_collation_isdeterministic
}

using namespace saas; // NOLINT: entry points only

namespace {

// More than one step of either recursion takes, with what it calls.
constexpr std::size_t k_stack_per_level = 1024;
// Up to here the size is taken for the depth, which is cheaper than finding out.
constexpr std::size_t k_small = 64;
// What lower case takes four bytes of memory a character for, and the server gives 1 GB at once.
constexpr std::size_t k_longest_text = std::size_t{128} << 20;

// The nesting of a query: operators come before their operands, the right one first.
std::size_t depth_unsafe(TSQuery query) {
    auto count = static_cast<std::size_t>(query->size);
    if (count <= k_small)
        return count;
    auto *depth = static_cast<std::size_t *>(palloc0(sizeof(std::size_t) * count));
    QueryItem *items = GETQUERY(query);
    std::size_t deepest = 0;
    for (std::size_t i = 0; i < count; ++i) {
        deepest = std::max(deepest, ++depth[i]);
        if (items[i].type != QI_OPR)
            continue;
        depth[i + 1] = depth[i];
        if (items[i].qoperator.oper != OP_NOT)
            depth[i + items[i].qoperator.left] = depth[i];
    }
    pfree(depth);
    return deepest;
}

std::size_t depth_unsafe(Jsonb *value) {
    std::size_t bytes = VARSIZE(value);
    if (bytes <= k_small * 4) // a container takes at least four bytes
        return bytes / 4;
    std::size_t depth = 0;
    std::size_t deepest = 0;
    JsonbIterator *iterator = JsonbIteratorInit(&value->root);
    JsonbValue item;
    for (;;) {
        JsonbIteratorToken token = JsonbIteratorNext(&iterator, &item, false);
        if (token == WJB_DONE)
            return deepest;
        if (token == WJB_BEGIN_ARRAY || token == WJB_BEGIN_OBJECT)
            deepest = std::max(deepest, ++depth);
        else if (token == WJB_END_ARRAY || token == WJB_END_OBJECT)
            --depth;
    }
}

std::size_t server_encoding_length(const char *text) noexcept {
    return static_cast<std::size_t>(pg_encoding_mblen(GetDatabaseEncoding(), text));
}

core::access::character_length length_in_database() noexcept {
    if (pg_database_encoding_max_length() == 1)
        return core::access::single_byte_length;
    return GetDatabaseEncoding() == PG_UTF8 ? core::access::utf8_length : server_encoding_length;
}

// A pattern in lower case, and what it was made of. Kept for the next row, which mostly has the
// same.
struct folded_pattern {
    Oid collation;
    int length;
    int folded_length;
    char *bytes;
    char *folded;
};

Oid usable_collation(Oid given) {
    if (!OidIsValid(given) || given == DEFAULT_COLLATION_OID || given == C_COLLATION_OID)
        return OidIsValid(given) ? given : DEFAULT_COLLATION_OID;
    return get_collation_isdeterministic(given) ? given : DEFAULT_COLLATION_OID;
}

const folded_pattern *fold_unsafe(FunctionCallInfo fcinfo, text *pattern, Oid collation) {
    auto *known = static_cast<folded_pattern *>(fcinfo->flinfo->fn_extra);
    auto length = static_cast<int>(VARSIZE_ANY_EXHDR(pattern));
    if (known != nullptr && known->collation == collation && known->length == length &&
        std::equal(known->bytes, known->bytes + length, VARDATA_ANY(pattern)))
        return known;
    char *folded = str_tolower(VARDATA_ANY(pattern), static_cast<std::size_t>(length), collation);
    MemoryContext caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
    if (known != nullptr) {
        pfree(known->bytes);
        pfree(known->folded);
        pfree(known);
        fcinfo->flinfo->fn_extra = nullptr;
    }
    known = static_cast<folded_pattern *>(palloc(sizeof(folded_pattern)));
    known->collation = collation;
    known->length = length;
    known->bytes = pnstrdup(VARDATA_ANY(pattern), static_cast<Size>(length));
    known->folded = pstrdup(folded);
    known->folded_length = static_cast<int>(std::char_traits<char>::length(folded));
    MemoryContextSwitchTo(caller);
    fcinfo->flinfo->fn_extra = known;
    pfree(folded);
    return known;
}

} // namespace

// (tsvector, tsquery)
SAAS_FUNCTION(saas_search) {
    Datum document = PG_GETARG_DATUM(0);
    TSQuery query = PG_GETARG_TSQUERY(1);
    if (!pg::has_stack(depth_unsafe(query) * k_stack_per_level))
        PG_RETURN_BOOL(false);
    return DirectFunctionCall2(ts_match_vq, document, TSQueryGetDatum(query));
}

// (jsonb, jsonb)
SAAS_FUNCTION(saas_contains) {
    Datum value = PG_GETARG_DATUM(0);
    Jsonb *wanted = PG_GETARG_JSONB_P(1);
    if (!pg::has_stack(depth_unsafe(wanted) * k_stack_per_level))
        PG_RETURN_BOOL(false);
    return DirectFunctionCall2(jsonb_contains, value, JsonbPGetDatum(wanted));
}

// (text, pattern)
SAAS_FUNCTION(saas_ilike) {
    text *value = PG_GETARG_TEXT_PP(0);
    text *pattern = PG_GETARG_TEXT_PP(1);
    if (VARSIZE_ANY_EXHDR(value) > k_longest_text || VARSIZE_ANY_EXHDR(pattern) > k_longest_text)
        PG_RETURN_BOOL(false);
    Oid collation = usable_collation(PG_GET_COLLATION());
    const folded_pattern *wanted = fold_unsafe(fcinfo, pattern, collation);
    char *folded = str_tolower(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), collation);
    bool found = core::access::matches(
        folded, {wanted->folded, static_cast<std::size_t>(wanted->folded_length)},
        length_in_database(), core::cancel_poll{pg::stop_requested});
    pfree(folded);
    PG_RETURN_BOOL(found);
}
