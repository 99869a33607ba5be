// SPDX-License-Identifier: PostgreSQL
// SQL entry points of JSON Web Tokens.
#include "core/error.hpp"
#include "core/jwt/token.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "security/jwt_keys.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_form_tuple
#include "access/xact.h"         // GetCurrentTransactionStartTimestamp
#include "funcapi.h"             // get_call_result_type
#include "mb/pg_wchar.h"         // pg_any_to_server, PG_UTF8
#include "utils/builtins.h"      // cstring_to_text
#include "utils/fmgrprotos.h"    // jsonb_in
#include "utils/timestamp.h"     // TimestampTz
}

using namespace saas; // NOLINT: entry points only

namespace {

constexpr core::sqlstate k_null_value_not_allowed{"22004"};

// A missing argument is an error: a NULL result could be taken for a token without claims.
void refuse_nulls(FunctionCallInfo fcinfo, const char *message) {
    for (int i = 0; i < PG_NARGS(); ++i) {
        if (PG_ARGISNULL(i))
            throw core::error{k_null_value_not_allowed, message};
    }
}

double now_in_seconds() {
    constexpr double k_epoch_shift =
        static_cast<double>(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
    return static_cast<double>(GetCurrentTransactionStartTimestamp()) / USECS_PER_SEC +
           k_epoch_shift;
}

core::jwt::checks checks_of(Jsonb *options) {
    core::jwt::checks wanted;
    wanted.at = now_in_seconds();
    if (!JB_ROOT_IS_OBJECT(options) || JB_ROOT_COUNT(options) > 0)
        core::jwt::parse_options(security::json_text(options), wanted);
    return wanted;
}

// `text` is JSON in UTF-8 that has been parsed before.
Datum jsonb_datum(const std::string &text) {
    return pg::call([&] {
        char *converted = pg_any_to_server(text.c_str(), static_cast<int>(text.size()), PG_UTF8);
        return DirectFunctionCall1(jsonb_in, CStringGetDatum(converted));
    });
}

Datum text_datum(std::string_view utf8) {
    return pg::call([&] {
        char *copy = pnstrdup(utf8.data(), utf8.size());
        return CStringGetTextDatum(pg_any_to_server(copy, static_cast<int>(utf8.size()), PG_UTF8));
    });
}

} // namespace

SAAS_FUNCTION(saas_verify_jwt) {
    refuse_nulls(fcinfo, "a token, its keys and the options must not be NULL");
    std::string_view token = pg::text_view_unsafe(PG_GETARG_DATUM(0));
    Jsonb *document = PG_GETARG_JSONB_P(1);
    Jsonb *options = PG_GETARG_JSONB_P(2);
    const core::jwt::checks wanted = checks_of(options);
    return jsonb_datum(core::jwt::verify(token, security::keys_of(document), wanted));
}

SAAS_FUNCTION(saas_unverified_jwt) {
    refuse_nulls(fcinfo, "a token must not be NULL");
    std::string_view token = pg::text_view_unsafe(PG_GETARG_DATUM(0));
    const core::jwt::unverified parts = core::jwt::read_unverified(token);
    return jsonb_datum("{\"header\":" + parts.header + ",\"claims\":" + parts.claims + "}");
}

SAAS_FUNCTION(saas_issue_jwt) {
    refuse_nulls(fcinfo, "claims and key must not be NULL");
    Jsonb *claims = PG_GETARG_JSONB_P(0);
    Jsonb *document = PG_GETARG_JSONB_P(1);
    const core::jwt::key with = core::jwt::parse_signing_key(security::json_text(document));
    return text_datum(core::jwt::issue(security::json_text(claims), with));
}

SAAS_FUNCTION(saas_describe_jwk) {
    Jsonb *document = PG_GETARG_JSONB_P(0);
    const core::jwt::key_description found = core::jwt::describe_key(security::json_text(document));
    const std::string_view algorithm = found.signs ? core::jwt::name_of(*found.signs) : "";
    bool nulls[3] = {found.id.empty(), algorithm.empty(), found.problem.empty()};
    Datum values[3] = {text_datum(found.id), text_datum(algorithm), text_datum(found.problem)};
    return pg::call([&] {
        TupleDesc columns = nullptr;
        if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
            throw core::error{core::k_internal_error,
                              "saas.describe_jwk() is declared with another result"};
        return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls));
    });
}
