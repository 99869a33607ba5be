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

std::uint64_t unix_microseconds() {
    constexpr TimestampTz k_epoch_offset =
        static_cast<TimestampTz>(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
    return static_cast<std::uint64_t>(GetCurrentTimestamp() + k_epoch_offset);
}

using random_bits = std::array<std::uint8_t, core::uuid_v7_generator::k_random_bytes>;

// The generator is asked for many at a time: one call of it costs more than an identifier. A process
// that was forked begins anew.
const random_bits &next_random() {
    static std::array<random_bits, 64> batch;
    static std::size_t used = batch.size();
    static int owner = 0;
    if (used == batch.size() || owner != MyProcPid) {
        if (!pg_strong_random(batch.data(), sizeof(batch)))
            throw core::error{core::k_internal_error, "could not generate random bytes"};
        used = 0;
        owner = MyProcPid;
    }
    return batch[used++];
}

} // namespace

SAAS_FUNCTION(saas_uuid_v7) {
    static core::uuid_v7_generator generator;
    return pg::uuid_datum(generator.next(unix_microseconds(), next_random()));
}

SAAS_FUNCTION(saas_current_team_id) {
    const auto *context = context::current();
    if (context == nullptr)
        PG_RETURN_NULL();
    return pg::uuid_datum(context->team);
}

SAAS_FUNCTION(saas_current_user_id) {
    const auto *context = context::current();
    if (context == nullptr || !context->user)
        PG_RETURN_NULL();
    return pg::uuid_datum(*context->user);
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

SAAS_FUNCTION(saas_current_scopes) {
    const auto *context = context::current();
    if (context == nullptr || !context->scopes)
        PG_RETURN_NULL();
    return pg::text_array_datum(*context->scopes);
}

SAAS_FUNCTION(saas_has_scope) {
    const auto *context = context::current();
    if (context == nullptr || PG_ARGISNULL(0))
        PG_RETURN_BOOL(false);
    PG_RETURN_BOOL(!context->scopes ||
                   core::context::scope_covers(*context->scopes,
                                               pg::text_string(PG_GETARG_DATUM(0))));
}

SAAS_FUNCTION(saas_check_scopes) {
    if (PG_ARGISNULL(0))
        throw core::error{core::k_invalid_parameter_value, "scopes are needed", {},
                          "{*} stands for everything that the role may."};
    (void)core::context::checked_scopes(pg::text_array(PG_GETARG_DATUM(0)));
    PG_RETURN_VOID();
}

SAAS_FUNCTION(saas_current_api_key_id) {
    const auto *context = context::current();
    if (context == nullptr || !context->credential || context->user)
        PG_RETURN_NULL();
    return pg::uuid_datum(*context->credential);
}

SAAS_FUNCTION(saas_current_session_id) {
    const auto *context = context::current();
    if (context == nullptr || !context->credential || !context->user)
        PG_RETURN_NULL();
    return pg::uuid_datum(*context->credential);
}

// The role of somebody who has proved who they are; in its other forms scopes, and the session.
SAAS_FUNCTION(saas_sign_context) {
    if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
        throw core::error{core::k_invalid_parameter_value, "a context needs a team and a role"};
    auto role = core::context::parse_role(pg::text_string(PG_GETARG_DATUM(2)));
    if (!role)
        throw core::error{core::k_invalid_parameter_value, "there is no such role in a team"};
    core::context::request_context signed_for{};
    signed_for.team = uuid_argument(PG_GETARG_DATUM(0));
    signed_for.role = *role;
    if (!PG_ARGISNULL(1))
        signed_for.user = uuid_argument(PG_GETARG_DATUM(1));
    if (PG_NARGS() > 3 && !PG_ARGISNULL(3))
        signed_for.scopes = core::context::checked_scopes(pg::text_array(PG_GETARG_DATUM(3)));
    if (PG_NARGS() > 4 && !PG_ARGISNULL(4) && signed_for.user)
        signed_for.credential = uuid_argument(PG_GETARG_DATUM(4));
    context::set(std::move(signed_for));
    PG_RETURN_VOID();
}
