// SPDX-License-Identifier: PostgreSQL
#include "pg/boundary.hpp"

#include <cstring>
#include <new>
#include <string_view>

#include "pg/prelude.hpp"

extern "C" {
#include "mb/pg_wchar.h" // pg_mbcliplen
}

namespace saas::pg {
namespace {

// What survives the unwinding: plain bytes, so that nothing is alive when ereport jumps.
struct failure {
    ErrorData *server;
    bool cancelled;
    int sqlstate;
    char message[1024];
    char detail[2048];
    char hint[1024];
};
static_assert(std::is_trivially_copyable_v<failure>);

template <std::size_t N>
void copy_text(char (&target)[N], std::string_view source) noexcept {
    std::size_t length = source.size() < N - 1 ? source.size() : N - 1;
    std::memcpy(target, source.data(), length);
    target[length] = '\0';
}

void fill(failure &f, int state, std::string_view message, std::string_view detail = {},
          std::string_view hint = {}) noexcept {
    f.sqlstate = state;
    copy_text(f.message, message);
    copy_text(f.detail, detail);
    copy_text(f.hint, hint);
}

int encode(core::sqlstate state) noexcept {
    std::string_view c = state.code();
    return MAKE_SQLSTATE(c[0], c[1], c[2], c[3], c[4]);
}

// Cuts a text that had to be shortened back to whole characters.
void clip(char *text) {
    text[pg_mbcliplen(text, static_cast<int>(std::strlen(text)),
                      static_cast<int>(std::strlen(text)))] = '\0';
}

// Raises the failure. Runs in a frame without C++ objects.
[[noreturn]] void raise(failure &f) {
    if (f.server != nullptr)
        ReThrowError(f.server);
    if (f.cancelled) {
        CHECK_FOR_INTERRUPTS();
        ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED), errmsg("canceling statement")));
    }
    clip(f.message);
    clip(f.detail);
    clip(f.hint);
    ereport(ERROR,
            (errcode(f.sqlstate), errmsg_internal("%s", f.message),
             f.detail[0] != '\0' ? errdetail_internal("%s", f.detail) : 0,
             f.hint[0] != '\0' ? errhint("%s", f.hint) : 0));
    pg_unreachable();
}

// Runs `work` and catches whatever it throws. Returns false when `f` holds a failure.
template <class Work>
bool attempt(failure &f, Work work) noexcept {
    f.server = nullptr;
    f.cancelled = false;
    try {
        work();
        return true;
    } catch (const pg_error &e) {
        f.server = e.data;
    } catch (const core::error &e) {
        fill(f, encode(e.state()), e.message(), e.detail(), e.hint());
    } catch (const core::cancelled &) {
        f.cancelled = true;
    } catch (const std::bad_alloc &) {
        fill(f, ERRCODE_OUT_OF_MEMORY, "out of memory");
    } catch (const std::exception &e) {
        fill(f, ERRCODE_INTERNAL_ERROR, e.what());
    } catch (...) {
        fill(f, ERRCODE_INTERNAL_ERROR, "unknown C++ exception");
    }
    return false;
}

} // namespace

Datum boundary(FunctionCallInfo fcinfo, function_body body) {
    failure f;
    Datum result = 0;
    if (attempt(f, [&] { result = body(fcinfo); }))
        return result;
    raise(f);
}

void guarded(void (*body)(void *), void *argument) {
    failure f;
    if (!attempt(f, [&] { body(argument); }))
        raise(f);
}

bool stop_requested() {
    if (!InterruptPending)
        return false;
    if (QueryCancelPending || ProcDiePending)
        return true;
    call([] { CHECK_FOR_INTERRUPTS(); }); // something else wanted attention, not us to stop
    return false;
}

} // namespace saas::pg
