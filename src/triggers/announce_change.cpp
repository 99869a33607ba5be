// SPDX-License-Identifier: PostgreSQL
// AFTER row trigger of the tables whose rows backends keep in memory: pg/watched_table.hpp.
#include "core/error.hpp"
#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "commands/trigger.h" // CALLED_AS_TRIGGER, TriggerData
#include "utils/inval.h"      // CacheInvalidateRelcache
}

using namespace saas; // NOLINT: entry points only

namespace {
constexpr core::sqlstate k_trigger_protocol_violated{"39P01"};
}

SAAS_FUNCTION(saas_announce_change) {
    auto *trigger = reinterpret_cast<TriggerData *>(fcinfo->context);
    if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event))
        throw core::error{k_trigger_protocol_violated,
                          "saas.announce_change() is for AFTER triggers"};
    CacheInvalidateRelcache(trigger->tg_relation);
    return PointerGetDatum(nullptr);
}
