// SPDX-License-Identifier: PostgreSQL
#include "state_machine/registry.hpp"

#include "core/error.hpp"
#include "pg/boundary.hpp"
#include "pg/package.hpp"
#include "pg/spi.hpp"
#include "pg/watched_table.hpp"

#include <map>
#include <memory>
#include <string>

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h"         // IsInParallelMode
#include "catalog/pg_type.h"     // TEXTOID
#include "executor/spi.h"        // SPI_*
#include "utils/builtins.h"      // CStringGetTextDatum
#include "utils/memutils.h"      // MemoryContextStrdup
#include "utils/snapmgr.h"       // GetLatestSnapshot
}

namespace saas::state_machine {
namespace {

constexpr core::sqlstate k_undefined_object{"42704"};

// Rows as plain data.
struct raw_edge {
    const char *from; // null for an initial state
    const char *to;
};
struct raw_edges {
    raw_edge *items;
    std::uint64_t count;
};

struct entry {
    std::uint64_t generation; // of the table when its rows were read
    bool provisional;         // read with a snapshot that may be older than the last commit
    std::unique_ptr<core::state_machine> machine;
};

struct cache {
    std::map<std::string, entry, std::less<>> machines;
};
cache &known() {
    static cache value;
    return value;
}

constinit pg::watched_table transitions{"state_transitions"};

// Reads the rows of one machine. Operators are named with their schema, since search_path is the
// caller's. In a parallel query there is no newer snapshot to be had than the query's own.
raw_edges query_unsafe(const char *name, MemoryContext target) {
    static const char *const statement =
        "SELECT t.from_state, t.to_state FROM saas.state_transitions AS t "
        "WHERE t.machine OPERATOR(pg_catalog.=) $1 ORDER BY t.ordinal";
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "SPI_connect failed");
    Oid type = TEXTOID;
    SPIPlanPtr plan = SPI_prepare(statement, 1, &type);
    if (plan == nullptr)
        elog(ERROR, "SPI_prepare: %s", SPI_result_code_string(SPI_result));
    Datum value = CStringGetTextDatum(name);
    Snapshot snapshot = IsInParallelMode() ? GetActiveSnapshot() : GetLatestSnapshot();
    int code =
        SPI_execute_snapshot(plan, &value, nullptr, snapshot, InvalidSnapshot, true, false, 0);
    if (code != SPI_OK_SELECT)
        elog(ERROR, "SPI_execute_snapshot: %s", SPI_result_code_string(code));
    raw_edges edges{nullptr, SPI_processed};
    edges.items =
        static_cast<raw_edge *>(MemoryContextAlloc(target, sizeof(raw_edge) * (SPI_processed + 1)));
    for (std::uint64_t i = 0; i < edges.count; ++i) {
        char *from = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
        char *to = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2);
        edges.items[i] = {from == nullptr ? nullptr : MemoryContextStrdup(target, from),
                          MemoryContextStrdup(target, to == nullptr ? "" : to)};
    }
    SPI_finish();
    return edges;
}

// As saas_internal, so that the rights of the caller do not matter. Not as the table's owner: that
// may be a superuser, and by the time the statement is read the name may stand for a view of
// somebody else's.
raw_edges query_as_unsafe(Oid reader, const char *name, MemoryContext target) {
    Oid user = InvalidOid;
    int security = 0;
    raw_edges edges{nullptr, 0};
    GetUserIdAndSecContext(&user, &security);
    SetUserIdAndSecContext(reader,
                           security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
    PG_TRY();
    { edges = query_unsafe(name, target); }
    PG_FINALLY();
    { SetUserIdAndSecContext(user, security); }
    PG_END_TRY();
    return edges;
}

std::unique_ptr<core::state_machine> load(const std::string &name) {
    Oid reader = pg::internal_role_id();
    raw_edges raw = pg::call([&] {
        return query_as_unsafe(reader, name.c_str(), CurrentMemoryContext);
    });
    if (raw.count == 0)
        throw core::error{k_undefined_object,
                          "there is no state machine \"" + name + "\"",
                          {},
                          "Machines are the rows of saas.state_transitions."};
    std::vector<core::state_edge> edges;
    edges.reserve(raw.count);
    for (std::uint64_t i = 0; i < raw.count; ++i)
        edges.push_back({raw.items[i].from == nullptr ? "" : raw.items[i].from, raw.items[i].to});
    return std::make_unique<core::state_machine>(edges);
}

} // namespace

const core::state_machine &machine_of(std::string_view name) {
    auto &machines = known().machines;
    auto found = machines.find(name);
    if (found != machines.end() && found->second.generation == transitions.generation() &&
        (!found->second.provisional || IsInParallelMode()))
        return *found->second.machine;
    std::string key{name};
    if (!transitions.find())
        pg::refuse_not_deployed();
    std::uint64_t before = transitions.generation();
    bool provisional = IsInParallelMode();
    std::unique_ptr<core::state_machine> loaded = load(key);
    entry &e = machines[key];
    e = {before, provisional, std::move(loaded)};
    return *e.machine;
}

void initialise() {
    transitions.watch();
}

} // namespace saas::state_machine
