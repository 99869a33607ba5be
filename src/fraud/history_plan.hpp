// SPDX-License-Identifier: PostgreSQL
// Runs the statement of a history term, with a plan that the backend keeps.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/fraud/operations.hpp"
#include "core/fraud/value.hpp"
#include "fraud/providers.hpp"

#include "pg/prelude.hpp"

namespace saas::fraud {

// The one value that the statement gives, NULL and no row being missing. Parameters as
// core::fraud::history_query says: $1 team, $2 now, $3 intent, then `arguments` as text. Runs as
// saas_internal in the active snapshot. A text stays valid until the next reset of `texts`.
[[nodiscard]] core::fraud::value
run_history(const std::string &sql, const assessment_request &request,
            const std::vector<std::optional<std::string>> &arguments,
            core::fraud::text_arena &texts);

} // namespace saas::fraud
