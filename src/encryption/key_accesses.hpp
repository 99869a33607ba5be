// SPDX-License-Identifier: PostgreSQL
// Who has opened, made or been refused which data key: the newest accesses of all databases, in shared memory.
// What is noted stays, whatever becomes of the transaction, until saas.flush_key_accesses() has written it
// down; then it is overwritten in its turn. With a key agent only the agent writes here.
#pragma once

#include <cstdint>
#include <vector>

#include "encryption/key_service.hpp"

#include "pg/prelude.hpp"

namespace saas::encryption {

enum class access_outcome : std::uint8_t { done = 1, failed = 2, refused = 3 };

struct key_access {
    std::int64_t at = 0; // microseconds since 2000
    std::uint64_t number = 0;
    Oid database = InvalidOid;
    key_operation operation = key_operation::unwrap; // or wrap
    access_outcome outcome = access_outcome::done;
    bool has_subject = false;
    core::uuid team{};
    core::uuid subject{};
    char kind[16]{};
    char role[NAMEDATALEN]{};
};

// Asks for shared memory, and defines how much. While shared libraries are preloaded.
void initialise_key_accesses();

// Notes the access, when it is one that gives somebody a data key. Neither waits nor raises.
void note_key_access(const key_request &request, const char *role, Oid database, access_outcome outcome) noexcept;

// What was noted at `from` and later, in order. A place that was overwritten meanwhile is left out; what is
// being written just now, and all behind it, comes the next time.
struct placed_access {
    std::uint64_t place;
    key_access access;
};
[[nodiscard]] std::vector<placed_access> read_key_accesses(std::uint64_t from);

// Tells this memory from that before a restart; all zeros without it.
[[nodiscard]] core::uuid key_access_memory() noexcept;

} // namespace saas::encryption
