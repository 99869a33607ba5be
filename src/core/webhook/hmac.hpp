// SPDX-License-Identifier: PostgreSQL
// Verification of webhooks that are signed with one HMAC-SHA256 over their body: Square, Razorpay,
// and Standard Webhooks with Svix.
#pragma once

#include "core/webhook/verdict.hpp"

namespace saas::core::webhook {

// Square. Source: https://developer.squareup.com/docs/webhooks/step3validate. The header
// x-square-hmacsha256-signature is the Base64 of HMAC-SHA256(key, notification URL + raw body), the
// key verbatim. `url` is the URL as it is registered with Square. There is no time in it: a replay
// is recognised by the event's id alone, the member "event_id" of the body.
[[nodiscard]] verdict verify_square(std::string_view header, std::string_view url, bytes body,
                                    std::span<const bytes> secrets);

// Razorpay. Source: https://razorpay.com/docs/webhooks/validate-test/. The header
// X-Razorpay-Signature is HMAC-SHA256(secret, raw body) in hexadecimal digits. Neither a time nor
// the event's id, the header x-razorpay-event-id, is signed.
[[nodiscard]] verdict verify_razorpay(std::string_view header, bytes body,
                                      std::span<const bytes> secrets);

// The headers of a delivery by Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature.
struct standard_headers {
    std::string_view id;
    std::string_view timestamp; // unix seconds
    std::string_view signature; // a list of "v1,<Base64>" and "v1a,<Base64>", separated by spaces
};

// Standard Webhooks. Source: https://github.com/standard-webhooks/standard-webhooks, the
// specification. Signed is "<id>.<timestamp>.<raw body>": v1 with HMAC-SHA256 under a secret
// "whsec_<Base64>", v1a with Ed25519 (RFC 8032) under a key pair whose public half is given as
// "whpk_<Base64>". A secret in another notation never matches. The verdict's event id is the header
// webhook-id. `now` in unix seconds, `tolerance` in seconds, at least 0. Throws core::error XX000
// when OpenSSL refuses.
[[nodiscard]] verdict verify_standard(const standard_headers &headers, bytes body,
                                      std::span<const bytes> secrets, std::int64_t now,
                                      std::int64_t tolerance = k_default_tolerance_seconds);

} // namespace saas::core::webhook
