// SPDX-License-Identifier: PostgreSQL
#include "context/trusted.hpp"

#include <string>

#include "pg/boundary.hpp"
#include "pg/package.hpp"
#include "pg/spi.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h" // GetCurrentTransactionStartTimestamp
#include "utils/guc.h"   // GetConfigOption
}

namespace saas::context {
namespace {

using core::context::request_context;

struct resolved {
    core::uuid team{};
    core::uuid user{};
    std::int64_t transaction_start = 0;
    std::optional<request_context> context;
};

std::optional<core::uuid> setting(const char *name) {
    const char *value = pg::call([&] { return GetConfigOption(name, true, false); });
    return value == nullptr ? std::nullopt : core::parse_uuid(value);
}

// Before the package is deployed nobody is a member.
bool is_deployed() {
    return pg::call([] { return OidIsValid(pg::package_table_unsafe("team_members")); });
}

// The member's role, asked as saas_internal: the caller has no context yet that would let it read.
std::optional<core::context::team_role> active_role(const core::uuid &team, const core::uuid &user) {
    if (!is_deployed())
        return std::nullopt;
    pg::as_role privileged{pg::internal_role_id()};
    pg::spi connection;
    auto rows = connection.query(
        "SELECT saas.active_role($1::pg_catalog.uuid, $2::pg_catalog.uuid)",
        {core::to_text(team), core::to_text(user)});
    connection.close();
    if (rows.empty() || !rows[0][0])
        return std::nullopt;
    return core::context::parse_role(*rows[0][0]);
}

} // namespace

const request_context *trusted_context() {
    static resolved last;
    auto user = setting("app.current_user_id");
    auto team = setting("app.current_team_id");
    if (!team)
        team = setting("app.current_company_id");
    if (!user || !team)
        return nullptr;
    std::int64_t started = GetCurrentTransactionStartTimestamp();
    if (last.transaction_start != started || last.user != *user || last.team != *team) {
        last.transaction_start = 0; // nothing is known until the look-up has come back
        auto role = active_role(*team, *user);
        last.context.reset();
        if (role)
            last.context = request_context{*team, user, *role, {}};
        last.team = *team;
        last.user = *user;
        last.transaction_start = started;
    }
    return last.context ? &*last.context : nullptr;
}

} // namespace saas::context
