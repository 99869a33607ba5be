// SPDX-License-Identifier: PostgreSQL
// saas.verify_webhook(): is this delivery from the provider, and is it fresh?
#include "core/error.hpp"
#include "core/webhook/stripe.hpp"
#include "pg/boundary.hpp"
#include "pg/datum.hpp"
#include "pg/json_lookup.hpp"

#include <cstring>
#include <limits>
#include <string_view>

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_form_tuple
#include "catalog/pg_type.h"     // BYTEAOID
#include "funcapi.h"             // get_call_result_type
#include "utils/array.h"         // deconstruct_array
#include "utils/builtins.h"      // CStringGetTextDatum
#include "utils/timestamp.h"     // TimestampTz
}

using namespace saas; // NOLINT: entry points only
using core::webhook::bytes;
using core::webhook::verdict;

namespace {

enum argument { provider, headers, body, url, secrets, at, tolerance };

// What the answer consists of, as plain data.
struct answer {
    bool ok = false;
    std::string_view reason; // of static storage
    std::int32_t secret_no = 0;
    std::int64_t signed_at = -1; // unix seconds
    char *event_id = nullptr;
};

bytes bytes_of(Datum value) {
    bytea *detoasted = DatumGetByteaPP(value);
    return {reinterpret_cast<const std::uint8_t *>(VARDATA_ANY(detoasted)),
            static_cast<std::size_t>(VARSIZE_ANY_EXHDR(detoasted))};
}

// The elements of a bytea[]; a NULL element is an empty secret, which never matches.
std::span<const bytes> secrets_of(Datum value) {
    Datum *elements = nullptr;
    bool *nulls = nullptr;
    int count = 0;
    deconstruct_array(DatumGetArrayTypeP(value), BYTEAOID, -1, false, TYPALIGN_INT, &elements,
                      &nulls, &count);
    auto *views = static_cast<bytes *>(palloc(sizeof(bytes) * static_cast<std::size_t>(count + 1)));
    for (int i = 0; i < count; ++i)
        new (&views[i]) bytes{nulls[i] ? bytes{} : bytes_of(elements[i])};
    return {views, static_cast<std::size_t>(count)};
}

// Whole unix seconds, rounded down; infinite times are as far away as can be.
std::int64_t unix_seconds(TimestampTz time) {
    if (TIMESTAMP_IS_NOBEGIN(time))
        return std::numeric_limits<std::int64_t>::min();
    if (TIMESTAMP_IS_NOEND(time))
        return std::numeric_limits<std::int64_t>::max();
    std::int64_t seconds = time / USECS_PER_SEC - (time % USECS_PER_SEC < 0 ? 1 : 0);
    return seconds + std::int64_t{POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE} * SECS_PER_DAY;
}

// Stripe: header Stripe-Signature, event id in the body's member "id".
void verify_stripe(FunctionCallInfo fcinfo, answer &a) {
    std::string_view header;
    switch (pg::find_header(PG_GETARG_JSONB_P(headers), "Stripe-Signature", header)) {
    case pg::header_state::missing:
        a.reason = "missing Stripe-Signature header";
        return;
    case pg::header_state::ambiguous:
        a.reason = "invalid signature header";
        return;
    case pg::header_state::found:
        break;
    }
    bytes text = bytes_of(PG_GETARG_DATUM(body));
    verdict v = core::webhook::verify_stripe(header, text, secrets_of(PG_GETARG_DATUM(secrets)),
                                             unix_seconds(PG_GETARG_TIMESTAMPTZ(at)),
                                             PG_GETARG_INT32(tolerance));
    a.ok = v.ok();
    a.reason = core::webhook::text_of(v.reason);
    a.secret_no = v.secret_no;
    a.signed_at = v.signed_at;
    if (a.ok) // nothing of a forged body is parsed
        (void)pg::find_string({reinterpret_cast<const char *>(text.data()), text.size()}, "id",
                              &a.event_id);
}

Datum tuple_of(FunctionCallInfo fcinfo, const answer &a) {
    TupleDesc columns = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
        throw core::error{core::k_internal_error,
                          "saas.verify_webhook() is declared with another result"};
    constexpr std::int64_t k_epoch_shift =
        std::int64_t{POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE} * SECS_PER_DAY;
    // Beyond the server's calendar a signature's time is not a time.
    bool has_time = a.signed_at >= 0 && a.signed_at < std::int64_t{250000} * 365 * SECS_PER_DAY;
    bool nulls[5] = {false, a.ok, a.secret_no == 0, a.event_id == nullptr, !has_time};
    Datum values[5] = {
        BoolGetDatum(a.ok),
        nulls[1] ? 0
                 : PointerGetDatum(cstring_to_text_with_len(a.reason.data(),
                                                            static_cast<int>(a.reason.size()))),
        Int32GetDatum(a.secret_no),
        nulls[3] ? 0 : CStringGetTextDatum(a.event_id),
        has_time ? TimestampTzGetDatum((a.signed_at - k_epoch_shift) * USECS_PER_SEC) : 0,
    };
    return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls));
}

} // namespace

SAAS_FUNCTION(saas_verify_webhook) {
    answer a;
    if (PG_ARGISNULL(provider) || PG_ARGISNULL(headers) || PG_ARGISNULL(body) ||
        PG_ARGISNULL(secrets) || PG_ARGISNULL(at) || PG_ARGISNULL(tolerance)) {
        a.reason = "provider, headers, body, secrets, time or tolerance is missing";
        return tuple_of(fcinfo, a);
    }
    if (PG_GETARG_INT32(tolerance) < 0)
        throw core::error{core::k_invalid_parameter_value, "the tolerance must not be negative"};
    if (pg::text_view_unsafe(PG_GETARG_DATUM(provider)) == "stripe")
        verify_stripe(fcinfo, a);
    else
        a.reason = "unsupported provider";
    return tuple_of(fcinfo, a);
}
