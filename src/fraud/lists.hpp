// SPDX-License-Identifier: PostgreSQL
// The lists that rules name, kept in the backend.
//
// A list is read once and then kept as a hash set. When any session has committed a change of any
// entry, the next use reads what was written to fraud_list_changes since the list was loaded, not the
// list: adding one entry to a million costs one look-up in an index. All lists together keep
// within saas.fraud_list_memory: those used least make way, and one that alone is larger is looked up in
// its table instead.
#pragma once

#include <string_view>

#include "core/fraud/moment.hpp"
#include "core/fraud/value.hpp"
#include "core/uuid.hpp"

#include "pg/prelude.hpp"

namespace saas::fraud {

// Registers for the invalidation of the lists' tables. Called once, by _PG_init.
void initialise_lists();

// Whether the team's list called `alias` holds the value at the moment. A failure when there is no such list.
[[nodiscard]] core::fraud::value list_holds(const core::uuid &team, std::string_view alias,
                                            const core::fraud::value &wanted,
                                            core::fraud::moment at);

} // namespace saas::fraud
