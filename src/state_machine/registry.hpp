// SPDX-License-Identifier: PostgreSQL
// The state machines of this database, read from saas.state_transitions once per backend.
#pragma once

#include "core/state_machine/machine.hpp"

#include <string_view>

#include "pg/prelude.hpp"

namespace saas::state_machine {

// The machine of that name as the last committed rows (and this transaction's own) have it. The
// reference holds until the next call. Whoever asks needs no right to the table. Throws core::error
// 42704 when there are no rows for it, SA021 when the table is not there. Calls the server through
// pg::call: C++ objects may be alive.
[[nodiscard]] const core::state_machine &machine_of(std::string_view name);

// Registers the callback that notices changes of the table. Called once, by _PG_init.
void initialise();

} // namespace saas::state_machine
