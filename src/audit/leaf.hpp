// SPDX-License-Identifier: PostgreSQL
// The leaf hash of a row of saas.audit_logs, from the values of its columns (core/audit/leaf.hpp).
#pragma once

#include "audit/log.hpp"
#include "core/audit/leaf.hpp"

#include <span>

#include "pg/prelude.hpp"

namespace saas::audit {

// What the leaf of a row takes but for the salt.
struct row_digest {
    bool erased;
    core::digest columns;
    core::digest payload; // of an erased row the commitment
};

// As bytes: 0 or 1, columns, payload.
constexpr std::size_t k_row_digest_bytes = 1 + 2 * sizeof(core::digest);

// Reads what k_row_digest_bytes bytes say.
row_digest read_row_digest(const std::uint8_t *bytes);

// Of a row as it is stored. False when a row whose payload was erased still has a payload, or its
// hash has a wrong length: no such row is ever written. Plain frames only.
bool digest_row(log_row &row, row_digest &out);

// The leaf. The salt of an erased row is not used.
core::digest make_leaf(const row_digest &row, std::span<const std::uint8_t> salt);

// The commitment to the payload of a stored row, type bytea. Plain frames only.
Datum commit_payload(log_row &row, std::span<const std::uint8_t> salt);

} // namespace saas::audit
