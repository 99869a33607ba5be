// SPDX-License-Identifier: PostgreSQL
#include "audit/request.hpp"

#include "pg/settings.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // GETSTRUCT
#include "catalog/namespace.h"   // LookupExplicitNamespace
#include "catalog/pg_language.h" // ClanguageId
#include "catalog/pg_proc.h"     // Form_pg_proc
#include "catalog/pg_type.h"     // UUIDOID
#include "utils/builtins.h"      // cstring_to_text
#include "utils/datum.h"         // datumCopy
#include "utils/fmgrprotos.h"    // inet_client_addr
#include "utils/inval.h"         // CacheRegisterSyscacheCallback
#include "utils/memutils.h"      // TopMemoryContext
#include "utils/syscache.h"      // SearchSysCache3
}

namespace saas::audit {
namespace {

// A context function, found once by its full name. Its code belongs to this library, but modules do
// not include each other. Only a function in C is one: whoever owns the database can give the name
// to another function, which would run with the rights of everyone whose changes are recorded.
struct context_function {
    const char *name;
    bool known;
    Oid function; // InvalidOid: it does not exist
    FmgrInfo info;
};
context_function user_function{"current_user_id", false, InvalidOid, {}};
context_function team_function{"current_team_id", false, InvalidOid, {}};

void functions_changed(Datum, int, uint32) {
    user_function.known = false;
    team_function.known = false;
}

void watch_functions() {
    static bool watching = false;
    if (!watching) {
        CacheRegisterSyscacheCallback(PROCOID, functions_changed, 0);
        watching = true;
    }
}

void find_function(context_function &context) {
    watch_functions();
    context.function = InvalidOid;
    context.known = true; // first: a change that arrives during the look-up clears it again
    const Oid schema = get_namespace_oid("saas", true);
    oidvector *no_arguments = buildoidvector(nullptr, 0);
    HeapTuple row = SearchSysCache3(PROCNAMEARGSNSP, CStringGetDatum(context.name),
                                    PointerGetDatum(no_arguments), ObjectIdGetDatum(schema));
    if (!HeapTupleIsValid(row))
        return;
    auto *function = reinterpret_cast<Form_pg_proc>(GETSTRUCT(row));
    const bool native =
        function->prolang == ClanguageId && !function->prosecdef && function->prorettype == UUIDOID;
    const Oid found = function->oid;
    ReleaseSysCache(row);
    if (!native)
        return;
    fmgr_info_cxt(found, &context.info, TopMemoryContext);
    context.function = found;
}

optional_datum ask(context_function &context) {
    if (!context.known)
        find_function(context);
    if (!OidIsValid(context.function))
        return {0, true};
    LOCAL_FCINFO(call, 0);
    InitFunctionCallInfoData(*call, &context.info, 0, InvalidOid, nullptr, nullptr);
    const Datum value = FunctionCallInvoke(call);
    return {value, call->isnull};
}

optional_datum role_name(Oid role) {
    const char *name = GetUserNameFromId(role, true);
    if (name == nullptr)
        return {0, true};
    return {CStringGetTextDatum(name), false};
}

} // namespace

optional_datum current_user() {
    return ask(user_function);
}

optional_datum current_team() {
    return ask(team_function);
}

optional_datum effective_role() {
    return role_name(GetUserId());
}

optional_datum login_role() {
    if (GetSessionUserId() == GetUserId())
        return {0, true};
    return role_name(GetSessionUserId());
}

optional_datum request_id() {
    const char *id = pg::request_id();
    if (*id == '\0')
        return {0, true};
    return {CStringGetTextDatum(id), false};
}

optional_datum client_address() {
    // Formatting the address costs more than the rest of the row, and it never changes.
    static bool known = false;
    static optional_datum address{0, true};
    if (!known) {
        LOCAL_FCINFO(call, 0);
        InitFunctionCallInfoData(*call, nullptr, 0, InvalidOid, nullptr, nullptr);
        const Datum value = inet_client_addr(call);
        if (!call->isnull) {
            MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
            address = {datumCopy(value, false, -1), false};
            MemoryContextSwitchTo(caller);
        }
        known = true;
    }
    return address;
}

} // namespace saas::audit
