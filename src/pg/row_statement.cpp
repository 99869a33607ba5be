// SPDX-License-Identifier: PostgreSQL
#include "pg/row_statement.hpp"

#include "pg/key_watch.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h"       // CommandCounterIncrement
#include "executor/executor.h" // ExecutorStart
#include "nodes/params.h"      // makeParamList
#include "utils/plancache.h"   // GetCachedPlan
#include "utils/resowner.h"    // CurrentResourceOwner
#include "utils/snapmgr.h"     // PushActiveSnapshot
}

namespace saas::pg {
namespace {

// The server's DestReceiver has no other way to its data than to be their beginning.
struct receiver {
    DestReceiver server;
    const row_statement *work;
    key_watch *keys;
};

bool receive_row(TupleTableSlot *row, DestReceiver *self) {
    auto *to = reinterpret_cast<receiver *>(self);
    if (to->keys != nullptr)
        note_keys(to->keys, row);
    if (to->work->take != nullptr)
        to->work->take(to->work->argument, row);
    return true;
}

void receive_nothing(DestReceiver *) {}

void begin_receiving(DestReceiver *, int, TupleDesc) {}

ParamListInfo make_parameters(const row_statement &work) {
    ParamListInfo list = makeParamList(work.parameters);
    for (int i = 0; i < work.parameters; ++i) {
        ParamExternData *parameter = &list->params[i];
        parameter->value = work.values[i];
        parameter->isnull = work.nulls[i] == 'n';
        parameter->pflags = PARAM_FLAG_CONST;
        parameter->ptype = work.types[i];
    }
    return list;
}

PlannedStmt *only_statement(CachedPlan *plan) {
    auto *statement = linitial_node(PlannedStmt, plan->stmt_list);
    if (list_length(plan->stmt_list) != 1 || (statement->commandType != CMD_DELETE && statement->commandType != CMD_INSERT))
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("a statement is another one, by a rule of its table")));
    return statement;
}

// The keys that are looked after together; nullptr when the statement is not of one plain table.
key_watch *watch_target(PlanState *top) {
    if (!IsA(top, ModifyTableState))
        return nullptr;
    auto *state = reinterpret_cast<ModifyTableState *>(top);
    auto *node = reinterpret_cast<ModifyTable *>(top->plan);
    if (state->mt_nrels != 1 || node->returningLists == NIL)
        return nullptr;
    return watch_keys(&state->resultRelInfo[0], state->operation, linitial_node(List, node->returningLists));
}

void run(QueryDesc *query, std::uint64_t most) {
#if PG_VERSION_NUM >= 180000
    ExecutorRun(query, ForwardScanDirection, most);
#else
    ExecutorRun(query, ForwardScanDirection, most, true);
#endif
}

} // namespace

std::uint64_t run_row_statement(const row_statement &work) {
    List *sources = SPI_plan_get_plan_sources(work.plan);
    auto *source = static_cast<CachedPlanSource *>(linitial(sources));
    ParamListInfo parameters = make_parameters(work);
    CachedPlan *plan = GetCachedPlan(source, parameters, CurrentResourceOwner, nullptr);
    PlannedStmt *statement = only_statement(plan);
    CommandCounterIncrement();
    PushActiveSnapshot(GetTransactionSnapshot());
    receiver to{{receive_row, begin_receiving, receive_nothing, receive_nothing, DestNone}, &work, nullptr};
    QueryDesc *query = CreateQueryDesc(statement, source->query_string, GetActiveSnapshot(), InvalidSnapshot, &to.server,
                                       parameters, nullptr, 0);
    ExecutorStart(query, 0);
    to.keys = watch_target(query->planstate);
    run(query, work.most);
    const std::uint64_t rows = query->estate->es_processed;
    ExecutorFinish(query);
    ExecutorEnd(query);
    FreeQueryDesc(query);
    PopActiveSnapshot();
    ReleaseCachedPlan(plan, CurrentResourceOwner);
    if (to.keys != nullptr)
        check_keys(to.keys);
    return rows;
}

} // namespace saas::pg
