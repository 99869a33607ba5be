// SPDX-License-Identifier: PostgreSQL
#include "encryption/key_accesses.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "pg/prelude.hpp"

extern "C" {
#include "port/atomics.h"   // pg_atomic_uint64
#include "storage/ipc.h"    // shmem_startup_hook
#include "storage/lwlock.h" // AddinShmemInitLock
#include "storage/shmem.h"  // ShmemInitStruct
#include "utils/guc.h"      // DefineCustomIntVariable
#include "utils/timestamp.h" // GetCurrentTimestamp
}

namespace saas::encryption {
namespace {

constexpr const char *k_name = "pg_saas key accesses";

// Readers copy a slot and look whether it still is that of the same place.
struct slot {
    pg_atomic_uint64 written; // 1 + place; 0 while it is being written
    key_access access;
};
struct ring {
    pg_atomic_uint64 next; // place
    core::uuid memory;
    std::uint64_t size;
    slot *slots() { return reinterpret_cast<slot *>(this + 1); }
};
static_assert(sizeof(ring) % alignof(slot) == 0);
static_assert(std::is_trivially_copyable_v<key_access>);

int slots_setting = 16'384;
ring *shared = nullptr;
shmem_request_hook_type next_request = nullptr;
shmem_startup_hook_type next_startup = nullptr;

std::size_t memory_size() { return sizeof(ring) + static_cast<std::size_t>(slots_setting) * sizeof(slot); }

void request_memory() {
    if (next_request != nullptr)
        next_request();
    RequestAddinShmemSpace(memory_size());
}

void make_memory_unsafe() {
    if (next_startup != nullptr)
        next_startup();
    bool found = false;
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    shared = static_cast<ring *>(ShmemInitStruct(k_name, memory_size(), &found));
    if (!found) {
        pg_atomic_init_u64(&shared->next, 0);
        shared->size = static_cast<std::uint64_t>(slots_setting);
        if (!pg_strong_random(shared->memory.data(), shared->memory.size()))
            ereport(FATAL, (errmsg("no random bytes")));
        for (std::uint64_t i = 0; i < shared->size; ++i)
            pg_atomic_init_u64(&shared->slots()[i].written, 0);
    }
    LWLockRelease(AddinShmemInitLock);
}

} // namespace

void initialise_key_accesses() {
    DefineCustomIntVariable("saas.key_access_slots",
                            "How many accesses to data keys are kept until they are written down.", nullptr,
                            &slots_setting, slots_setting, 64, 1 << 22, PGC_POSTMASTER, 0, nullptr, nullptr,
                            nullptr);
    next_request = std::exchange(shmem_request_hook, request_memory);
    next_startup = std::exchange(shmem_startup_hook, make_memory_unsafe);
}

void note_key_access(const key_request &request, const char *role, Oid database, access_outcome outcome) noexcept {
    // A key that could not be made is nobody's.
    const bool made = request.operation == key_operation::wrap && outcome == access_outcome::done;
    if (shared == nullptr || (request.operation != key_operation::unwrap && !made))
        return;
    const std::uint64_t place = pg_atomic_fetch_add_u64(&shared->next, 1);
    slot &to = shared->slots()[place % shared->size];
    pg_atomic_write_u64(&to.written, 0);
    pg_write_barrier();
    key_access &access = to.access;
    access.at = GetCurrentTimestamp();
    access.number = request.number;
    access.database = database;
    access.operation = request.operation;
    access.outcome = outcome;
    access.has_subject = request.subject.has_value();
    access.team = request.team;
    access.subject = request.subject.value_or(core::uuid{});
    std::copy(std::begin(request.kind), std::end(request.kind), access.kind);
    strlcpy(access.role, role, sizeof(access.role));
    pg_write_barrier();
    pg_atomic_write_u64(&to.written, place + 1);
}

std::vector<placed_access> read_key_accesses(std::uint64_t from) {
    std::vector<placed_access> out;
    if (shared == nullptr)
        return out;
    const std::uint64_t end = pg_atomic_read_u64(&shared->next);
    if (end > shared->size)
        from = std::max(from, end - shared->size);
    for (std::uint64_t place = from; place < end; ++place) {
        slot &at = shared->slots()[place % shared->size];
        const std::uint64_t written = pg_atomic_read_u64(&at.written);
        if (written <= place)
            break;
        pg_read_barrier();
        const placed_access copy{place, at.access};
        pg_read_barrier();
        if (written == place + 1 && pg_atomic_read_u64(&at.written) == written)
            out.push_back(copy);
    }
    return out;
}

core::uuid key_access_memory() noexcept { return shared == nullptr ? core::uuid{} : shared->memory; }

} // namespace saas::encryption
