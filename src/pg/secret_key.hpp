// SPDX-License-Identifier: PostgreSQL
// Keys of the package's own, in tables (id uuid, key bytea of 32 bytes) that no role but the owner
// may read: those that sign request contexts, those that hash credentials.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "pg/prelude.hpp"

namespace saas::pg {

using secret_id = std::array<std::uint8_t, 16>;

struct secret_key {
    secret_id id;
    std::array<std::uint8_t, 32> key;
};

// Reads the row with this id, or for null the newest (ids ascend), without asking for the caller's
// rights, as committed by now or changed by this transaction. nullopt when there is none or the
// table of schema saas does not exist or has another form. Needs a transaction. Calls the server
// through pg::call.
[[nodiscard]] std::optional<secret_key> read_secret_key(const char *table,
                                                        const secret_id *id = nullptr);

} // namespace saas::pg
