// SPDX-License-Identifier: PostgreSQL
#include "redaction/query_walk.hpp"

#include "redaction/catalog.hpp"
#include "redaction/known_texts.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_class.h"  // RELKIND_VIEW
#include "commands/prepare.h"  // FetchPreparedStatement
#include "nodes/nodeFuncs.h"   // query_tree_walker
}

namespace saas::redaction {
namespace {

#if PG_VERSION_NUM >= 160000
using tree_walker = tree_walker_callback;
#else
using tree_walker = bool (*)(); // the headers leave out the parameters
#endif

bool node_handles_secrets(Node *node, void *text);

tree_walker walker() {
    return reinterpret_cast<tree_walker>(reinterpret_cast<void (*)()>(node_handles_secrets));
}

bool relations_handle_secrets(Query *query) {
    int index = 0;
    ListCell *cell = nullptr;
    foreach (cell, query->rtable) {
        auto *entry = static_cast<RangeTblEntry *>(lfirst(cell));
        ++index;
        if (entry->rtekind != RTE_RELATION)
            continue;
        if (entry->relkind == RELKIND_VIEW && relation_handles_secrets_unsafe(entry->relid).reading)
            return true;
        if (index == query->resultRelation && query->commandType != CMD_DELETE &&
            relation_handles_secrets_unsafe(entry->relid).writing)
            return true;
    }
    return false;
}

bool utility_handles_secrets(Node *statement, const char *text) {
    if (statement == nullptr)
        return false;
    switch (nodeTag(statement)) {
    case T_ExplainStmt:
        return node_handles_secrets(reinterpret_cast<ExplainStmt *>(statement)->query,
                                    const_cast<char *>(text));
    case T_CreateTableAsStmt:
        return node_handles_secrets(reinterpret_cast<CreateTableAsStmt *>(statement)->query,
                                    const_cast<char *>(text));
    case T_DeclareCursorStmt:
        return node_handles_secrets(reinterpret_cast<DeclareCursorStmt *>(statement)->query,
                                    const_cast<char *>(text));
    case T_CallStmt:
        return node_handles_secrets(
            reinterpret_cast<Node *>(reinterpret_cast<CallStmt *>(statement)->funcexpr),
            const_cast<char *>(text));
    case T_ExecuteStmt: {
        PreparedStatement *prepared =
            FetchPreparedStatement(reinterpret_cast<ExecuteStmt *>(statement)->name, false);
        return prepared != nullptr && is_secret_text(prepared->plansource->query_string);
    }
    case T_PrepareStmt:
    case T_DoStmt:
    case T_CopyStmt:
        return text_handles_secrets_unsafe(text);
    default:
        return false;
    }
}

bool node_handles_secrets(Node *node, void *text) {
    if (node == nullptr)
        return false;
    if (IsA(node, Query)) {
        auto *query = reinterpret_cast<Query *>(node);
        if (query->commandType == CMD_UTILITY)
            return utility_handles_secrets(query->utilityStmt, static_cast<const char *>(text));
        return relations_handle_secrets(query) || query_tree_walker(query, walker(), text, 0);
    }
    if (IsA(node, FuncExpr) &&
        function_handles_secrets_unsafe(reinterpret_cast<FuncExpr *>(node)->funcid))
        return true;
    if (IsA(node, Aggref) &&
        function_handles_secrets_unsafe(reinterpret_cast<Aggref *>(node)->aggfnoid))
        return true;
    return expression_tree_walker(node, walker(), text);
}

} // namespace

bool query_handles_secrets_unsafe(Query *query, const char *text) {
    return node_handles_secrets(reinterpret_cast<Node *>(query), const_cast<char *>(text));
}

} // namespace saas::redaction
