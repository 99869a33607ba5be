// SPDX-License-Identifier: PostgreSQL
#include "credentials/shared_attempts.hpp"

#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "core/credentials/attempt_table.hpp"
#include "pg/datum.hpp"
#include "pg/tuple.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "storage/ipc.h"     // shmem_startup_hook
#include "storage/lwlock.h"  // LWLockAcquire
#include "storage/shmem.h"   // ShmemInitStruct
#include "utils/guc.h"       // DefineCustomIntVariable
#include "utils/timestamp.h" // GetCurrentTimestamp
#include "utils/uuid.h"      // DatumGetUUIDP
}

using namespace saas; // NOLINT: entry points

namespace saas::credentials {
namespace {

using core::credentials::attempt_name;
using core::credentials::attempt_slot;
using core::credentials::attempt_table;

constexpr const char *k_name = "pg_saas attempts";

struct shared_attempts {
    LWLock *lock;
    std::size_t slot_count;
    core::privacy::siphash_key key;
    attempt_slot *slots() { return reinterpret_cast<attempt_slot *>(this + 1); }
};
static_assert(sizeof(shared_attempts) % alignof(attempt_slot) == 0);
static_assert(std::is_trivially_destructible_v<attempt_slot>);

int slots_setting = 8192;
shared_attempts *shared = nullptr;
shmem_request_hook_type next_request = nullptr;
shmem_startup_hook_type next_startup = nullptr;

std::size_t slot_count() {
    const auto wanted = static_cast<std::size_t>(slots_setting);
    return (wanted + attempt_table::k_ways - 1) / attempt_table::k_ways * attempt_table::k_ways;
}

std::size_t memory_size() {
    return sizeof(shared_attempts) + slot_count() * sizeof(attempt_slot);
}

void request_memory() {
    if (next_request != nullptr)
        next_request();
    RequestAddinShmemSpace(memory_size());
    RequestNamedLWLockTranche(k_name, 1);
}

void make_memory() {
    if (next_startup != nullptr)
        next_startup();
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    bool found = false;
    shared = static_cast<shared_attempts *>(ShmemInitStruct(k_name, memory_size(), &found));
    if (!found) {
        shared->lock = &GetNamedLWLockTranche(k_name)->lock;
        shared->slot_count = slot_count();
        if (!pg_strong_random(shared->key.data(), shared->key.size()))
            shared->key = {}; // then users who share a bucket can be chosen: no more
        std::uninitialized_value_construct_n(shared->slots(), shared->slot_count);
    }
    LWLockRelease(AddinShmemInitLock);
}

// Runs `work(table)` under the lock. It neither throws nor raises.
template <class Work>
void locked(LWLockMode mode, const Work &work) {
    pg::call([&] {
        LWLockAcquire(shared->lock, mode);
        work(attempt_table{{shared->slots(), shared->slot_count}, shared->key});
        LWLockRelease(shared->lock);
    });
}

// Arguments 0 and 1 of the functions below: user, kind.
attempt_name name_of(FunctionCallInfo fcinfo) {
    const std::string kind = pg::text_string(PG_GETARG_DATUM(1));
    if (kind != "password" && kind != "mfa")
        throw core::error{core::k_invalid_parameter_value, "there is no such kind of attempts"};
    attempt_name name{MyDatabaseId, static_cast<std::uint8_t>(kind == "mfa" ? 1 : 0), {}};
    std::memcpy(name.user.data(), DatumGetUUIDP(PG_GETARG_DATUM(0))->data, UUID_LEN);
    return name;
}

} // namespace

void request_shared_attempts() {
    if (!process_shared_preload_libraries_in_progress)
        return;
    DefineCustomIntVariable(
        "saas.attempt_slots",
        "How many users' failed attempts the shared memory follows at the same time.",
        "With passwords and second factors, of all databases.", &slots_setting, slots_setting, 64,
        1 << 20, PGC_POSTMASTER, 0, nullptr, nullptr, nullptr);
    next_request = std::exchange(shmem_request_hook, request_memory);
    next_startup = std::exchange(shmem_startup_hook, make_memory);
}

} // namespace saas::credentials

using namespace saas::credentials; // NOLINT: entry points

// User, kind, failures in a row that are stored: how many it is with this one.
SAAS_FUNCTION(saas_note_failed_attempt) {
    const attempt_name name = name_of(fcinfo);
    const auto known = static_cast<std::uint32_t>(std::max(PG_GETARG_INT32(2), 0));
    std::uint32_t failures = known + 1;
    if (shared != nullptr) {
        const TimestampTz now = GetCurrentTimestamp();
        locked(LW_EXCLUSIVE, [&](attempt_table all) { failures = all.count(name, known, now); });
    }
    PG_RETURN_INT32(static_cast<int>(failures));
}

// User, kind: failures in a row and when the last one was; NULL without any.
SAAS_FUNCTION(saas_noted_failures) {
    const attempt_name name = name_of(fcinfo);
    std::optional<attempt_slot> found;
    if (shared != nullptr)
        locked(LW_SHARED, [&](attempt_table all) {
            if (const attempt_slot *slot = all.find(name))
                found = *slot;
        });
    pg::tuple answer{fcinfo, 2};
    if (found) {
        answer.set(0, Int32GetDatum(static_cast<int>(found->failures)));
        answer.set(1, TimestampTzGetDatum(found->last));
    }
    return answer.datum();
}

SAAS_FUNCTION(saas_forget_failed_attempts) {
    const attempt_name name = name_of(fcinfo);
    bool had = false;
    if (shared != nullptr)
        locked(LW_EXCLUSIVE, [&](attempt_table all) { had = all.forget(name); });
    PG_RETURN_BOOL(had);
}
