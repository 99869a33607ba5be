// SPDX-License-Identifier: PostgreSQL
#include "pg/watched_table.hpp"

#include "pg/boundary.hpp"
#include "pg/invalidation.hpp"
#include "pg/package.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/inval.h" // AcceptInvalidationMessages
}

namespace saas::pg {

watched_table *watched_table::first_ = nullptr;

// May run inside any server call, so it only counts.
void watched_table::changed(Oid relation) noexcept {
    for (watched_table *table = first_; table != nullptr; table = table->next_) {
        if (relation == InvalidOid || relation == table->table_) {
            ++table->generation_;
            ++all_changes_;
        }
    }
}

void watched_table::watch() {
    if (first_ == nullptr)
        watch_relations(changed);
    next_ = first_;
    first_ = this;
}

bool watched_table::find() {
    table_ = call([this] { return package_table_unsafe(name_); });
    return OidIsValid(table_);
}

void accept_changes() {
    call([] { AcceptInvalidationMessages(); });
}

} // namespace saas::pg
