// SPDX-License-Identifier: PostgreSQL
// What saas.api_keys says of one key.
#pragma once

#include <optional>
#include <string_view>

#include "core/credentials/key_usage.hpp"
#include "credentials/keyed_hash.hpp"

#include "pg/prelude.hpp"

namespace saas::credentials {

enum class key_state : char {
    valid = 'v',
    revoked = 'r',
    expired = 'e',
    inactive_team = 't',
    other_address = 'a'
};

// Plain data; the texts are allocated in the memory context of the call.
struct key_row {
    bool found;
    key_state state;
    keyed_hash hash;
    std::string_view role;
    std::string_view scopes; // joined by commas
    bool has_limit;
    core::rate_limit::rate limit; // when it has one
};

// Registers for changes of the tables' form. Called once, by initialise().
void watch_tables();

// Reads the row of a key, and whether its team is active, as committed by now. `ip`: an inet or
// null. Throws SA021 when module security is not deployed. Calls the server through pg::call.
[[nodiscard]] key_row read_key(const core::uuid &team, const core::uuid &key,
                               std::optional<Datum> ip);

// The same decision and count as use_key(), in rows, where there is no shared memory. Throws 25006
// for a key with a limit in a transaction that cannot write.
[[nodiscard]] core::rate_limit::decision use_key_row(const core::uuid &team, const core::uuid &key,
                                                     const key_row &row, std::optional<Datum> ip);

} // namespace saas::credentials
