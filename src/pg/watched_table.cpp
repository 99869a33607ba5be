// SPDX-License-Identifier: PostgreSQL
#include "pg/watched_table.hpp"

#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/namespace.h" // get_namespace_oid
#include "utils/inval.h"       // CacheRegisterRelcacheCallback, AcceptInvalidationMessages
#include "utils/lsyscache.h"   // get_relname_relid
}

namespace saas::pg {

watched_table *watched_table::first_ = nullptr;

// May run inside any server call, so it only counts. One callback serves all tables: a backend has
// room for ten of them altogether, those of other extensions included.
void watched_table::changed(Datum, Oid relation) noexcept {
    for (watched_table *table = first_; table != nullptr; table = table->next_) {
        if (relation == InvalidOid || relation == table->table_)
            ++table->generation_;
    }
}

void watched_table::watch() noexcept {
    if (first_ == nullptr)
        CacheRegisterRelcacheCallback(changed, 0);
    next_ = first_;
    first_ = this;
}

bool watched_table::find() {
    table_ = call([this] {
        Oid schema = get_namespace_oid("saas", true);
        return OidIsValid(schema) ? get_relname_relid(name_, schema) : InvalidOid;
    });
    return OidIsValid(table_);
}

void accept_changes() {
    call([] { AcceptInvalidationMessages(); });
}

} // namespace saas::pg
