// SPDX-License-Identifier: PostgreSQL
#include "context/trusted.hpp"

#include <string>

#include "core/context/jwt_claims.hpp"
#include "pg/boundary.hpp"
#include "pg/settings.hpp"
#include "pg/package.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/guc.h" // GetConfigOption
}

namespace saas::context {
namespace {

using core::context::jwt_identity;
using core::context::request_context;
using pg::trusted_source;

struct resolved {
    core::uuid team{};
    core::uuid user{};
    LocalTransactionId transaction = InvalidLocalTransactionId;
    bool member = false;
    request_context context{};
};

// The text of a setting, empty when there is none; valid until it is set again.
const char *text_setting(const char *name) {
    const char *value = pg::call([&] { return GetConfigOption(name, true, false); });
    return value == nullptr ? "" : value;
}

std::optional<jwt_identity> from_claims(const char *claims) {
    static std::string last_text;
    static std::optional<jwt_identity> last;
    if (last_text != claims) {
        last.reset();
        last_text.clear(); // empty claims are no identity, should the next line not be reached
        auto parsed = core::context::parse_jwt_claims(claims);
        last_text = claims;
        last = parsed;
    }
    return last;
}

std::optional<jwt_identity> from_app_settings() {
    auto user = core::parse_uuid(text_setting("app.current_user_id"));
    auto team = core::parse_uuid(text_setting("app.current_team_id"));
    if (!team)
        team = core::parse_uuid(text_setting("app.current_company_id"));
    if (!user || !team)
        return std::nullopt;
    return jwt_identity{*user, *team};
}

// Claims that are there decide alone, also when they are malformed or name no team.
std::optional<jwt_identity> identity() {
    const trusted_source source = pg::trusted_settings();
    if (source == trusted_source::jwt || source == trusted_source::both) {
        const char *claims = text_setting("request.jwt.claims");
        if (*claims != '\0')
            return from_claims(claims);
    }
    if (source == trusted_source::app || source == trusted_source::both)
        return from_app_settings();
    return std::nullopt;
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
    auto named = identity();
    if (!named)
        return nullptr;
    const LocalTransactionId now = pg::current_transaction();
    if (last.transaction != now || last.user != named->user || last.team != named->team) {
        last.transaction = InvalidLocalTransactionId; // nothing is known until the look-up has come back
        auto role = active_role(named->team, named->user);
        last.member = role.has_value();
        last.context.team = named->team;
        last.context.user = named->user;
        last.context.role = role.value_or(core::context::team_role::viewer);
        last.team = named->team;
        last.user = named->user;
        last.transaction = now;
    }
    return last.member ? &last.context : nullptr;
}

} // namespace saas::context
