// SPDX-License-Identifier: PostgreSQL
// Questions about access, from SQL: what the user of the request context may do in which team.
#include <cstring>

#include "access/memberships.hpp"
#include "core/error.hpp"
#include "pg/datum.hpp"
#include "pg/watched_table.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/xact.h"     // GetCurrentStatementStartTimestamp
#include "catalog/pg_type.h" // UUIDOID
#include "utils/array.h"     // construct_array
#include "utils/builtins.h"  // cstring_to_text_with_len
#include "utils/uuid.h"      // DatumGetUUIDP
}

using namespace saas; // NOLINT: entry points only
using core::access::memberships;
using core::context::team_role;

namespace {

// A statement that begins knows every revocation that was committed before it; its rows are then
// judged alike without asking for news at each of them. fn_extra holds the statement's time.
void *current_statement() noexcept {
    return reinterpret_cast<void *>(
        static_cast<std::uintptr_t>(GetCurrentStatementStartTimestamp()));
}

// The memberships that the row before was judged by, if they hold for this one; else null.
const memberships *mine_as_before(FunctionCallInfo fcinfo) noexcept {
    const FmgrInfo *call = fcinfo->flinfo;
    if (call == nullptr || call->fn_extra != current_statement())
        return nullptr;
    return access::of_same_user();
}

const memberships &mine(FunctionCallInfo fcinfo) {
    if (const memberships *same = mine_as_before(fcinfo))
        return *same;
    FmgrInfo *call = fcinfo->flinfo;
    if (call == nullptr || call->fn_extra != current_statement()) {
        pg::accept_changes();
        if (call != nullptr)
            call->fn_extra = current_statement();
    }
    return access::of_current_user();
}

core::uuid team_argument(FunctionCallInfo fcinfo) noexcept {
    core::uuid team{};
    std::memcpy(team.data(), DatumGetUUIDP(PG_GETARG_DATUM(0))->data, UUID_LEN);
    return team;
}

team_role role_argument(FunctionCallInfo fcinfo) {
    text *name = PG_GETARG_TEXT_PP(1);
    auto role = core::context::parse_role(
        {VARDATA_ANY(name), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(name))});
    if (!role)
        throw core::error{core::k_invalid_parameter_value,
                          "there is no such role in a team",
                          {},
                          "The roles are viewer, member, admin and owner."};
    return *role;
}

} // namespace

static bool can_access_as_before(FunctionCallInfo fcinfo, Datum &answer) noexcept {
    const memberships *teams = PG_ARGISNULL(0) ? nullptr : mine_as_before(fcinfo);
    if (teams == nullptr)
        return false;
    answer = BoolGetDatum(teams->has(team_argument(fcinfo)));
    return true;
}

// (team)
SAAS_FUNCTION_WITH_SHORTCUT(saas_can_access, can_access_as_before) {
    if (PG_ARGISNULL(0))
        PG_RETURN_BOOL(false);
    PG_RETURN_BOOL(mine(fcinfo).role_in(team_argument(fcinfo)).has_value());
}

// (team, least role)
SAAS_FUNCTION(saas_is_member) {
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
        PG_RETURN_BOOL(false);
    team_role least = role_argument(fcinfo);
    auto role = mine(fcinfo).role_in(team_argument(fcinfo));
    PG_RETURN_BOOL(role && *role >= least);
}

// (team, role)
SAAS_FUNCTION(saas_has_role) {
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
        PG_RETURN_BOOL(false);
    team_role wanted = role_argument(fcinfo);
    PG_RETURN_BOOL(mine(fcinfo).role_in(team_argument(fcinfo)) == wanted);
}

// (team) -> text
SAAS_FUNCTION(saas_role_in_team) {
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    auto role = mine(fcinfo).role_in(team_argument(fcinfo));
    if (!role)
        PG_RETURN_NULL();
    std::string_view name = core::context::name_of(*role);
    PG_RETURN_TEXT_P(cstring_to_text_with_len(name.data(), static_cast<int>(name.size())));
}

// () -> uuid[]
SAAS_FUNCTION(saas_my_team_ids) {
    auto teams = mine(fcinfo).all();
    auto *ids = static_cast<Datum *>(palloc(sizeof(Datum) * (teams.size() + 1)));
    for (std::size_t i = 0; i < teams.size(); ++i)
        ids[i] = PointerGetDatum(teams[i].team.data());
    PG_RETURN_ARRAYTYPE_P(construct_array(ids, static_cast<int>(teams.size()), UUIDOID, UUID_LEN,
                                          false, TYPALIGN_CHAR));
}
