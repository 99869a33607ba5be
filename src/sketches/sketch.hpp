// SPDX-License-Identifier: PostgreSQL
// Sketches as values of the server.
//
// A sketch is a varlena in one of two forms. Finished: the bytes that core writes and checks; this
// is what tables hold. Under construction: kind (a lower-case letter), three zero bytes, and core's
// block, aligned to 8. Aggregates change the latter in place, in the memory of the aggregate, which
// the server allows to transition functions; when the block is too small they return a larger copy.
// So the state is one flat value of a real SQL type: it travels between parallel workers and
// between nodes as it is, costs one allocation a group, and needs no memory context of its own.
//
// All functions here work on plain data only, and may ereport.
#pragma once

#include "core/sketch/bytes.hpp"
#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "lib/stringinfo.h"
#include "utils/memutils.h" // MaxAllocSize
}

namespace saas::sketches {

using core::sketch::bytes;

inline constexpr Size k_prefix = core::sketch::k_block_prefix;

constexpr char building(char kind) {
    return static_cast<char>(kind + ('a' - 'A'));
}

// Throws 54000: a state would exceed what a value may have.
[[noreturn]] void too_large();

// Room for a block under construction, zeroed, in the current memory context. Throws 54000 beyond 1
// GB.
template <class Sketch>
void *allocate_block(std::size_t size) {
    if (size > MaxAllocSize - k_prefix)
        too_large();
    auto *value = static_cast<char *>(palloc0(size + k_prefix));
    SET_VARSIZE(value, size + k_prefix);
    value[VARHDRSZ] = building(Sketch::kind);
    return value + k_prefix;
}

template <class State>
Datum datum_of(State *state) {
    return PointerGetDatum(reinterpret_cast<char *>(state) - k_prefix);
}

// The bytes of a value, detoasted; unaligned.
inline bytes payload_of(Datum value) {
    auto *plain = PG_DETOAST_DATUM_PACKED(value);
    return {reinterpret_cast<const std::uint8_t *>(VARDATA_ANY(plain)),
            static_cast<std::size_t>(VARSIZE_ANY_EXHDR(plain))};
}

template <class Sketch>
bool is_building(bytes payload) {
    return payload.size() > k_prefix - VARHDRSZ && payload[0] == building(Sketch::kind);
}

// The block of a payload under construction: where it is, or a copy that is aligned.
template <class Sketch>
typename Sketch::state *block_of(bytes payload) {
    auto *block = const_cast<std::uint8_t *>(payload.data()) + (k_prefix - VARHDRSZ);
    if (reinterpret_cast<std::uintptr_t>(block) % MAXIMUM_ALIGNOF == 0)
        return reinterpret_cast<typename Sketch::state *>(block);
    const Size size = payload.size() - (k_prefix - VARHDRSZ);
    void *copy = allocate_block<Sketch>(size);
    std::memcpy(copy, block, size);
    return static_cast<typename Sketch::state *>(copy);
}

// A finished sketch as a value.
inline Datum finished(bytes sketch) {
    auto *value = static_cast<bytea *>(palloc(sketch.size() + VARHDRSZ));
    SET_VARSIZE(value, sketch.size() + VARHDRSZ);
    std::memcpy(VARDATA(value), sketch.data(), sketch.size());
    return PointerGetDatum(value);
}

template <class State>
Datum finish(const State &state) {
    auto *value = static_cast<bytea *>(palloc(most_bytes(state) + VARHDRSZ));
    const Size size = encode(state, reinterpret_cast<std::uint8_t *>(VARDATA(value)));
    SET_VARSIZE(value, size + VARHDRSZ);
    return PointerGetDatum(value);
}

// Ends the construction: a sketch that has something to do then has a finish() of its own.
template <class Sketch>
Datum seal(const typename Sketch::state &state) {
    if constexpr (requires { Sketch::finish(state); })
        return Sketch::finish(state);
    else
        return finish(state);
}

// The bytes of a sketch in its finished form, whatever form the value has.
template <class Sketch>
bytes finished_bytes(Datum value) {
    const bytes payload = payload_of(value);
    return is_building<Sketch>(payload) ? payload_of(finish(*block_of<Sketch>(payload))) : payload;
}

// Throws 0A000 unless an aggregate calls: only then may an argument be changed in place.
void require_aggregate(FunctionCallInfo fcinfo);

template <class State, class Sketch>
State *merge_value(State *state, Datum value) {
    const bytes payload = payload_of(value);
    return is_building<Sketch>(payload)
               ? merge(state, *block_of<Sketch>(payload), allocate_block<Sketch>)
               : merge(state, payload, allocate_block<Sketch>);
}

// The state that an aggregate's first argument is, to be changed in place; a new one if it is NULL.
template <class Sketch>
typename Sketch::state *own_state(FunctionCallInfo fcinfo) {
    using state = typename Sketch::state;
    require_aggregate(fcinfo);
    if (PG_ARGISNULL(0))
        return Sketch::make(allocate_block<Sketch>);
    const Datum value = PG_GETARG_DATUM(0);
    const auto *header = reinterpret_cast<const struct varlena *>(DatumGetPointer(value));
    if (VARATT_IS_4B_U(header) && VARDATA(header)[0] == building(Sketch::kind))
        return reinterpret_cast<state *>(DatumGetPointer(value) + k_prefix);
    return merge_value<state, Sketch>(Sketch::make(allocate_block<Sketch>), value);
}

// A NULL argument leaves the state as it is.
inline Datum unchanged(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    return PG_GETARG_DATUM(0);
}

// Entry points that every sketch has.

// (cstring) -> sketch: \x and hexadecimal digits
template <class Sketch>
Datum input(FunctionCallInfo fcinfo);
// (sketch) -> cstring
template <class Sketch>
Datum output(FunctionCallInfo fcinfo);
// (internal) -> sketch
template <class Sketch>
Datum receive(FunctionCallInfo fcinfo);
// (sketch) -> bytea
template <class Sketch>
Datum send(FunctionCallInfo fcinfo);

// (state, sketch or state) -> state: transition of merge(), and combine function of all aggregates
template <class Sketch>
Datum merge_state(FunctionCallInfo fcinfo) {
    require_aggregate(fcinfo);
    if (PG_ARGISNULL(1))
        return unchanged(fcinfo);
    if (PG_ARGISNULL(0))
        return PG_GETARG_DATUM(1); // the server copies it
    using state = typename Sketch::state;
    return datum_of(merge_value<state, Sketch>(own_state<Sketch>(fcinfo), PG_GETARG_DATUM(1)));
}

// (sketch, sketch) -> sketch: one of them may be NULL
template <class Sketch>
Datum merge_two(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
        PG_RETURN_NULL();
    using state = typename Sketch::state;
    state *both = Sketch::make(allocate_block<Sketch>);
    for (int i = 0; i < 2; ++i) {
        if (!PG_ARGISNULL(i))
            both = merge_value<state, Sketch>(both, PG_GETARG_DATUM(i));
    }
    return seal<Sketch>(*both);
}

// (state) -> sketch
template <class Sketch>
Datum finish_state(FunctionCallInfo fcinfo) {
    const bytes payload = payload_of(PG_GETARG_DATUM(0));
    return is_building<Sketch>(payload) ? seal<Sketch>(*block_of<Sketch>(payload))
                                        : finished(payload);
}

// The bytes behind \x; 22P02 when the text is something else. `check` is core's, for these bytes.
bytes parse_text(const char *text, void (*check)(bytes));
char *format_text(bytes sketch);
// What is left in the message; 22P03 when that is no sketch.
bytes parse_message(StringInfo message, void (*check)(bytes));

template <class Sketch>
Datum input(FunctionCallInfo fcinfo) {
    return finished(parse_text(PG_GETARG_CSTRING(0), Sketch::check));
}
template <class Sketch>
Datum output(FunctionCallInfo fcinfo) {
    return CStringGetDatum(format_text(finished_bytes<Sketch>(PG_GETARG_DATUM(0))));
}
template <class Sketch>
Datum receive(FunctionCallInfo fcinfo) {
    auto *message = reinterpret_cast<StringInfo>(PG_GETARG_POINTER(0));
    return finished(parse_message(message, Sketch::check));
}
template <class Sketch>
Datum send(FunctionCallInfo fcinfo) {
    return finished(finished_bytes<Sketch>(PG_GETARG_DATUM(0)));
}

} // namespace saas::sketches

// The entry points that every sketch has: saas_<name>_in, _out, _recv, _send, _merge_state, _merge,
// _final.
#define SAAS_SKETCH_FUNCTIONS(name, type)                                                          \
    SAAS_FUNCTION(saas_##name##_in) {                                                              \
        return ::saas::sketches::input<type>(fcinfo);                                              \
    }                                                                                              \
    SAAS_FUNCTION(saas_##name##_out) {                                                             \
        return ::saas::sketches::output<type>(fcinfo);                                             \
    }                                                                                              \
    SAAS_FUNCTION(saas_##name##_recv) {                                                            \
        return ::saas::sketches::receive<type>(fcinfo);                                            \
    }                                                                                              \
    SAAS_FUNCTION(saas_##name##_send) {                                                            \
        return ::saas::sketches::send<type>(fcinfo);                                               \
    }                                                                                              \
    SAAS_FUNCTION(saas_##name##_merge_state) {                                                     \
        return ::saas::sketches::merge_state<type>(fcinfo);                                        \
    }                                                                                              \
    SAAS_FUNCTION(saas_##name##_merge) {                                                           \
        return ::saas::sketches::merge_two<type>(fcinfo);                                          \
    }                                                                                              \
    SAAS_FUNCTION(saas_##name##_final) {                                                           \
        return ::saas::sketches::finish_state<type>(fcinfo);                                       \
    }                                                                                              \
    static_assert(true)
