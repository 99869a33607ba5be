// SPDX-License-Identifier: PostgreSQL
// Aggregates over histories: movements of revenue, and sessions.
#include "core/metrics/movements.hpp"
#include "core/metrics/sessions.hpp"
#include "pg/boundary.hpp"
#include "pg/tuple.hpp"

#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "executor/executor.h" // GetAttributeByNum
#include "utils/array.h"
#include "utils/memutils.h" // MaxAllocHugeSize
#include "utils/timestamp.h"
#include "utils/uuid.h"
}

using namespace saas; // NOLINT: entry points only
namespace metrics = core::metrics;

namespace {

// A list that grows, in the memory of the aggregate.
template <class Item>
struct list {
    Item *items;
    std::size_t count;
    std::size_t room;
};

// May ereport.
template <class Item>
void append(list<Item> &all, const Item &item, MemoryContext context) {
    if (all.count == all.room) {
        const std::size_t room = all.room == 0 ? 4 : all.room * 2;
        all.items = static_cast<Item *>(
            all.items == nullptr ? MemoryContextAllocHuge(context, room * sizeof(Item))
                                 : repalloc_huge(all.items, room * sizeof(Item)));
        all.room = room;
    }
    all.items[all.count++] = item;
}

// The state that a transition got, or a new one; `context` is the memory of the aggregate.
template <class State>
State *own_state(FunctionCallInfo fcinfo, MemoryContext &context) {
    if (AggCheckCallContext(fcinfo, &context) == 0)
        throw core::error{core::k_feature_not_supported, "only aggregates call this function"};
    if (!PG_ARGISNULL(0))
        return reinterpret_cast<State *>(PG_GETARG_POINTER(0));
    return static_cast<State *>(MemoryContextAllocZero(context, sizeof(State)));
}

void require_values(FunctionCallInfo fcinfo, std::initializer_list<int> arguments) {
    for (const int argument : arguments) {
        if (PG_ARGISNULL(argument))
            throw core::error{core::sqlstate{"22004"}, "a term of the aggregate is NULL"};
    }
}

TimestampTz finite_time(FunctionCallInfo fcinfo, int argument) {
    const TimestampTz at = PG_GETARG_TIMESTAMPTZ(argument);
    if (TIMESTAMP_NOT_FINITE(at))
        throw core::error{core::k_invalid_parameter_value, "times of the aggregate are finite"};
    return at;
}

Datum int8_array(Datum *values, int count, Oid type) {
    return pg::call([&] {
        return PointerGetDatum(construct_array(values, count, type, sizeof(std::int64_t),
                                               FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
    });
}

using movement_list = list<metrics::revenue_state>;

// The elements of an array of eight-byte values, where they are; 22004 for NULL among them.
std::span<const std::int64_t> elements(Datum array, const char *what) {
    auto *values = pg::call([&] { return DatumGetArrayTypeP(array); });
    if (ARR_HASNULL(values))
        throw core::error{core::sqlstate{"22004"}, std::string{"NULL among the "} + what};
    if (ARR_NDIM(values) > 1)
        throw core::error{core::k_invalid_parameter_value, "the array has one dimension"};
    return {reinterpret_cast<const std::int64_t *>(ARR_DATA_PTR(values)),
            static_cast<std::size_t>(ArrayGetNItems(ARR_NDIM(values), ARR_DIMS(values)))};
}

// The steps that saas.revenue_steps_of() returned.
std::vector<metrics::movement> steps_of(HeapTupleHeader row) {
    Datum columns[3];
    Datum *first = columns;
    pg::call([&] {
        for (int i = 0; i < 3; ++i) {
            bool missing = false;
            first[i] = GetAttributeByNum(row, static_cast<AttrNumber>(i + 1), &missing);
            if (missing)
                ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                        errmsg("a part of the changes of revenue is NULL"));
        }
    });
    const auto times = elements(columns[0], "times");
    const auto amounts = elements(columns[1], "amounts");
    const auto sums = elements(columns[2], "sums");
    if (times.size() != amounts.size() || times.size() != sums.size())
        throw core::error{core::k_invalid_parameter_value, "each change has a time and a sum"};
    std::vector<metrics::movement> steps;
    steps.reserve(times.size());
    for (std::size_t i = 0; i < times.size(); ++i)
        steps.push_back({times[i], amounts[i], sums[i]});
    return steps;
}

struct session_state {
    metrics::session_counter counter;
    list<std::int64_t> durations;
    pg_uuid_t person;
};

void keep(session_state &state, std::optional<std::int64_t> ended, MemoryContext context) {
    if (ended)
        append(state.durations, *ended, context);
}

} // namespace

// (state, subscription, revision, start, mrr, end of discount, mrr without it) -> state
SAAS_FUNCTION(saas_revenue_steps_add) {
    MemoryContext context = nullptr;
    auto *all = own_state<movement_list>(fcinfo, context);
    require_values(fcinfo, {1, 2, 3, 4, 6});
    metrics::revenue_state state{};
    std::memcpy(state.subscription.data(), PG_GETARG_UUID_P(1)->data, UUID_LEN);
    state.revision = PG_GETARG_INT32(2);
    state.starts_at = finite_time(fcinfo, 3);
    state.mrr = PG_GETARG_INT64(4);
    state.discount_ends = !PG_ARGISNULL(5);
    if (state.discount_ends)
        state.discount_ends_at = finite_time(fcinfo, 5);
    state.mrr_without_discount = PG_GETARG_INT64(6);
    append(*all, state, context);
    PG_RETURN_POINTER(all);
}

// (state) -> (times, amounts, sums)
SAAS_FUNCTION(saas_revenue_steps_final) {
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    auto *all = reinterpret_cast<movement_list *>(PG_GETARG_POINTER(0));
    const auto found = metrics::movements_of({all->items, all->count},
                                             core::cancel_poll{pg::stop_requested});
    std::vector<Datum> columns[3];
    for (const metrics::movement &one : found) {
        columns[0].push_back(TimestampTzGetDatum(one.at));
        columns[1].push_back(Int64GetDatum(one.amount));
        columns[2].push_back(Int64GetDatum(one.after));
    }
    pg::tuple answer{fcinfo, 3};
    for (int i = 0; i < 3; ++i)
        answer.set(i, int8_array(columns[i].data(), static_cast<int>(found.size()),
                                 i == 0 ? TIMESTAMPTZOID : INT8OID));
    return answer.datum();
}

// (steps, starts of months and the end of the last) -> ten numbers for each month with a change
SAAS_FUNCTION(saas_revenue_by_month) {
    const auto steps = steps_of(PG_GETARG_HEAPTUPLEHEADER(0));
    std::vector<Datum> numbers;
    for (const metrics::month_change &one :
         metrics::by_month(steps, elements(PG_GETARG_DATUM(1), "months"))) {
        for (const std::int64_t number :
             {one.month, one.cohort, one.start, one.new_mrr, one.expansion, one.contraction,
              one.churned, one.reactivation, one.churns, one.reactivations})
            numbers.push_back(Int64GetDatum(number));
    }
    return int8_array(numbers.data(), static_cast<int>(numbers.size()), INT8OID);
}

// (state, person, time, gap in microseconds) -> state
SAAS_FUNCTION(saas_session_totals_add) {
    MemoryContext context = nullptr;
    auto *state = own_state<session_state>(fcinfo, context);
    require_values(fcinfo, {1, 2, 3});
    const pg_uuid_t *person = PG_GETARG_UUID_P(1);
    const TimestampTz at = finite_time(fcinfo, 2);
    const std::int64_t gap = PG_GETARG_INT64(3);
    if (gap <= 0)
        throw core::error{core::k_invalid_parameter_value,
                          "the gap between sessions is longer than nothing"};
    const int order = state->counter.events == 0
                          ? 1
                          : std::memcmp(person->data, state->person.data, UUID_LEN);
    // Otherwise a person could be counted twice.
    if (order < 0)
        throw core::error{core::k_invalid_parameter_value,
                          "events of sessions are in the order of persons"};
    keep(*state, metrics::next_event(state->counter, order != 0, at, gap), context);
    state->person = *person;
    PG_RETURN_POINTER(state);
}

// (state) -> (sessions, users, events, single, median_seconds)
SAAS_FUNCTION(saas_session_totals_final) {
    MemoryContext context = nullptr;
    if (AggCheckCallContext(fcinfo, &context) == 0)
        throw core::error{core::k_feature_not_supported, "only aggregates call this function"};
    session_state none{};
    auto *state = PG_ARGISNULL(0) ? &none
                                  : reinterpret_cast<session_state *>(PG_GETARG_POINTER(0));
    keep(*state, metrics::end_of_events(state->counter), context);
    const auto median = metrics::median_of({state->durations.items, state->durations.count});
    pg::tuple answer{fcinfo, 5};
    answer.set(0, Int64GetDatum(state->counter.sessions));
    answer.set(1, Int64GetDatum(state->counter.users));
    answer.set(2, Int64GetDatum(state->counter.events));
    answer.set(3, Int64GetDatum(state->counter.single));
    if (median)
        answer.set(4, Float8GetDatum(*median / 1e6));
    return answer.datum();
}
