// SPDX-License-Identifier: PostgreSQL
// Reads lists from their tables, as saas_internal.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/fraud/list_set.hpp"
#include "core/uuid.hpp"

#include "pg/prelude.hpp"

namespace saas::fraud {

// The snapshot in which the entries of a list were read.
struct list_state {
    std::string snapshot;     // as pg_snapshot prints it
    std::string own_number;   // of the reading transaction, which its snapshot does not name; 0 for none
    bool own_changes = false; // the reading transaction had changed the list itself
};

// Identifier and kind of the team's list; nothing when there is none of that name.
[[nodiscard]] std::optional<std::pair<core::uuid, core::fraud::list_kind>>
read_list(const core::uuid &team, std::string_view alias);

// All entries, in the newest snapshot. False when they would take more than `limit` bytes.
[[nodiscard]] bool read_entries(const core::uuid &team, const core::uuid &list,
                                core::fraud::list_set &entries, std::size_t limit,
                                list_state &state);

// What was committed since that snapshot, and what this transaction itself changed, in order.
void read_changes(const core::uuid &team, const core::uuid &list, const list_state &state,
                  core::fraud::list_set &entries);

// The answer for a list that is not kept in memory, by the index of its table.
[[nodiscard]] core::fraud::value probe_list(const core::uuid &team, const core::uuid &list,
                                            core::fraud::list_kind kind,
                                            const core::fraud::value &wanted,
                                            core::fraud::moment at);

} // namespace saas::fraud
