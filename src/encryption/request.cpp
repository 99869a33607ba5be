// SPDX-License-Identifier: PostgreSQL
#include "encryption/request.hpp"

#include <cstring>

#include "context/context.hpp"
#include "encryption/assets.hpp"
#include "encryption/errors.hpp"
#include "encryption/key_rows.hpp"
#include "pg/datum.hpp"
#include "pg/settings.hpp"
#include "pg/spi.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/acl.h"      // has_privs_of_role
#include "utils/builtins.h" // namestrcpy
#include "utils/inval.h"    // CacheRegisterSyscacheCallback
#include "utils/syscache.h" // AUTHOID
#include "utils/uuid.h"     // pg_uuid_t
}

namespace saas::encryption {
namespace {

constexpr core::sqlstate k_insufficient_privilege{"42501"};
constexpr core::sqlstate k_null_not_allowed{"22004"};

// Reads arguments one after another, from the second.
struct argument_reader {
    FunctionCallInfo fcinfo;
    int next = 1;

    std::optional<core::uuid> take_uuid() {
        const int at = next++;
        if (PG_ARGISNULL(at))
            return std::nullopt;
        core::uuid out{};
        std::memcpy(out.data(), DatumGetUUIDP(PG_GETARG_DATUM(at))->data, UUID_LEN);
        return out;
    }
    Datum take(const char *what) {
        const int at = next++;
        if (PG_ARGISNULL(at))
            throw core::error{k_null_not_allowed, std::string{what} + " may not be NULL", {},
                              "What a value is bound to is part of what protects it."};
        return PG_GETARG_DATUM(at);
    }
};

// The last answer of may_name_a_team(), for the role and for the name of the workers' role that it was given for.
struct known_right {
    Oid user = InvalidOid;
    bool holds = false;
    NameData service{};
};
known_right last_right;

void forget_right(Datum, int, uint32) { last_right.user = InvalidOid; }

const char *service_role() noexcept {
    for (const pg::package_role &role : pg::package_roles()) {
        if (std::strcmp(role.name, "saas_service") == 0)
            return role.configured;
    }
    return "";
}

// Workers, and functions of the package, which have checked their caller. Asked for every value.
bool may_name_a_team() {
    static bool watching = false;
    if (!watching) {
        pg::call([] {
            CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, forget_right, 0);
            CacheRegisterSyscacheCallback(AUTHOID, forget_right, 0);
        });
        watching = true;
    }
    const Oid user = GetUserId();
    const char *service_name = service_role();
    if (last_right.user == user && std::strncmp(NameStr(last_right.service), service_name, NAMEDATALEN) == 0)
        return last_right.holds;
    const bool holds = pg::call([=] {
        const Oid service = get_role_oid(service_name, true);
        return OidIsValid(service) && has_privs_of_role(user, service);
    }) || user == pg::internal_role_id();
    last_right.holds = holds;
    namestrcpy(&last_right.service, service_name);
    last_right.user = user;
    return holds;
}

void read_binding(argument_reader &arguments, shape form, core::encryption::binding &bound) {
    if (form == shape::asset) {
        core::uuid asset{};
        std::memcpy(asset.data(), DatumGetUUIDP(arguments.take("the asset"))->data, UUID_LEN);
        bound.asset = asset;
    }
    if (form == shape::column) {
        const Oid table = DatumGetObjectId(arguments.take("the table"));
        const Name column = DatumGetName(arguments.take("the column"));
        bound.asset = asset_of(table, NameStr(*column));
    }
    if (form != shape::tenant)
        bound.row = arguments.take_uuid();
}

} // namespace

core::uuid team_to_act_for(const std::optional<core::uuid> &named) {
    const auto *context = context::current();
    if (!named && context == nullptr)
        throw core::error{k_no_team, "there is no team to encrypt or decrypt for", {},
                          "Set the request context with saas.set_context(); a worker may name p_team instead."};
    if (!named)
        return context->team;
    const bool own = context != nullptr && context->team == *named;
    if (!own && !may_name_a_team())
        throw core::error{k_insufficient_privilege, "permission denied to use the keys of that team", {},
                          "Only workers (saas_service) name a team other than that of the request context."};
    return *named;
}

request encrypting_request(FunctionCallInfo fcinfo, shape form) {
    request asked{};
    argument_reader arguments{fcinfo};
    std::optional<core::uuid> team;
    read_binding(arguments, form, asked.bound);
    if (form != shape::tenant) {
        asked.subject = arguments.take_uuid();
        const int at = arguments.next++;
        if (!PG_ARGISNULL(at)) {
            asked.chosen =
                core::encryption::parse_algorithm(pg::text_view_unsafe(PG_GETARG_DATUM(at)));
            if (!asked.chosen)
                throw core::error{core::k_invalid_parameter_value, "there is no such algorithm", {},
                                  "The algorithms are xaes-256-gcm, aes-256-gcm and aes-256-siv."};
        }
        team = arguments.take_uuid();
    }
    asked.bound.tenant = team_to_act_for(team);
    return asked;
}

request decrypting_request(FunctionCallInfo fcinfo, shape form) {
    request asked{};
    argument_reader arguments{fcinfo};
    read_binding(arguments, form, asked.bound);
    asked.bound.tenant =
        team_to_act_for(form == shape::tenant ? std::nullopt : arguments.take_uuid());
    return asked;
}

key_owner owner_of(const request &asked) noexcept {
    return {asked.bound.tenant, asked.subject ? "subject" : "tenant", asked.subject, std::nullopt};
}

} // namespace saas::encryption
