// SPDX-License-Identifier: PostgreSQL
// saas.check_webhook_certificate(): may this certificate sign a provider's webhooks?
#include "core/error.hpp"
#include "core/webhook/certificate_report.hpp"
#include "payments/arguments.hpp"
#include "pg/datum.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_form_tuple
#include "funcapi.h"             // get_call_result_type
#include "utils/builtins.h"      // cstring_to_text_with_len
}

using namespace saas; // NOLINT: entry points only
using core::webhook::bytes;

namespace {

enum argument { url, pem, secrets, at };

// The report as plain data.
struct answer {
    std::string_view reason = "the address, the certificate, the secrets or the time is missing";
    Datum subject = 0;
    Datum fingerprint = 0;
    std::int64_t not_before = -1;
    std::int64_t not_after = -1;
};

void examine(std::string_view address, bytes presented, std::span<const bytes> trusted,
             std::int64_t time, answer &a) {
    const core::webhook::certificate_report report =
        core::webhook::examine_paypal_certificate(address, presented, trusted, time);
    a.reason = report.reason;
    if (report.subject.empty())
        return;
    a.not_before = report.not_before;
    a.not_after = report.not_after;
    a.subject = pg::text_datum(report.subject);
    a.fingerprint = pg::bytea_datum(report.sha256);
}

Datum tuple_of(FunctionCallInfo fcinfo, const answer &a) {
    TupleDesc columns = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
        throw core::error{core::k_internal_error,
                          "saas.check_webhook_certificate() is declared with another result"};
    bool ok = a.reason.empty();
    bool known = a.subject != 0;
    bool nulls[6] = {false,
                     ok,
                     !known,
                     !known,
                     !known || !payments::is_time(a.not_before),
                     !known || !payments::is_time(a.not_after)};
    Datum values[6] = {
        BoolGetDatum(ok),
        nulls[1] ? 0
                 : PointerGetDatum(cstring_to_text_with_len(a.reason.data(),
                                                            static_cast<int>(a.reason.size()))),
        a.subject,
        a.fingerprint,
        nulls[4] ? 0 : payments::time_datum(a.not_before),
        nulls[5] ? 0 : payments::time_datum(a.not_after),
    };
    return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls));
}

} // namespace

SAAS_FUNCTION(saas_check_webhook_certificate) {
    answer a;
    if (!PG_ARGISNULL(url) && !PG_ARGISNULL(pem) && !PG_ARGISNULL(secrets) && !PG_ARGISNULL(at)) {
        const std::string_view address = pg::text_view_unsafe(PG_GETARG_DATUM(url));
        const bytes presented = payments::bytes_of(PG_GETARG_DATUM(pem));
        const std::span<const bytes> given = payments::secrets_of(PG_GETARG_DATUM(secrets));
        examine(address, presented, given, payments::unix_seconds(PG_GETARG_TIMESTAMPTZ(at)), a);
    }
    return tuple_of(fcinfo, a);
}
