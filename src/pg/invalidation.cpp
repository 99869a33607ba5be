// SPDX-License-Identifier: PostgreSQL
#include "pg/invalidation.hpp"

#include <array>

#include "pg/prelude.hpp"

extern "C" {
#include "utils/inval.h" // CacheRegisterRelcacheCallback
}

namespace saas::pg {
namespace {

std::array<relation_changed, 12> callbacks{};
std::size_t callback_count = 0;

void call_all(Datum, Oid relation) {
    for (std::size_t i = 0; i < callback_count; ++i)
        callbacks[i](relation);
}

} // namespace

void watch_relations(relation_changed callback) {
    if (callback_count == callbacks.size())
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                        errmsg_internal("too many watchers of relations")));
    if (callback_count == 0)
        CacheRegisterRelcacheCallback(call_all, 0);
    callbacks[callback_count++] = callback;
}

} // namespace saas::pg
