// SPDX-License-Identifier: PostgreSQL
#include "redaction/query_walk.hpp"

#include "redaction/catalog.hpp"
#include "redaction/dependencies.hpp"
#include "redaction/known_texts.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/namespace.h"  // RangeVarGetRelid
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

bool is_secret_function(Oid function, void *) { return function_handles_secrets_unsafe(function); }

bool relations_handle_secrets(Query *query) {
    int index = 0;
    ListCell *cell = nullptr;
    foreach (cell, query->rtable) {
        auto *entry = static_cast<RangeTblEntry *>(lfirst(cell));
        ++index;
        if (entry->rtekind != RTE_RELATION)
            continue;
        const bool written = index == query->resultRelation && query->commandType != CMD_DELETE;
        if (relation_handles_secrets_unsafe(entry->relid, access::read) ||
            (written && relation_handles_secrets_unsafe(entry->relid, access::write)))
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
    case T_ExecuteStmt:
        return prepared_handles_secrets_unsafe(reinterpret_cast<ExecuteStmt *>(statement)->name);
    case T_RefreshMatViewStmt:
        return relation_handles_secrets_unsafe(
            RangeVarGetRelid(reinterpret_cast<RefreshMatViewStmt *>(statement)->relation, NoLock, true),
            access::read);
    case T_AlterTableStmt: // USING, DEFAULT and expressions are computed for every row
    case T_IndexStmt:
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
    return check_functions_in_node(node, is_secret_function, nullptr) ||
           (IsA(node, CoerceToDomain) &&
            domain_runs_secrets_unsafe(reinterpret_cast<CoerceToDomain *>(node)->resulttype)) ||
           expression_tree_walker(node, walker(), text);
}

} // namespace

bool prepared_handles_secrets_unsafe(const char *name) {
    PreparedStatement *prepared = FetchPreparedStatement(name, false);
    if (prepared == nullptr)
        return false;
    const CachedPlanSource *source = prepared->plansource;
    bool found = is_secret_text(source->query_string);
    ListCell *cell = nullptr;
    foreach (cell, source->query_list) { // its text was forgotten, perhaps
        found = found || query_handles_secrets_unsafe(static_cast<Query *>(lfirst(cell)), source->query_string);
    }
    return found;
}

bool query_handles_secrets_unsafe(Query *query, const char *text) {
    return node_handles_secrets(reinterpret_cast<Node *>(query), const_cast<char *>(text));
}

} // namespace saas::redaction
