// SPDX-License-Identifier: PostgreSQL
// Verification of a team's audit trail against its checkpoints: first the checkpoints and the tree,
// then the rows against the leaves. Runs with the caller's rights: saas.verify_audit_log(), which
// checked them, calls it as saas_internal.
#pragma once

#include "audit/cursor.hpp"
#include "core/sha256.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pg/prelude.hpp"

namespace saas::audit {

// What is wrong, and where.
struct finding {
    std::string problem;
    std::string detail;
    std::optional<std::int64_t> checkpoint;
    std::optional<std::uint64_t> leaf_index;
    std::optional<std::int64_t> created_at; // as TimestampTz
    std::optional<std::array<std::uint8_t, 16>> id;
};

// Leaves that are sealed in ascending order of their positions. There is more than one run only
// when the database was restored into a cluster whose transactions count otherwise.
struct leaf_run {
    std::uint64_t first;
    std::uint64_t end;
};

struct chain {
    std::vector<leaf_run> runs;
    bool complete = true;   // no gap in the leaves
    bool ordered = true;    // within each list of leaves
    std::uint64_t size = 0; // leaves in the last checkpoint
    std::int64_t checkpoints = 0;
    std::optional<position> through;           // of the last checkpoint
    std::int64_t retained_from = PG_INT64_MIN; // as TimestampTz
    std::optional<finding> broken;
};

// Checks the team's checkpoints and leaves. `anchor`: a checkpoint kept elsewhere, or empty. Raises
// SA045 when it cannot be read.
chain verify_chain(const std::uint8_t *team, const std::string &anchor);

struct row_summary {
    std::int64_t verified = 0;
    std::int64_t unsealed = 0;
    std::int64_t erased = 0;
    std::optional<std::int64_t> unsealed_since;
    std::optional<finding> broken;
};

// Compares the rows created from `from` up to but not including `to` with the leaves.
row_summary verify_rows(const std::uint8_t *team, const chain &known, std::int64_t from,
                        std::int64_t to);

} // namespace saas::audit
