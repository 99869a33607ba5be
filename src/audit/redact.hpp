// SPDX-License-Identifier: PostgreSQL
// Erasing the personal payload of rows of the audit log: the only change that the append-only
// triggers let through.
#pragma once

#include "pg/prelude.hpp"

extern "C" {
#include "commands/trigger.h" // TriggerData
}

namespace saas::audit {

// True while saas.redact_audit_payloads() runs, for the statement trigger of an UPDATE and for a row
// trigger whose new row is the old one, which is one of those to erase, without payload and with the right payload_hash.
bool erases_payload(const TriggerData &data);

} // namespace saas::audit
