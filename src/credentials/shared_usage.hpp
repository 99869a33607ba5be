// SPDX-License-Identifier: PostgreSQL
// Rate limits and use of API keys, in the memory that all sessions share. There is such memory only
// when the library is in shared_preload_libraries.
#pragma once

#include <optional>
#include <vector>

#include "core/credentials/key_usage.hpp"

#include "pg/prelude.hpp"

namespace saas::credentials {

// Asks for the memory, when the library is being preloaded. Called once.
void request_shared_usage();

[[nodiscard]] bool has_shared_usage() noexcept;

// One genuine use of a key: decides by its rate limit, if it has one, and counts it as accepted or
// limited. `now`: microseconds since 2000, as the server counts them.
[[nodiscard]] core::rate_limit::decision use_key(const core::uuid &key, const core::uuid &team,
                                                 const std::optional<core::rate_limit::rate> &limit,
                                                 const core::credentials::address &from,
                                                 std::int64_t now);

// Counts a use that was refused for another reason.
void count_refusal(const core::uuid &key, const core::uuid &team,
                   const core::credentials::address &from, std::int64_t now);

// When the key was used last, as far as the memory knows.
[[nodiscard]] std::optional<std::int64_t> last_use(const core::uuid &key);

// Takes the counts of all keys of this database away, to be written down in this transaction. If
// it, or the savepoint it is in, is rolled back, the counts return.
[[nodiscard]] std::vector<core::credentials::key_counts> take_usage();

// Counts that gave way to those of other keys since the server started.
[[nodiscard]] std::uint64_t lost_calls() noexcept;

} // namespace saas::credentials
