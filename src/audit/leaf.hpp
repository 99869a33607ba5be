// SPDX-License-Identifier: PostgreSQL
// The leaf hash of a row of saas.audit_logs, from the values of its columns.
#pragma once

#include "audit/log.hpp"

#include "pg/prelude.hpp"

namespace saas::audit {

// The leaf hash, type bytea. Values may not be compressed or out of line, as they are in a row that
// is about to be written. `row` without salt and payload hash hashes the payload without salt.
Datum make_leaf(const log_row &row);

// The same for values as they are stored; NULL (false) when a row whose payload was erased still
// has a payload or a salt, or its hash has a wrong length: no such row is ever written.
bool stored_leaf(log_row &row, Datum &leaf);

// The commitment to the payload of a stored row, type bytea.
Datum payload_commitment(log_row &row);

} // namespace saas::audit
