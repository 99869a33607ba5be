// SPDX-License-Identifier: PostgreSQL
// Aggregates over histories: movements of revenue, and sessions.
#include "core/metrics/movements.hpp"
#include "core/metrics/sessions.hpp"
#include "pg/boundary.hpp"
#include "pg/tuple.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "executor/executor.h" // GetAttributeByNum
#include "utils/array.h"
#include "utils/memutils.h" // MaxAllocSize
#include "utils/timestamp.h"
#include "utils/uuid.h"
}

using namespace saas; // NOLINT: entry points only
namespace metrics = core::metrics;

namespace {

// The state of an aggregate: one flat value of type bytea, so that it travels between workers and nodes as
// it is. It grows in place, which the server allows to transition functions, or into a larger copy.
template <class Head, class Item, std::uint32_t k_kind>
struct flat {
    char length[4]; // of a varlena
    std::uint32_t kind;
    std::uint64_t count;
    Head head;
    Item items[1];

    static constexpr Size k_before = offsetof(flat, items);

    [[nodiscard]] std::uint64_t room() const { return (VARSIZE(this) - k_before) / sizeof(Item); }

    // Room for so many items, zeroed, in the current memory context. May ereport.
    static flat *make(std::uint64_t room) {
        if (room > (MaxAllocSize - k_before) / sizeof(Item))
            throw core::error{core::sqlstate{"54000"}, "the state of the aggregate is too large", {},
                              "Look at a shorter time."};
        const Size size = k_before + static_cast<Size>(room) * sizeof(Item);
        auto *state = static_cast<flat *>(palloc0(size));
        SET_VARSIZE(state, size);
        state->kind = k_kind;
        return state;
    }

    // The argument: where it is in an aggregate, or an aligned copy. May ereport.
    static flat *of(FunctionCallInfo fcinfo, int argument) {
        if (AggCheckCallContext(fcinfo, nullptr) == 0)
            throw core::error{core::k_feature_not_supported, "only aggregates call this function"};
        auto *state = reinterpret_cast<flat *>(PG_GETARG_BYTEA_P(argument));
        if (VARSIZE(state) < k_before || state->kind != k_kind || state->count > state->room())
            throw core::error{core::k_invalid_parameter_value,
                              "this is no state of the aggregate"};
        return state;
    }

    // May ereport.
    [[nodiscard]] flat *with_room_for(std::uint64_t more) {
        if (count + more <= room())
            return this;
        flat *larger = make(std::max(count + more, 2 * room()));
        larger->count = count;
        larger->head = head;
        std::memcpy(static_cast<void *>(larger->items), items, count * sizeof(Item));
        return larger;
    }
};

struct nothing {};
using revenue_list = flat<nothing, metrics::revenue_state, 0x52535431>;

struct session_head {
    metrics::session_counter counter;
    pg_uuid_t first;  // person
    pg_uuid_t person; // the last
};
using session_list = flat<session_head, std::int64_t, 0x53534e31>;

// The state that a transition got, with room for one item more, or a new one.
template <class State>
State *own_state(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(0)) {
        if (AggCheckCallContext(fcinfo, nullptr) == 0)
            throw core::error{core::k_feature_not_supported, "only aggregates call this function"};
        return State::make(4);
    }
    return State::of(fcinfo, 0)->with_room_for(1);
}

// One state of two, either of which may be missing; nothing when the caller shall answer with that.
template <class State>
std::optional<Datum> only_state(FunctionCallInfo fcinfo) {
    for (const int other : {1, 0}) {
        if (PG_ARGISNULL(other))
            return PG_ARGISNULL(1 - other) ? Datum{0}
                                           : PointerGetDatum(State::of(fcinfo, 1 - other));
    }
    return std::nullopt;
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

int order_of(const pg_uuid_t &a, const pg_uuid_t &b) {
    return std::memcmp(a.data, b.data, UUID_LEN);
}

Datum int8_array(Datum *values, int count, Oid type) {
    return pg::call([&] {
        return PointerGetDatum(construct_array(values, count, type, sizeof(std::int64_t),
                                               FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
    });
}

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
    bool missing[3];
    pg::call([&] {
        for (int i = 0; i < 3; ++i)
            columns[i] = GetAttributeByNum(row, static_cast<AttrNumber>(i + 1), &missing[i]);
    });
    if (missing[0] || missing[1] || missing[2])
        throw core::error{core::sqlstate{"22004"}, "a part of the changes of revenue is NULL"};
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

void keep(session_list &state, std::optional<std::int64_t> ended) {
    if (ended)
        state.items[state.count++] = *ended;
}

} // namespace

// (state, subscription, revision, start, mrr, end of discount, mrr without it) -> state
SAAS_FUNCTION(saas_revenue_steps_add) {
    auto *all = own_state<revenue_list>(fcinfo);
    require_values(fcinfo, {1, 2, 3, 4, 6});
    metrics::revenue_state state{};
    std::memcpy(state.subscription.data(), PG_GETARG_UUID_P(1)->data, UUID_LEN);
    state.revision = PG_GETARG_INT32(2);
    state.starts_at = finite_time(fcinfo, 3);
    state.mrr = PG_GETARG_INT64(4);
    state.discount_ends = PG_ARGISNULL(5) ? 0 : 1;
    if (!PG_ARGISNULL(5))
        state.discount_ends_at = finite_time(fcinfo, 5);
    state.mrr_without_discount = PG_GETARG_INT64(6);
    all->items[all->count++] = state;
    PG_RETURN_POINTER(all);
}

// (state, state) -> state
SAAS_FUNCTION(saas_revenue_steps_combine) {
    if (const auto only = only_state<revenue_list>(fcinfo)) {
        fcinfo->isnull = *only == 0;
        return *only;
    }
    const auto *more = revenue_list::of(fcinfo, 1);
    auto *all = revenue_list::of(fcinfo, 0)->with_room_for(more->count);
    std::memcpy(static_cast<void *>(all->items + all->count), more->items,
                more->count * sizeof(metrics::revenue_state));
    all->count += more->count;
    PG_RETURN_POINTER(all);
}

// (state) -> (times, amounts, sums)
SAAS_FUNCTION(saas_revenue_steps_final) {
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    auto *all = revenue_list::of(fcinfo, 0);
    const auto found = metrics::movements_of({all->items, static_cast<std::size_t>(all->count)},
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
    auto *state = own_state<session_list>(fcinfo);
    require_values(fcinfo, {1, 2, 3});
    const pg_uuid_t *person = PG_GETARG_UUID_P(1);
    const TimestampTz at = finite_time(fcinfo, 2);
    const std::int64_t gap = PG_GETARG_INT64(3);
    if (gap <= 0)
        throw core::error{core::k_invalid_parameter_value,
                          "the gap between sessions is longer than nothing"};
    const bool first = state->head.counter.events == 0;
    const int order = first ? 1 : order_of(*person, state->head.person);
    // Otherwise a person could be counted twice.
    if (order < 0)
        throw core::error{core::k_invalid_parameter_value,
                          "events of sessions are in the order of persons"};
    keep(*state, metrics::next_event(state->head.counter, order != 0, at, gap));
    if (first)
        state->head.first = *person;
    state->head.person = *person;
    PG_RETURN_POINTER(state);
}

// (state, state) -> state
SAAS_FUNCTION(saas_session_totals_combine) {
    if (const auto only = only_state<session_list>(fcinfo)) {
        fcinfo->isnull = *only == 0;
        return *only;
    }
    const auto *more = session_list::of(fcinfo, 1);
    auto *all = session_list::of(fcinfo, 0)->with_room_for(more->count + 2);
    // Sessions of a person whose events are in both parts could not be told.
    if (order_of(all->head.person, more->head.first) >= 0 &&
        order_of(more->head.person, all->head.first) >= 0)
        throw core::error{core::k_feature_not_supported,
                          "parts of sessions are of different persons", {},
                          "Distribute events by person, or count them in one place."};
    metrics::session_counter rest = more->head.counter;
    keep(*all, metrics::end_of_events(all->head.counter));
    std::memcpy(all->items + all->count, more->items, more->count * sizeof(std::int64_t));
    all->count += more->count;
    keep(*all, metrics::end_of_events(rest));
    metrics::session_counter &sum = all->head.counter;
    sum.users += rest.users;
    sum.sessions += rest.sessions;
    sum.events += rest.events;
    sum.single += rest.single;
    all->head.first = std::min(all->head.first, more->head.first, [](const auto &a, const auto &b) {
        return order_of(a, b) < 0;
    });
    all->head.person = std::max(all->head.person, more->head.person,
                                [](const auto &a, const auto &b) { return order_of(a, b) < 0; });
    PG_RETURN_POINTER(all);
}

// (state) -> (sessions, users, events, single, median_seconds)
SAAS_FUNCTION(saas_session_totals_final) {
    auto *state = PG_ARGISNULL(0) ? session_list::make(0)
                                  : session_list::of(fcinfo, 0)->with_room_for(1);
    metrics::session_counter counter = state->head.counter;
    keep(*state, metrics::end_of_events(counter));
    const auto median = metrics::median_of({state->items, static_cast<std::size_t>(state->count)});
    pg::tuple answer{fcinfo, 5};
    answer.set(0, Int64GetDatum(counter.sessions));
    answer.set(1, Int64GetDatum(counter.users));
    answer.set(2, Int64GetDatum(counter.events));
    answer.set(3, Int64GetDatum(counter.single));
    if (median)
        answer.set(4, Float8GetDatum(*median / 1e6));
    return answer.datum();
}
