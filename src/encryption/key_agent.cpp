// SPDX-License-Identifier: PostgreSQL
#include "encryption/key_agent.hpp"
#include "pg/prelude.hpp"
namespace saas::encryption {
bool initialise_key_agent() { return false; }
bool agent_is_configured() noexcept { return false; }
bool is_key_agent() noexcept { return false; }
key_answer ask_key_agent(const key_request &request) { return serve_key(request); }
} // namespace saas::encryption
