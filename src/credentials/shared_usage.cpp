// SPDX-License-Identifier: PostgreSQL
#include "credentials/shared_usage.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h"    // RegisterXactCallback
#include "port/atomics.h"   // pg_atomic_uint64
#include "storage/ipc.h"    // shmem_startup_hook
#include "storage/lwlock.h" // LWLockAcquire
#include "storage/shmem.h"  // ShmemInitStruct
#include "utils/guc.h"      // DefineCustomIntVariable
}

namespace saas::credentials {
namespace {

using core::credentials::key_counts;
using core::credentials::key_slot;
using core::credentials::usage_table;

constexpr const char *k_name = "pg_saas API keys";
constexpr int k_locks = 64;

struct shared_usage {
    pg_atomic_uint64 lost;
    LWLockPadded *locks;
    std::size_t slot_count;
    key_slot *slots() { return reinterpret_cast<key_slot *>(this + 1); }
};
static_assert(sizeof(shared_usage) % alignof(key_slot) == 0);
static_assert(std::is_trivially_destructible_v<key_slot>);

int slots_setting = 8192;
shared_usage *shared = nullptr;
shmem_request_hook_type next_request = nullptr;
shmem_startup_hook_type next_startup = nullptr;

std::size_t slot_count() {
    const auto buckets =
        (static_cast<std::size_t>(slots_setting) + usage_table::k_ways - 1) / usage_table::k_ways;
    return buckets * usage_table::k_ways;
}

std::size_t memory_size() {
    return sizeof(shared_usage) + slot_count() * sizeof(key_slot);
}

void request_memory() {
    if (next_request != nullptr)
        next_request();
    RequestAddinShmemSpace(memory_size());
    RequestNamedLWLockTranche(k_name, k_locks);
}

void make_memory() {
    if (next_startup != nullptr)
        next_startup();
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    bool found = false;
    shared = static_cast<shared_usage *>(ShmemInitStruct(k_name, memory_size(), &found));
    if (!found) {
        pg_atomic_init_u64(&shared->lost, 0);
        shared->locks = GetNamedLWLockTranche(k_name);
        shared->slot_count = slot_count();
        std::uninitialized_value_construct_n(shared->slots(), shared->slot_count);
    }
    LWLockRelease(AddinShmemInitLock);
}

usage_table table() {
    return usage_table{{shared->slots(), shared->slot_count}};
}

// Runs `work(table)` under the lock of the bucket. It may neither throw nor raise.
template <class Work>
void locked(std::size_t bucket, LWLockMode mode, const Work &work) {
    pg::call([&] {
        LWLock *lock = &shared->locks[bucket % k_locks].lock;
        LWLockAcquire(lock, mode);
        work(table());
        LWLockRelease(lock);
    });
}

// Claims the slot of a key and works on it.
template <class Work>
void with_slot(const core::uuid &key, const core::uuid &team, std::int64_t now, const Work &work) {
    std::uint64_t lost = 0;
    locked(table().bucket_of(key), LW_EXCLUSIVE,
           [&](usage_table all) { work(all.claim(MyDatabaseId, key, team, now * 1000, lost)); });
    if (lost != 0)
        pg_atomic_fetch_add_u64(&shared->lost, static_cast<std::int64_t>(lost));
}

// Counts on their way into a table, and the subtransaction that writes them.
struct taken_counts {
    key_counts counts;
    SubTransactionId writer;
};

std::vector<taken_counts> &taken() {
    static std::vector<taken_counts> all;
    return all;
}

// Makes sure that the slots of one more bucket fit.
template <class Element>
void make_room(std::vector<Element> &list) {
    if (list.capacity() - list.size() < usage_table::k_ways)
        list.reserve(std::max(list.size() * 2, std::size_t{64}));
}

// Gives back what the subtransaction has taken, or all for InvalidSubTransactionId. Without
// pg::call: it runs while a transaction is being aborted, and raises nothing.
void return_counts(SubTransactionId writer) {
    auto &all = taken();
    const auto kept = std::partition(all.begin(), all.end(), [&](const taken_counts &t) {
        return writer != InvalidSubTransactionId && t.writer != writer;
    });
    std::for_each(kept, all.end(), [](const taken_counts &t) {
        const key_counts &counts = t.counts;
        usage_table slots = table();
        LWLock *lock = &shared->locks[slots.bucket_of(counts.key) % k_locks].lock;
        std::uint64_t lost = 0;
        LWLockAcquire(lock, LW_EXCLUSIVE);
        give_back(slots.claim(counts.realm, counts.key, counts.team, counts.last_use * 1000, lost),
                  counts);
        LWLockRelease(lock);
    });
    all.erase(kept, all.end());
}

void transaction_ended(XactEvent event, void *) {
    if (taken().empty())
        return;
    if (event == XACT_EVENT_ABORT)
        return_counts(InvalidSubTransactionId);
    if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
        taken().clear();
}

void subtransaction_ended(SubXactEvent event, SubTransactionId inner, SubTransactionId outer,
                          void *) {
    if (event == SUBXACT_EVENT_ABORT_SUB)
        return_counts(inner);
    if (event == SUBXACT_EVENT_COMMIT_SUB) {
        for (taken_counts &t : taken())
            t.writer = t.writer == inner ? outer : t.writer;
    }
}

} // namespace

void request_shared_usage() {
    if (!process_shared_preload_libraries_in_progress)
        return;
    DefineCustomIntVariable(
        "saas.api_key_slots", "How many API keys the shared memory follows at the same time.",
        "Their rate limits, and their use until it is written down.", &slots_setting, slots_setting,
        64, 1 << 20, PGC_POSTMASTER, 0, nullptr, nullptr, nullptr);
    next_request = std::exchange(shmem_request_hook, request_memory);
    next_startup = std::exchange(shmem_startup_hook, make_memory);
}

bool has_shared_usage() noexcept {
    return shared != nullptr;
}

core::rate_limit::decision use_key(const core::uuid &key, const core::uuid &team,
                                   const std::optional<core::rate_limit::rate> &limit,
                                   const core::credentials::address &from, std::int64_t now) {
    core::rate_limit::decision answer{true, 0};
    with_slot(key, team, now, [&](key_slot &slot) {
        if (limit)
            answer = core::rate_limit::admit(slot.arrival, now * 1000, *limit);
        count_call(slot.counts,
                   answer.allowed ? core::credentials::call_outcome::accepted
                                  : core::credentials::call_outcome::limited,
                   from, now);
    });
    return answer;
}

void count_refusal(const core::uuid &key, const core::uuid &team,
                   const core::credentials::address &from, std::int64_t now) {
    with_slot(key, team, now, [&](key_slot &slot) {
        count_call(slot.counts, core::credentials::call_outcome::refused, from, now);
    });
}

std::optional<std::int64_t> last_use(const core::uuid &key) {
    std::int64_t last = 0;
    locked(table().bucket_of(key), LW_SHARED, [&](usage_table all) {
        const key_slot *slot = all.find(MyDatabaseId, key);
        last = slot != nullptr ? slot->counts.last_use : 0;
    });
    return last != 0 ? std::optional{last} : std::nullopt;
}

std::vector<key_counts> take_usage() {
    static bool watching = false;
    if (!watching) {
        pg::call([] {
            RegisterXactCallback(transaction_ended, nullptr);
            RegisterSubXactCallback(subtransaction_ended, nullptr);
        });
        watching = true;
    }
    std::vector<key_counts> all;
    const std::size_t buckets = table().bucket_count();
    const SubTransactionId writer = GetCurrentSubTransactionId();
    for (std::size_t number = 0; number < buckets; ++number) {
        make_room(all); // first: nothing may throw once counts are taken
        make_room(taken());
        locked(number, LW_EXCLUSIVE, [&](usage_table slots) {
            for (key_slot &slot : slots.bucket(number)) {
                if (slot.used && slot.counts.realm == MyDatabaseId && slot.counts.total() > 0) {
                    all.push_back(take_counts(slot));
                    taken().push_back({all.back(), writer});
                }
            }
        });
    }
    return all;
}

std::uint64_t lost_calls() noexcept {
    return shared != nullptr ? pg_atomic_read_u64(&shared->lost) : 0;
}

} // namespace saas::credentials
