// SPDX-License-Identifier: PostgreSQL
// Verification of Stripe's webhook signatures.
//
// Source: https://docs.stripe.com/webhooks/signatures and stripe-go's webhook package. The header
// is
//     Stripe-Signature: t=<unix seconds>,v1=<hex>[,v1=<hex>…][,<other scheme>=<value>…]
// and a v1 value is HMAC-SHA256(secret, "<t>.<raw body>") with the secret taken verbatim, that is
// with its prefix "whsec_". While a secret is being rolled the header carries one v1 per secret.
#pragma once

#include "core/webhook/verdict.hpp"

namespace saas::core::webhook {

// Verifies one delivery. `header` is the value of Stripe-Signature, `body` the raw bytes as
// received, `secrets` all secrets that are valid at present (an empty secret never matches), `now`
// in unix seconds, `tolerance` in seconds, at least 0. The signature is checked before the time, so
// a reason of too_old or in_future speaks of a genuine delivery. Throws core::error XX000 when
// OpenSSL refuses.
[[nodiscard]] verdict verify_stripe(std::string_view header, bytes body,
                                    std::span<const bytes> secrets, std::int64_t now,
                                    std::int64_t tolerance = k_default_tolerance_seconds);

} // namespace saas::core::webhook
