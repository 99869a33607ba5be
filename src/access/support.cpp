// SPDX-License-Identifier: PostgreSQL
// What the planner is told about can_access(team), is_member(team, …) and has_role(team, …): that
// an index on the team serves them, and how many rows they leave.
#include <algorithm>

#include "access/memberships.hpp"
#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/stratnum.h"    // BTEqualStrategyNumber
#include "catalog/pg_am.h"      // BTREE_AM_OID
#include "catalog/pg_type.h"    // UUIDOID
#include "nodes/makefuncs.h"    // makeFuncExpr
#include "nodes/nodeFuncs.h"    // exprType
#include "nodes/pathnodes.h"    // RelOptInfo
#include "nodes/supportnodes.h" // SupportRequest…
#include "parser/parse_func.h"  // LookupFuncName
#include "utils/fmgroids.h"     // F_UUID_EQ
#include "utils/lsyscache.h"    // get_opfamily_member
#include "utils/selfuncs.h"     // examine_variable
}

using namespace saas; // NOLINT: entry points only

namespace {

// Whether the query itself says `column = something`: then the column's index is used through that,
// with the order that the rest of the index gives, and nearly every row that remains is accessible.
bool has_equality_unsafe(RelOptInfo *relation, Node *column) {
    ListCell *cell;
    foreach (cell, relation->baserestrictinfo) {
        auto *restriction = lfirst_node(RestrictInfo, cell);
        auto *clause = reinterpret_cast<OpExpr *>(restriction->clause);
        if (!IsA(clause, OpExpr) || list_length(clause->args) != 2 ||
            get_opcode(clause->opno) != F_UUID_EQ)
            continue;
        if ((equal(linitial(clause->args), column) && bms_is_empty(restriction->right_relids)) ||
            (equal(lsecond(clause->args), column) && bms_is_empty(restriction->left_relids)))
            return true;
    }
    return false;
}

// column = ANY (saas.my_team_ids())
Node *any_of_my_teams_unsafe(Node *column, Oid equality) {
    Oid no_arguments = InvalidOid;
    List *name = list_make2(makeString(pstrdup("saas")), makeString(pstrdup("my_team_ids")));
    Oid ids = LookupFuncName(name, 0, &no_arguments, true);
    if (!OidIsValid(ids) || get_func_rettype(ids) != UUIDARRAYOID)
        return nullptr;
    auto *condition = makeNode(ScalarArrayOpExpr);
    condition->opno = equality;
    condition->opfuncid = get_opcode(equality);
    condition->useOr = true;
    condition->args =
        list_make2(copyObjectImpl(column), makeFuncExpr(ids, UUIDARRAYOID, NIL, InvalidOid,
                                                        InvalidOid, COERCE_EXPLICIT_CALL));
    condition->location = -1;
    return reinterpret_cast<Node *>(condition);
}

// Only for the first column of an index: an index scan with a list of values for a later column
// does not give rows in the order of the index, and the planner, who sees a function here and no
// list, would rely on that order.
Node *index_condition_unsafe(SupportRequestIndexCondition *request) {
    if (!IsA(request->node, FuncExpr) || request->indexarg != 0 || request->indexcol != 0 ||
        request->index->relam != BTREE_AM_OID)
        return nullptr;
    auto *column = static_cast<Node *>(linitial(reinterpret_cast<FuncExpr *>(request->node)->args));
    Oid equality = get_opfamily_member(request->opfamily, UUIDOID, UUIDOID, BTEqualStrategyNumber);
    if (exprType(column) != UUIDOID || !OidIsValid(equality) ||
        has_equality_unsafe(request->index->rel, column))
        return nullptr;
    Node *condition = any_of_my_teams_unsafe(column, equality);
    if (condition == nullptr)
        return nullptr;
    // Always lossy: the function itself is then asked again for each row that the index finds. A
    // mistake here would cost time, but show nobody another team's row.
    request->lossy = true;
    return reinterpret_cast<Node *>(list_make1(condition));
}

// My teams among all; at least one, since the plan may serve somebody with more.
Node *selectivity_unsafe(SupportRequestSelectivity *request, double my_teams) {
    if (request->is_join)
        return nullptr;
    VariableStatData column;
    examine_variable(request->root, static_cast<Node *>(linitial(request->args)), request->varRelid,
                     &column);
    if (column.rel != nullptr && has_equality_unsafe(column.rel, column.var)) {
        request->selectivity = 1.0;
    } else {
        bool is_default = false;
        double teams = get_variable_numdistinct(&column, &is_default);
        request->selectivity = std::min(1.0, std::max(1.0, my_teams) / std::max(1.0, teams));
    }
    ReleaseVariableStats(column);
    return reinterpret_cast<Node *>(request);
}

} // namespace

SAAS_FUNCTION(saas_can_access_support) {
    auto *request = reinterpret_cast<Node *>(PG_GETARG_POINTER(0));
    Node *answer = nullptr;
    if (IsA(request, SupportRequestIndexCondition)) {
        answer = index_condition_unsafe(reinterpret_cast<SupportRequestIndexCondition *>(request));
    } else if (IsA(request, SupportRequestSelectivity)) {
        auto my_teams = static_cast<double>(access::of_current_user().all().size());
        answer =
            selectivity_unsafe(reinterpret_cast<SupportRequestSelectivity *>(request), my_teams);
    }
    PG_RETURN_POINTER(answer);
}
