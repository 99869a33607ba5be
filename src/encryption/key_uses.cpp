// SPDX-License-Identifier: PostgreSQL
#include "encryption/key_uses.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "port/atomics.h"   // pg_atomic_uint64
#include "storage/ipc.h"    // shmem_startup_hook
#include "storage/lwlock.h" // AddinShmemInitLock
#include "storage/shmem.h"  // ShmemInitStruct
}

namespace saas::encryption {
namespace {

constexpr std::size_t k_slots = 16'384;
constexpr std::uint64_t k_batch_to_write = 65'536;

struct slot {
    pg_atomic_uint64 key; // 0 for none; a key stays where it is until the server stops
    pg_atomic_uint64 total;
    pg_atomic_uint64 written;
};
slot *slots = nullptr;

shmem_request_hook_type next_request = nullptr;
shmem_startup_hook_type next_startup = nullptr;

void request_memory() {
    if (next_request != nullptr)
        next_request();
    RequestAddinShmemSpace(k_slots * sizeof(slot));
}

void find_memory() {
    if (next_startup != nullptr)
        next_startup();
    bool found = false;
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    slots =
        static_cast<slot *>(ShmemInitStruct("pg_saas key uses", k_slots * sizeof(slot), &found));
    for (std::size_t i = 0; !found && i < k_slots; ++i) {
        pg_atomic_init_u64(&slots[i].key, 0);
        pg_atomic_init_u64(&slots[i].total, 0);
        pg_atomic_init_u64(&slots[i].written, 0);
    }
    LWLockRelease(AddinShmemInitLock);
}

// The slot of a key, taken when there is none; null when all are. Numbers are random: they need no
// hash.
slot *find_slot(std::uint64_t key) noexcept {
    for (std::size_t i = 0; i < k_slots; ++i) {
        slot &candidate = slots[(key + i) % k_slots];
        std::uint64_t owner = pg_atomic_read_u64(&candidate.key);
        if (owner == 0 && pg_atomic_compare_exchange_u64(&candidate.key, &owner, key))
            owner = key;
        if (owner == key)
            return &candidate;
    }
    return nullptr;
}

void raise_to(pg_atomic_uint64 &counter, std::uint64_t value) noexcept {
    std::uint64_t now = pg_atomic_read_u64(&counter);
    while (now < value && !pg_atomic_compare_exchange_u64(&counter, &now, value)) {
    }
}

} // namespace

void initialise_key_uses() {
    next_request = shmem_request_hook;
    shmem_request_hook = request_memory;
    next_startup = shmem_startup_hook;
    shmem_startup_hook = find_memory;
}

void observe_uses(std::uint64_t key_number, std::uint64_t stored) noexcept {
    if (slot *found = slots == nullptr ? nullptr : find_slot(key_number)) {
        raise_to(found->total, stored);
        raise_to(found->written, stored);
    }
}

bool reserve_uses(std::uint64_t key_number, std::uint32_t wanted, std::uint64_t &stored) noexcept {
    stored = 0;
    slot *found = slots == nullptr ? nullptr : find_slot(key_number);
    if (found == nullptr)
        return false; // more keys than can be counted: none goes uncounted
    const std::uint64_t total = pg_atomic_add_fetch_u64(&found->total, wanted);
    if (total > k_most_uses)
        return false;
    std::uint64_t written = pg_atomic_read_u64(&found->written);
    if (total - written >= k_batch_to_write &&
        pg_atomic_compare_exchange_u64(&found->written, &written, total))
        stored = total;
    return true;
}

} // namespace saas::encryption
