// SPDX-License-Identifier: PostgreSQL
#include "redaction/hooks.hpp"

#include "redaction/catalog.hpp"
#include "redaction/known_texts.hpp"
#include "redaction/log_line.hpp"
#include "redaction/query_walk.hpp"
#include "redaction/state.hpp"

#include <cstring>

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h"          // IsTransactionState
#include "catalog/objectaccess.h" // object_access_hook
#include "executor/executor.h"    // ExecutorStart_hook
#include "optimizer/planner.h"    // planner_hook
#include "parser/analyze.h"       // post_parse_analyze_hook
#include "storage/ipc.h"          // shmem_startup_hook
#include "tcop/tcopprot.h"        // debug_query_string
#include "tcop/utility.h"         // ProcessUtility_hook
#include "utils/memutils.h"       // GetMemoryChunkContext
}

namespace saas::redaction {
namespace {

bool preloaded = false;

post_parse_analyze_hook_type next_analyze = nullptr;
planner_hook_type next_planner = nullptr;
ExecutorStart_hook_type next_start = nullptr;
ExecutorRun_hook_type next_run = nullptr;
ProcessUtility_hook_type next_utility = nullptr;
object_access_hook_type next_access = nullptr;
emit_log_hook_type next_log = nullptr;
shmem_startup_hook_type next_startup = nullptr;

// Whether the text holds more statements than this one.
bool has_others(const Query *query, const char *text) {
    if (query->stmt_location > 0)
        return true;
    if (query->stmt_len <= 0)
        return false;
    const char *rest = text + query->stmt_location + query->stmt_len;
    return rest[std::strspn(rest, "; \t\r\n\f")] != '\0';
}

void analyze(ParseState *state, Query *query, JumbleState *jumble) {
    if (next_analyze != nullptr)
        next_analyze(state, query, jumble);
    const char *text = state->p_sourcetext;
    // ROLLBACK is analysed in a failed transaction, too, where the catalog cannot be read.
    if (text == nullptr || !IsTransactionState() || !has_package_unsafe())
        return;
    const bool from_client = debug_query_string != nullptr && std::strcmp(text, debug_query_string) == 0;
    if (query_handles_secrets_unsafe(query, text) ||
        (from_client && has_others(query, text) && text_handles_secrets_unsafe(text)))
        found_secret(text);
    else if (from_client)
        found_harmless(text);
}

// pg_stat_statements takes the text while planning, too.
PlannedStmt *plan(Query *query, const char *text, int options, ParamListInfo params) {
    if (text != nullptr && is_secret_text(text)) {
        found_secret(text);
        text = masked_copy(text, CurrentMemoryContext);
    }
    return next_planner != nullptr ? next_planner(query, text, options, params)
                                   : standard_planner(query, text, options, params);
}

// Whoever takes the text from here on, as pg_stat_statements, auto_explain and parallel workers do,
// gets the masked one.
void start(QueryDesc *query, int flags) {
    if (query->sourceText != nullptr && is_secret_text(query->sourceText)) {
        found_secret(query->sourceText);
        if (!is_masked(query->sourceText))
            query->sourceText = masked_copy(query->sourceText, GetMemoryChunkContext(query));
    }
    if (next_start != nullptr)
        next_start(query, flags);
    else
        standard_ExecutorStart(query, flags);
}

// A portal is started once, and may be run by several messages, each of which shows its text again.
// What it takes besides differs between versions of the server.
template <class... Rest>
void run(QueryDesc *query, Rest... rest) {
    if (query->sourceText != nullptr && is_masked(query->sourceText))
        found_again();
    if (next_run != nullptr)
        next_run(query, rest...);
    else
        standard_ExecutorRun(query, rest...);
}

// Commands that run something, rather than define it.
bool runs(const Node *statement) {
    switch (nodeTag(statement)) {
    case T_PrepareStmt:
    case T_ExecuteStmt:
    case T_DoStmt:
    case T_CallStmt:
    case T_CopyStmt:
    case T_ExplainStmt:
    case T_DeclareCursorStmt:
    case T_CreateTableAsStmt:
    case T_RefreshMatViewStmt:
    case T_AlterTableStmt:
    case T_IndexStmt:
        return true;
    default:
        return false;
    }
}

void utility(PlannedStmt *statement, const char *text, bool read_only, ProcessUtilityContext context,
             ParamListInfo params, QueryEnvironment *environment, DestReceiver *destination,
             QueryCompletion *completion) {
    if (text != nullptr && runs(statement->utilityStmt) && is_secret_text(text)) {
        found_secret(text);
        text = masked_copy(text, CurrentMemoryContext);
    }
    if (next_utility != nullptr)
        next_utility(statement, text, read_only, context, params, environment, destination,
                     completion);
    else
        standard_ProcessUtility(statement, text, read_only, context, params, environment,
                                destination, completion);
}

// The message of the fast path calls a function without any statement.
void use(ObjectAccessType access, Oid catalog, Oid object, int part, void *argument) {
    if (access == OAT_FUNCTION_EXECUTE && debug_query_string == nullptr &&
        function_handles_secrets_unsafe(object))
        found_secret_call();
    if (next_access != nullptr)
        next_access(access, catalog, object, part, argument);
}

// A statement that failed before it was analysed stays in pg_stat_activity, also when its error is not logged.
void end(XactEvent event, void *) {
    if (event == XACT_EVENT_ABORT)
        hide_unknown_activity();
    if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT)
        forget_secret_call();
}

void log(ErrorData *line) {
    redact_log_line(line);
    if (next_log != nullptr)
        next_log(line);
}

template <class Hook>
void install(Hook &hook, Hook &next, Hook own) {
    next = hook;
    hook = own;
}

void install_all() {
    install<post_parse_analyze_hook_type>(post_parse_analyze_hook, next_analyze, analyze);
    install<planner_hook_type>(planner_hook, next_planner, plan);
    install<object_access_hook_type>(object_access_hook, next_access, use);
    install<ExecutorStart_hook_type>(ExecutorStart_hook, next_start, start);
    install<ExecutorRun_hook_type>(ExecutorRun_hook, next_run, run);
    install<ProcessUtility_hook_type>(ProcessUtility_hook, next_utility, utility);
    install<emit_log_hook_type>(emit_log_hook, next_log, log);
}

// Runs again when the server restarts its processes after a crash.
void startup() {
    if (next_startup != nullptr)
        next_startup();
    static bool installed = false;
    if (!installed)
        install_all();
    installed = true;
}

} // namespace

void initialise() {
    watch_catalog();
    initialise_log();
    RegisterXactCallback(end, nullptr);
    preloaded = process_shared_preload_libraries_in_progress;
    if (preloaded)
        install<shmem_startup_hook_type>(shmem_startup_hook, next_startup, startup);
    else
        install_all();
}

bool is_preloaded() noexcept { return preloaded; }

} // namespace saas::redaction
