// SPDX-License-Identifier: PostgreSQL
// Functions that exist only to prove the boundary: test/sql/boundary.sql.
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/builtins.h"  // text_to_cstring
#include "utils/fmgroids.h"  // F_INT4DIV
PG_MODULE_MAGIC;
}

using namespace saas; // NOLINT: entry points only

namespace {

constexpr core::sqlstate k_test_failure{"SA999"};
int alive = 0; // objects of `counted` that exist

struct counted {
    counted() { ++alive; }
    counted(const counted &) { ++alive; }
    ~counted() { --alive; }
    std::string heap = std::string(1000, 'x');
};

[[noreturn]] void fail_as(const std::string &how) {
    counted local;
    if (how == "core error")
        throw core::error{k_test_failure, "the message", "The detail.", "The hint."};
    if (how == "long core error")
        throw core::error{k_test_failure, std::string(1022, 'a') + "é" + std::string(5000, 'b')};
    if (how == "bad_alloc")
        throw std::bad_alloc{};
    if (how == "std exception")
        throw std::runtime_error{"a standard exception"};
    throw 42; // NOLINT: anything may be thrown
}

} // namespace

SAAS_FUNCTION(saas_test_throw) {
    char *how = text_to_cstring(PG_GETARG_TEXT_PP(0));
    fail_as(how);
}

// Divides inside pg::call with objects alive in three frames and in a container.
SAAS_FUNCTION(saas_test_server_error) {
    counted outer;
    std::vector<counted> many(10);
    int32 divisor = PG_GETARG_INT32(0);
    auto divide = [&] {
        counted inner;
        return pg::call([&] {
            return DatumGetInt32(OidFunctionCall2(F_INT4DIV, Int32GetDatum(84), Int32GetDatum(divisor)));
        });
    };
    PG_RETURN_INT32(divide());
}

// Throws inside pg::call, then calls the server again.
SAAS_FUNCTION(saas_test_throw_in_call) {
    counted local;
    try {
        pg::call([] { throw core::error{k_test_failure, "thrown inside pg::call"}; });
    } catch (const core::error &) {
        pg::call([] { CHECK_FOR_INTERRUPTS(); });
        throw;
    }
    PG_RETURN_VOID();
}

SAAS_FUNCTION(saas_test_alive) { PG_RETURN_INT32(alive); }

// Loops until it is cancelled.
SAAS_FUNCTION(saas_test_loop) {
    counted local;
    core::cancel_poll poll{pg::stop_requested};
    for (;;)
        poll.step();
}
