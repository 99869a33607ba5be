// SPDX-License-Identifier: PostgreSQL
#include "deploy/transaction.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h" // BeginInternalSubTransaction
#include "utils/guc.h"   // NewGUCNestLevel, AtEOXact_GUC
}

namespace saas::deploy {

deployment_settings::deployment_settings() : level_{0} {
    level_ = pg::call([] {
        int level = NewGUCNestLevel();
        auto set = [](const char *name, const char *value) {
            (void)set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
                                    0, false);
        };
        set("search_path", "pg_catalog, pg_temp");
        set("client_min_messages", "warning");
        set("check_function_bodies", "on");
        set("standard_conforming_strings", "on");
        set("row_security", "on");
        return level;
    });
}

void deployment_settings::restore() {
    pg::call([this] { AtEOXact_GUC(true, level_); });
}

trial::trial(bool dry_run)
    : active_{dry_run}, context_{CurrentMemoryContext}, owner_{CurrentResourceOwner} {
    if (!active_)
        return;
    pg::call([this] {
        BeginInternalSubTransaction(nullptr);
        MemoryContextSwitchTo(context_);
    });
}

void trial::end() {
    if (!active_)
        return;
    pg::call([this] {
        RollbackAndReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(context_);
        CurrentResourceOwner = owner_;
    });
}

} // namespace saas::deploy
