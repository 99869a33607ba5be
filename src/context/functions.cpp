// SPDX-License-Identifier: PostgreSQL
// SQL entry points of the request context, and identifiers.
#include <cstring>

#include "context/context.hpp"
#include "core/error.hpp"
#include "core/uuid.hpp"
#include "pg/datum.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/builtins.h"  // cstring_to_text_with_len
#include "utils/timestamp.h" // GetCurrentTimestamp
#include "utils/uuid.h"      // pg_uuid_t
}

using namespace saas; // NOLINT: entry points only

namespace {

core::uuid uuid_argument(Datum value) {
    core::uuid out{};
    std::memcpy(out.data(), DatumGetUUIDP(value)->data, UUID_LEN);
    return out;
}

Datum uuid_datum(const core::uuid &value) {
    pg_uuid_t *out = pg::call([] { return static_cast<pg_uuid_t *>(palloc(sizeof(pg_uuid_t))); });
    std::memcpy(out->data, value.data(), UUID_LEN);
    return UUIDPGetDatum(out);
}

std::uint64_t unix_microseconds() {
    constexpr TimestampTz k_epoch_offset =
        static_cast<TimestampTz>(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
    return static_cast<std::uint64_t>(GetCurrentTimestamp() + k_epoch_offset);
}

} // namespace

SAAS_FUNCTION(saas_uuid_v7) {
    static core::uuid_v7_generator generator;
    std::array<std::uint8_t, core::uuid_v7_generator::k_random_bytes> random;
    if (!pg_strong_random(random.data(), random.size()))
        throw core::error{core::k_internal_error, "could not generate random bytes"};
    return uuid_datum(generator.next(unix_microseconds(), random));
}

SAAS_FUNCTION(saas_current_team_id) {
    const auto *context = context::current();
    if (context == nullptr)
        PG_RETURN_NULL();
    return uuid_datum(context->team);
}

SAAS_FUNCTION(saas_current_user_id) {
    const auto *context = context::current();
    if (context == nullptr || !context->user)
        PG_RETURN_NULL();
    return uuid_datum(*context->user);
}

SAAS_FUNCTION(saas_current_team_role) {
    const auto *context = context::current();
    if (context == nullptr)
        PG_RETURN_NULL();
    std::string_view name = core::context::name_of(context->role);
    PG_RETURN_TEXT_P(cstring_to_text_with_len(name.data(), static_cast<int>(name.size())));
}

SAAS_FUNCTION(saas_has_team_role) {
    const auto *context = context::current();
    if (context == nullptr || PG_ARGISNULL(0) || PG_ARGISNULL(1))
        PG_RETURN_BOOL(false);
    auto least = core::context::parse_role(pg::text_string(PG_GETARG_DATUM(1)));
    if (!least)
        throw core::error{core::k_invalid_parameter_value, "there is no such role in a team", {},
                          "The roles are viewer, member, admin and owner."};
    PG_RETURN_BOOL(context->team == uuid_argument(PG_GETARG_DATUM(0)) && context->role >= *least);
}

SAAS_FUNCTION(saas_sign_context) {
    if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
        throw core::error{core::k_invalid_parameter_value, "a context needs a team and a role"};
    auto role = core::context::parse_role(pg::text_string(PG_GETARG_DATUM(2)));
    if (!role)
        throw core::error{core::k_invalid_parameter_value, "there is no such role in a team"};
    std::optional<core::uuid> user;
    if (!PG_ARGISNULL(1))
        user = uuid_argument(PG_GETARG_DATUM(1));
    context::set(uuid_argument(PG_GETARG_DATUM(0)), user, *role);
    PG_RETURN_VOID();
}
