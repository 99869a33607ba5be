// SPDX-License-Identifier: PostgreSQL
// Where a row of the audit log goes: the partition of its time, found once and kept until the log
// or one of its partitions changes or another month begins.
#pragma once

#include "audit/log.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "datatype/timestamp.h" // TimestampTz
#include "nodes/execnodes.h"    // IndexInfo
#include "utils/relcache.h"     // Relation
}

namespace saas::audit {

constexpr int k_index_limit = 8;

struct index_target {
    Oid index;
    IndexInfo info; // of plain columns only: no pointer in it is set
};

struct log_target {
    bool direct;                   // false: write by statement, the rest is not filled
    Oid partition;                 // locked like a table that is written
    int attributes[k_log_columns]; // index of each log_column in the partition's rows
    int index_count;
    index_target indexes[k_index_limit];
};

// Opens and locks saas.audit_logs for writing. Raises SA042 when it does not exist.
Relation open_log();

// The target for a row of time `at`. Valid until the next call. Plain frames only.
const log_target &find_target(Relation log, TimestampTz at);

} // namespace saas::audit
