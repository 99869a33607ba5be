// SPDX-License-Identifier: PostgreSQL
// Who may make which change: the three sources of a state.
#pragma once

#include "core/state_machine/machine.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace saas::state_machine {

enum class source : std::uint8_t {
    api,      // a call of ours: single steps, and rows begin in an initial state
    provider, // a snapshot: what is reachable, and rows begin in any state
    conflict, // snapshots that contradict each other: any state of the machine
};

// 'api', 'provider' or 'conflict'.
[[nodiscard]] std::optional<source> source_of(std::string_view text) noexcept;

// Whether the source may change `from` to `to`; `from` is k_unknown for a new row. A state that
// stays what it is is no change and always allowed.
[[nodiscard]] bool allowed(const core::state_machine &machine, core::state_machine::state from,
                           core::state_machine::state to, source who);

// The states to which the source may change `from` (k_unknown for a new row).
[[nodiscard]] std::vector<core::state_machine::state>
possible(const core::state_machine &machine, core::state_machine::state from, source who);

// "a, b, c", or "none".
[[nodiscard]] std::string list_of(const core::state_machine &machine,
                                  const std::vector<core::state_machine::state> &states);

} // namespace saas::state_machine
