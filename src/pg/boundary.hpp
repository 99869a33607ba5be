// SPDX-License-Identifier: PostgreSQL
// The boundary between C++ exceptions and server errors.
//
// A C++ exception that leaves an entry point aborts the backend, and with it every session. A server
// ERROR is a longjmp that skips destructors. So every SQL function is a SAAS_FUNCTION, whose catch-all
// raises the server's error after all C++ objects are gone; and a server call made while C++ objects
// are alive goes through pg::call, which turns the ERROR into an exception.
//
//     SAAS_FUNCTION(saas_example) {
//         text *input = PG_GETARG_TEXT_PP(0);        // unpack: may ereport, plain data only
//         auto n = core::compute(pg::view(input));   // compute: may throw, no server call
//         PG_RETURN_INT64(n);                        // pack: may ereport, plain data only
//     }
#pragma once

#include "core/error.hpp"

#include <type_traits>
#include <utility>

#include "pg/prelude.hpp"

namespace saas::pg {

// A server ERROR on its way through C++ frames: the whole ErrorData, copied out of the error stack.
struct pg_error {
    ErrorData *data;
};

using function_body = Datum (*)(FunctionCallInfo);

// Runs the body of an SQL function; turns whatever it throws into ereport(ERROR) with SQLSTATE,
// message, detail and hint whole. std::bad_alloc is 53200, an unknown exception XX000, core::cancelled
// becomes the server's own cancellation.
Datum boundary(FunctionCallInfo fcinfo, function_body body);

// The same for hooks and callbacks, which have no fcinfo: body(argument).
void guarded(void (*body)(void *), void *argument);

// The poll that core's long loops take: true when the query is cancelled or the backend must end.
bool stop_requested();

namespace detail {
template <class Result>
struct slot {
    Result value{};
    template <class Body>
    void fill(Body &body) {
        value = body();
    }
    Result take() { return value; }
};
template <>
struct slot<void> {
    template <class Body>
    void fill(Body &body) {
        body();
    }
    void take() {}
};

// Puts the server's handlers back when a C++ exception leaves the body: the next ERROR would jump
// into a frame that is gone.
struct handlers {
    sigjmp_buf *exceptions = PG_exception_stack;
    ErrorContextCallback *contexts = error_context_stack;
    handlers() = default;
    handlers(const handlers &) = delete;
    handlers &operator=(const handlers &) = delete;
    ~handlers() {
        PG_exception_stack = exceptions;
        error_context_stack = contexts;
    }
};
} // namespace detail

// Calls the server from a frame in which C++ objects are alive: an ERROR inside `body` becomes a
// pg_error exception, so that every destructor above runs. The body itself must hold plain data only,
// since the longjmp skips what it owns; it may throw. Catching pg_error and going on is not allowed outside a
// subtransaction: the server's state is that of a failed statement.
template <class Body>
auto call(Body body) -> std::invoke_result_t<Body &> {
    using result = std::invoke_result_t<Body &>;
    static_assert(std::is_trivially_destructible_v<Body>, "captures are skipped by longjmp");
    static_assert(std::is_void_v<result> || std::is_trivially_copyable_v<result>);

    MemoryContext context = CurrentMemoryContext;
    ErrorData *volatile caught = nullptr;
    detail::slot<result> answer;
    const detail::handlers before;
    PG_TRY();
    {
        answer.fill(body);
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(context);
        caught = CopyErrorData();
        FlushErrorState();
    }
    PG_END_TRY();
    if (caught != nullptr)
        throw pg_error{caught};
    return answer.take();
}

} // namespace saas::pg

// Declares and defines an SQL-callable function: its version-1 record, C linkage, the boundary, and
// then the body, which sees `fcinfo`.
#define SAAS_FUNCTION(name)                                                                        \
    static Datum name##_body(FunctionCallInfo fcinfo);                                             \
    extern "C" {                                                                                   \
    PG_FUNCTION_INFO_V1(name);                                                                     \
    Datum name(PG_FUNCTION_ARGS) {                                                                 \
        return ::saas::pg::boundary(fcinfo, name##_body);                                          \
    }                                                                                              \
    }                                                                                              \
    static Datum name##_body([[maybe_unused]] FunctionCallInfo fcinfo)

// The same for a function that is called for each row of large tables: `shortcut(fcinfo, answer)` is
// tried first. It neither throws nor calls what may raise an error; false: the body is to answer.
#define SAAS_FUNCTION_WITH_SHORTCUT(name, shortcut)                                                \
    static Datum name##_body(FunctionCallInfo fcinfo);                                             \
    extern "C" {                                                                                   \
    PG_FUNCTION_INFO_V1(name);                                                                     \
    Datum name(PG_FUNCTION_ARGS) {                                                                 \
        Datum answer = 0;                                                                          \
        if (shortcut(fcinfo, answer))                                                              \
            return answer;                                                                         \
        return ::saas::pg::boundary(fcinfo, name##_body);                                          \
    }                                                                                              \
    }                                                                                              \
    static Datum name##_body([[maybe_unused]] FunctionCallInfo fcinfo)
