// SPDX-License-Identifier: PostgreSQL
// The key agent: a background worker that alone has the root keys and the keys of the key file (setting
// saas.key_agent). Backends send it what they want to be wrapped or opened over a socket in the data directory.
#pragma once

#include "encryption/key_service.hpp"

#include "pg/prelude.hpp"

namespace saas::encryption {

// Defines the settings, and registers the worker while shared libraries are preloaded. Called once, by
// initialise_keystore(). True when there is an agent, and this process must not read the root key.
bool initialise_key_agent();

[[nodiscard]] bool agent_is_configured() noexcept;

// Setting saas.key_agent_rate: keys a second for a role; 0 for any number.
[[nodiscard]] int key_agent_rate() noexcept;

// Whether this process is the agent.
[[nodiscard]] bool is_key_agent() noexcept;

// Asks the agent and waits, as long as the query is not cancelled. Throws SA100 when it does not run, SA107 when
// the role has asked for too many keys, and what the agent threw.
[[nodiscard]] key_answer ask_key_agent(const key_request &request);

} // namespace saas::encryption
