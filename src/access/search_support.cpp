// SPDX-License-Identifier: PostgreSQL
// What the planner is told about saas.search, saas.contains and saas.ilike: the operator whose GIN
// index serves them, and how many rows they leave.
#include <algorithm>

#include "core/access/wildcard.hpp"
#include "core/error.hpp"
#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h"  // GETSTRUCT
#include "catalog/pg_am.h"        // GIN_AM_OID
#include "catalog/pg_collation.h" // DEFAULT_COLLATION_OID
#include "catalog/pg_operator.h"  // OID_TEXT_ICLIKE_OP
#include "catalog/pg_statistic.h" // Form_pg_statistic
#include "catalog/pg_type.h"      // TSVECTOROID
#include "nodes/makefuncs.h"      // make_opclause
#include "nodes/nodeFuncs.h"      // exprType
#include "nodes/pathnodes.h"      // IndexOptInfo
#include "nodes/supportnodes.h"   // SupportRequest…
#include "optimizer/optimizer.h"  // is_pseudo_constant_for_index
#include "optimizer/plancat.h"    // restriction_selectivity, join_selectivity
#include "utils/lsyscache.h"      // op_in_opfamily
#include "utils/selfuncs.h"       // mcv_selectivity
}

using namespace saas; // NOLINT: entry points only

namespace {

// tsvector @@ tsquery and jsonb @> jsonb have no names in the server's headers; their numbers are
// part of its catalog since 8.3 and 9.4.
constexpr Oid k_text_search_match = 3636;
constexpr Oid k_jsonb_contains = 3246;
constexpr core::sqlstate k_invalid_escape_sequence{"22025"};

Oid operator_for(Oid type) noexcept {
    switch (type) {
    case TSVECTOROID:
        return k_text_search_match;
    case JSONBOID:
        return k_jsonb_contains;
    case TEXTOID:
        return OID_TEXT_ICLIKE_OP;
    default:
        return InvalidOid;
    }
}

// Only GIN: its scans check rows again with the function itself. A GiST scan would do so with the
// operator, which may raise errors about rows that a policy hides.
Node *index_condition_unsafe(SupportRequestIndexCondition *request) {
    if (!IsA(request->node, FuncExpr) || request->indexarg != 0 ||
        request->index->relam != GIN_AM_OID)
        return nullptr;
    auto *call = reinterpret_cast<FuncExpr *>(request->node);
    auto *column = static_cast<Node *>(linitial(call->args));
    auto *wanted = static_cast<Node *>(lsecond(call->args));
    Oid op = operator_for(exprType(column));
    if (!OidIsValid(op) || !op_in_opfamily(op, request->opfamily) ||
        !is_pseudo_constant_for_index(request->root, wanted, request->index))
        return nullptr;
    if (op == OID_TEXT_ICLIKE_OP && request->indexcollation != call->inputcollid)
        return nullptr;
    request->lossy = true;
    return reinterpret_cast<Node *>(list_make1(
        make_opclause(op, BOOLOID, false, static_cast<Expr *>(copyObjectImpl(column)),
                      static_cast<Expr *>(copyObjectImpl(wanted)), InvalidOid, call->inputcollid)));
}

// Tries the function on the most common values and the histogram of the column. The operator's own
// estimator does the same, but may not under row-level security, since the operator is not
// leakproof.
double refine_unsafe(SupportRequestSelectivity *request, double rest) {
    VariableStatData column;
    Node *wanted = nullptr;
    bool column_first = false;
    if (!get_restriction_variable(request->root, request->args, request->varRelid, &column, &wanted,
                                  &column_first))
        return rest;
    double answer = rest;
    if (column_first && IsA(wanted, Const) && !reinterpret_cast<Const *>(wanted)->constisnull &&
        HeapTupleIsValid(column.statsTuple)) {
        Datum value = reinterpret_cast<Const *>(wanted)->constvalue;
        FmgrInfo function;
        fmgr_info(request->funcid, &function);
        double common = 0;
        double among_common =
            mcv_selectivity(&column, &function, request->inputcollid, value, true, &common);
        int entries = 0;
        double among_rest = histogram_selectivity(&column, &function, request->inputcollid, value,
                                                  true, 10, 1, &entries);
        if (among_rest < 0) {
            among_rest = rest;
        } else if (entries < 100) { // as the server's own estimators weigh a short histogram
            double weight = entries / 100.0;
            among_rest = among_rest * weight + rest * (1.0 - weight);
        }
        among_rest = std::clamp(among_rest, 0.0001, 0.9999);
        double nulls =
            reinterpret_cast<Form_pg_statistic>(GETSTRUCT(column.statsTuple))->stanullfrac;
        answer = among_common + among_rest * std::max(0.0, 1.0 - nulls - common);
    }
    ReleaseVariableStats(column);
    return std::clamp(answer, 0.0, 1.0);
}

Node *selectivity_unsafe(SupportRequestSelectivity *request) {
    Oid op = operator_for(exprType(static_cast<Node *>(linitial(request->args))));
    if (!OidIsValid(op))
        return nullptr;
    if (request->is_join) {
        request->selectivity =
            join_selectivity(request->root, op, request->args, request->inputcollid,
                             request->jointype, request->sjinfo);
        return reinterpret_cast<Node *>(request);
    }
    // ILIKE's estimator refuses collations that saas.ilike takes; none changes the estimate much.
    Oid collation = op == OID_TEXT_ICLIKE_OP ? DEFAULT_COLLATION_OID : request->inputcollid;
    request->selectivity = restriction_selectivity(request->root, op, request->args, collation,
                                                   request->varRelid);
    if (op != k_text_search_match) // its estimator reads lexemes' frequencies in any case
        request->selectivity = refine_unsafe(request, request->selectivity);
    return reinterpret_cast<Node *>(request);
}

// A constant pattern that no text can match is refused here, where no row has been looked at.
void check_pattern(SupportRequestSimplify *request) {
    auto *pattern = static_cast<Node *>(lsecond(request->fcall->args));
    if (!IsA(pattern, Const) || exprType(pattern) != TEXTOID ||
        reinterpret_cast<Const *>(pattern)->constisnull)
        return;
    text *given = DatumGetTextPP(reinterpret_cast<Const *>(pattern)->constvalue);
    if (!core::access::is_valid_pattern(
            {VARDATA_ANY(given), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(given))}))
        throw core::error{k_invalid_escape_sequence,
                          "the pattern must not end with its escape character",
                          {},
                          "Write two backslashes for one that is meant."};
}

} // namespace

SAAS_FUNCTION(saas_search_support) {
    auto *request = reinterpret_cast<Node *>(PG_GETARG_POINTER(0));
    Node *answer = nullptr;
    if (IsA(request, SupportRequestIndexCondition))
        answer = index_condition_unsafe(reinterpret_cast<SupportRequestIndexCondition *>(request));
    else if (IsA(request, SupportRequestSelectivity))
        answer = selectivity_unsafe(reinterpret_cast<SupportRequestSelectivity *>(request));
    else if (IsA(request, SupportRequestSimplify))
        check_pattern(reinterpret_cast<SupportRequestSimplify *>(request));
    PG_RETURN_POINTER(answer);
}
