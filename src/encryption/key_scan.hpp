// SPDX-License-Identifier: PostgreSQL
// One row of saas.encryption_keys straight from a unique index. It is the planner's choice nowhere: what it knows
// of the table is outdated while one transaction makes many keys, and then each look-up would read all of them.
#pragma once

#include <optional>
#include <type_traits>

#include "core/encryption/data_key.hpp"
#include "core/uuid.hpp"

#include "pg/prelude.hpp"

namespace saas::encryption {

// A row as plain bytes: it lives in frames in which the server may jump.
struct stored_key {
    std::int64_t number;
    char kind[16];
    char status[16];
    std::optional<core::uuid> subject;
    std::optional<core::uuid> asset;
    std::int32_t version;
    std::int32_t epoch;
    std::int64_t uses;
    bool restricted;
    bool has_wrapped;
    core::encryption::wrapped_key wrapped;
};
static_assert(std::is_trivially_destructible_v<stored_key>);

// Both read what is committed by now, and what this transaction wrote. False when there is no such row. They raise
// XX000 when the table has another form than the package gave it. To be called through pg::call.
bool find_key_unsafe(const core::uuid &team, std::uint64_t number, stored_key &out);

// The newest version. `kind` is a literal.
bool find_newest_key_unsafe(const core::uuid &team, const char *kind, const std::optional<core::uuid> &subject,
                            const std::optional<core::uuid> &asset, stored_key &out);

} // namespace saas::encryption
