// SPDX-License-Identifier: PostgreSQL
// saas.verify_webhook(): is this delivery from the provider, and is it fresh?
#include "core/error.hpp"
#include "core/webhook/adyen.hpp"
#include "core/webhook/hmac.hpp"
#include "core/webhook/paypal.hpp"
#include "core/webhook/stripe.hpp"
#include "payments/arguments.hpp"
#include "pg/datum.hpp"
#include "pg/json_lookup.hpp"

#include <cstring>
#include <string_view>

#include "pg/prelude.hpp"

extern "C" {
#include "access/htup_details.h" // heap_form_tuple
#include "funcapi.h"             // get_call_result_type
#include "utils/builtins.h"      // CStringGetTextDatum
}

using namespace saas; // NOLINT: entry points only
using core::webhook::bytes;
using core::webhook::verdict;

namespace {

enum argument { provider, headers, body, url, secrets, at, tolerance };

// What the answer consists of, as plain data.
struct answer {
    bool ok = false;
    std::string_view reason; // of static storage, or allocated
    std::int32_t secret_no = 0;
    std::int64_t signed_at = -1; // unix seconds
    char *event_id = nullptr;
};

// The arguments, as plain data. Everything points into them.
struct delivery {
    Jsonb *headers;
    bytes body;
    std::string_view url;
    std::span<const bytes> secrets;
    std::int64_t now; // unix seconds
    std::int32_t tolerance;
};

// The value of a header that the scheme needs. False, with the reason, when there is none.
bool find(const delivery &d, const char *name, std::string_view &value, answer &a) {
    switch (pg::find_header(d.headers, name, value)) {
    case pg::header_state::missing:
        a.reason = psprintf("missing %s header", name);
        return false;
    case pg::header_state::ambiguous:
        a.reason = "invalid signature header";
        return false;
    case pg::header_state::found:
        return true;
    }
    return false;
}

core::webhook::refusal take(const verdict &v, answer &a) {
    a.ok = v.ok();
    a.reason = core::webhook::text_of(v.reason);
    a.secret_no = v.secret_no;
    a.signed_at = v.signed_at;
    if (v.ok() && !v.event_id.empty())
        pg::call([&] { a.event_id = pnstrdup(v.event_id.data(), v.event_id.size()); });
    return v.reason;
}

// The event's id in the body of a genuine delivery: nothing of a forged body is parsed.
void take_event_id(const delivery &d, const char *key, answer &a) {
    if (a.ok)
        (void)pg::find_string({reinterpret_cast<const char *>(d.body.data()), d.body.size()}, key,
                              &a.event_id);
}

void verify_stripe(const delivery &d, answer &a) {
    std::string_view header;
    if (!find(d, "Stripe-Signature", header, a))
        return;
    take(core::webhook::verify_stripe(header, d.body, d.secrets, d.now, d.tolerance), a);
    take_event_id(d, "id", a);
}

void verify_square(const delivery &d, answer &a) {
    std::string_view header;
    if (!find(d, "x-square-hmacsha256-signature", header, a))
        return;
    take(core::webhook::verify_square(header, d.url, d.body, d.secrets), a);
    take_event_id(d, "event_id", a);
}

void verify_razorpay(const delivery &d, answer &a) {
    std::string_view header;
    std::string_view id;
    if (!find(d, "X-Razorpay-Signature", header, a) || !find(d, "x-razorpay-event-id", id, a))
        return;
    take(core::webhook::verify_razorpay(header, d.body, d.secrets), a);
    if (a.ok)
        a.event_id = pnstrdup(id.data(), id.size());
}

void verify_adyen(const delivery &d, answer &a) {
    std::string_view header;
    switch (pg::find_header(d.headers, "HmacSignature", header)) {
    case pg::header_state::ambiguous:
        a.reason = "invalid signature header";
        return;
    case pg::header_state::missing:
        take(core::webhook::verify_adyen(d.body, d.secrets), a);
        return;
    case pg::header_state::found:
        take(core::webhook::verify_adyen_platform(header, d.body, d.secrets), a);
        take_event_id(d, "id", a);
        return;
    }
}

// Standard Webhooks, under its own names of the headers or Svix's.
void verify_standard(const delivery &d, const char *const (&names)[3], answer &a) {
    core::webhook::standard_headers h;
    if (find(d, names[0], h.id, a) && find(d, names[1], h.timestamp, a) &&
        find(d, names[2], h.signature, a))
        take(core::webhook::verify_standard(h, d.body, d.secrets, d.now, d.tolerance), a);
}

void verify_paypal(const delivery &d, answer &a) {
    core::webhook::paypal_headers h;
    if (!find(d, "PAYPAL-TRANSMISSION-ID", h.transmission_id, a) ||
        !find(d, "PAYPAL-TRANSMISSION-TIME", h.transmission_time, a) ||
        !find(d, "PAYPAL-TRANSMISSION-SIG", h.signature, a) ||
        !find(d, "PAYPAL-CERT-URL", h.certificate_url, a) ||
        !find(d, "PAYPAL-AUTH-ALGO", h.algorithm, a))
        return;
    if (take(core::webhook::verify_paypal(h, d.body, d.secrets, d.now, d.tolerance), a) ==
        core::webhook::refusal::certificate_needed) // at a URL that is safe to show
        a.reason = psprintf("certificate needed: %.*s", static_cast<int>(h.certificate_url.size()),
                            h.certificate_url.data());
    take_event_id(d, "id", a);
}

constexpr const char *k_standard[] = {"webhook-id", "webhook-timestamp", "webhook-signature"};
constexpr const char *k_svix[] = {"svix-id", "svix-timestamp", "svix-signature"};

void verify(std::string_view provider_name, const delivery &d, answer &a) {
    if (provider_name == "stripe")
        verify_stripe(d, a);
    else if (provider_name == "paypal")
        verify_paypal(d, a);
    else if (provider_name == "square")
        verify_square(d, a);
    else if (provider_name == "adyen")
        verify_adyen(d, a);
    else if (provider_name == "razorpay")
        verify_razorpay(d, a);
    else if (provider_name == "standard")
        verify_standard(d, k_standard, a);
    else if (provider_name == "svix")
        verify_standard(d, k_svix, a);
    else
        a.reason = "unsupported provider";
}

// The columns of the answer, looked up once for each call site.
TupleDesc columns_of(FunctionCallInfo fcinfo) {
    if (fcinfo->flinfo->fn_extra == nullptr) {
        MemoryContext before = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
        TupleDesc columns = nullptr;
        if (get_call_result_type(fcinfo, nullptr, &columns) == TYPEFUNC_COMPOSITE)
            fcinfo->flinfo->fn_extra = BlessTupleDesc(columns);
        MemoryContextSwitchTo(before);
    }
    if (fcinfo->flinfo->fn_extra == nullptr)
        throw core::error{core::k_internal_error,
                          "saas.verify_webhook() is declared with another result"};
    return static_cast<TupleDesc>(fcinfo->flinfo->fn_extra);
}

Datum tuple_of(FunctionCallInfo fcinfo, const answer &a) {
    TupleDesc columns = columns_of(fcinfo);
    // Beyond the server's calendar a signature's time is not a time.
    bool has_time = payments::is_time(a.signed_at);
    bool nulls[5] = {false, a.ok, a.secret_no == 0, a.event_id == nullptr, !has_time};
    Datum values[5] = {
        BoolGetDatum(a.ok),
        nulls[1] ? 0
                 : PointerGetDatum(cstring_to_text_with_len(a.reason.data(),
                                                            static_cast<int>(a.reason.size()))),
        Int32GetDatum(a.secret_no),
        nulls[3] ? 0 : CStringGetTextDatum(a.event_id),
        has_time ? payments::time_datum(a.signed_at) : 0,
    };
    return HeapTupleGetDatum(heap_form_tuple(columns, values, nulls));
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
    const delivery d{
        .headers = PG_GETARG_JSONB_P(headers),
        .body = payments::bytes_of(PG_GETARG_DATUM(body)),
        .url = PG_ARGISNULL(url) ? std::string_view{} : pg::text_view_unsafe(PG_GETARG_DATUM(url)),
        .secrets = payments::secrets_of(PG_GETARG_DATUM(secrets)),
        .now = payments::unix_seconds(PG_GETARG_TIMESTAMPTZ(at)),
        .tolerance = PG_GETARG_INT32(tolerance),
    };
    verify(pg::text_view_unsafe(PG_GETARG_DATUM(provider)), d, a);
    return tuple_of(fcinfo, a);
}
