// SPDX-License-Identifier: PostgreSQL
// Questions about state machines, from SQL.
#include "core/error.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "state_machine/registry.hpp"
#include "state_machine/rules.hpp"

#include <limits>

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_form_tuple
#include "catalog/pg_type.h"     // TEXTOID
#include "funcapi.h"             // get_call_result_type
#include "utils/array.h"         // construct_array
#include "utils/builtins.h"      // cstring_to_text_with_len
#include "utils/timestamp.h"     // TimestampTz
}

using namespace saas; // NOLINT: entry points only
using core::state_snapshot;
using pg::text_view_unsafe;
using state_machine::machine_of;
using state_machine::source;
using machine_state = core::state_machine::state;

namespace {

machine_state known_state(const core::state_machine &machine, std::string_view name) {
    machine_state s = machine.find(name);
    if (s == core::state_machine::k_unknown)
        throw core::error{core::k_invalid_parameter_value,
                          "the state machine has no state \"" + std::string{name} + "\""};
    return s;
}

source known_source(std::string_view name) {
    auto who = state_machine::source_of(name);
    if (!who)
        throw core::error{core::k_invalid_parameter_value,
                          "the source of a state must be api, provider or conflict"};
    return *who;
}

// Arguments state, time, event from position `first` on. A row that no event has touched yet has
// neither time nor event: it precedes every snapshot of its component.
state_snapshot snapshot_at(FunctionCallInfo fcinfo, const core::state_machine &machine, int first,
                           std::string_view state, std::string_view event) {
    std::int64_t at = PG_ARGISNULL(first + 1) ? std::numeric_limits<std::int64_t>::min()
                                              : PG_GETARG_TIMESTAMPTZ(first + 1);
    return {known_state(machine, state), at, event};
}

std::string_view view_or_empty(FunctionCallInfo fcinfo, int argument) {
    return PG_ARGISNULL(argument) ? std::string_view{}
                                  : text_view_unsafe(PG_GETARG_DATUM(argument));
}

} // namespace

// (machine, state) -> (component, place)
SAAS_FUNCTION(saas_state_rank) {
    std::string_view name = text_view_unsafe(PG_GETARG_DATUM(0));
    std::string_view state = text_view_unsafe(PG_GETARG_DATUM(1));
    const core::state_machine &machine = machine_of(name);
    core::state_rank rank = machine.rank(known_state(machine, state));
    TupleDesc columns = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
        throw core::error{core::k_internal_error,
                          "saas.state_rank() is declared with another result"};
    Datum values[2] = {Int32GetDatum(rank.component), Int32GetDatum(rank.position)};
    bool nulls[2] = {false, false};
    return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls));
}

// (machine, from, to)
SAAS_FUNCTION(saas_state_reachable) {
    std::string_view name = text_view_unsafe(PG_GETARG_DATUM(0));
    std::string_view from = text_view_unsafe(PG_GETARG_DATUM(1));
    std::string_view to = text_view_unsafe(PG_GETARG_DATUM(2));
    const core::state_machine &machine = machine_of(name);
    PG_RETURN_BOOL(machine.reach(known_state(machine, from), known_state(machine, to)));
}

// (machine, from or NULL, to, source)
SAAS_FUNCTION(saas_state_allows) {
    if (PG_ARGISNULL(0) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
        PG_RETURN_NULL();
    std::string_view name = text_view_unsafe(PG_GETARG_DATUM(0));
    std::string_view from = view_or_empty(fcinfo, 1);
    std::string_view to = text_view_unsafe(PG_GETARG_DATUM(2));
    std::string_view who = text_view_unsafe(PG_GETARG_DATUM(3));
    const core::state_machine &machine = machine_of(name);
    machine_state start =
        PG_ARGISNULL(1) ? core::state_machine::k_unknown : known_state(machine, from);
    PG_RETURN_BOOL(
        state_machine::allowed(machine, start, known_state(machine, to), known_source(who)));
}

// (machine, from or NULL, source) -> text[]
SAAS_FUNCTION(saas_possible_states) {
    if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
        PG_RETURN_NULL();
    std::string_view name = text_view_unsafe(PG_GETARG_DATUM(0));
    std::string_view from = view_or_empty(fcinfo, 1);
    std::string_view who = text_view_unsafe(PG_GETARG_DATUM(2));
    const core::state_machine &machine = machine_of(name);
    machine_state start =
        PG_ARGISNULL(1) ? core::state_machine::k_unknown : known_state(machine, from);
    std::vector<machine_state> states = state_machine::possible(machine, start, known_source(who));
    return pg::call([&] {
        auto *items = static_cast<Datum *>(palloc(sizeof(Datum) * (states.size() + 1)));
        for (std::size_t i = 0; i < states.size(); ++i) {
            std::string_view item = machine.name(states[i]);
            items[i] = PointerGetDatum(
                cstring_to_text_with_len(item.data(), static_cast<int>(item.size())));
        }
        return PointerGetDatum(construct_array(items, static_cast<int>(states.size()), TEXTOID, -1,
                                               false, TYPALIGN_INT));
    });
}

// (machine, stored state, stored time, stored event, new state, new time, new event)
SAAS_FUNCTION(saas_snapshot_order) {
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(4))
        PG_RETURN_NULL();
    std::string_view name = text_view_unsafe(PG_GETARG_DATUM(0));
    std::string_view stored_state = text_view_unsafe(PG_GETARG_DATUM(1));
    std::string_view stored_event = view_or_empty(fcinfo, 3);
    std::string_view new_state = text_view_unsafe(PG_GETARG_DATUM(4));
    std::string_view new_event = view_or_empty(fcinfo, 6);
    const core::state_machine &machine = machine_of(name);
    state_snapshot stored = snapshot_at(fcinfo, machine, 1, stored_state, stored_event);
    state_snapshot offered = snapshot_at(fcinfo, machine, 4, new_state, new_event);
    auto order = core::compare(machine, offered, stored);
    int sign = order < 0 ? -1 : order > 0 ? 1 : 0;
    PG_RETURN_INT32(machine.comparable(stored.state, offered.state) ? sign : 2 * sign);
}

// (machine, state, states seen): has a snapshot been seen that contradicts the state?
SAAS_FUNCTION(saas_states_conflict) {
    std::string_view name = text_view_unsafe(PG_GETARG_DATUM(0));
    std::string_view state = text_view_unsafe(PG_GETARG_DATUM(1));
    std::vector<std::string> seen = pg::text_array(PG_GETARG_DATUM(2));
    const core::state_machine &machine = machine_of(name);
    machine_state held = known_state(machine, state);
    bool conflict = false;
    for (const std::string &other : seen)
        conflict = conflict || !machine.comparable(held, known_state(machine, other));
    PG_RETURN_BOOL(conflict);
}
