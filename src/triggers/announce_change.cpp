// SPDX-License-Identifier: PostgreSQL
// AFTER row trigger of the tables whose rows backends keep in memory: pg/watched_table.hpp.
#include "core/error.hpp"
#include "pg/boundary.hpp"
#include "pg/trigger.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/inval.h" // CacheInvalidateRelcache
}

using namespace saas; // NOLINT: entry points only

SAAS_FUNCTION(saas_announce_change) {
    const TriggerData &trigger = pg::trigger_data(fcinfo, "announce_change");
    if (!TRIGGER_FIRED_AFTER(trigger.tg_event))
        throw core::error{pg::k_trigger_protocol_violated,
                          "saas.announce_change() is for AFTER triggers"};
    CacheInvalidateRelcache(trigger.tg_relation);
    return PointerGetDatum(nullptr);
}
