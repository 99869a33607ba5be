// SPDX-License-Identifier: PostgreSQL
// Verification of Stripe's webhook signatures.
//
// Source: https://docs.stripe.com/webhooks/signatures and stripe-go's webhook package. The header
// is
//     Stripe-Signature: t=<unix seconds>,v1=<hex>[,v1=<hex>…][,<other scheme>=<value>…]
// and a v1 value is HMAC-SHA256(secret, "<t>.<raw body>") with the secret taken verbatim, that is
// with its prefix "whsec_". While a secret is being rolled the header carries one v1 per secret.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace saas::core::webhook {

// Why a delivery is refused.
enum class refusal : std::uint8_t {
    none,           // it is not refused
    invalid_header, // no or bad t, a part without '=', longer than k_max_header_bytes
    no_signature,   // no v1 value, or none of them matches any secret
    no_secret,      // nothing to compare with
    too_old,        // genuine, but t is more than the tolerance before `now`
    in_future,      // genuine, but t is more than the tolerance after `now`
};

// The refusal in words, lower case, without payload or secret; empty for refusal::none.
[[nodiscard]] std::string_view text_of(refusal reason) noexcept;

struct verdict {
    refusal reason = refusal::none;
    std::int32_t secret_no = 0;  // 1-based position of the secret that matched, 0 when none did
    std::int64_t signed_at = -1; // t in unix seconds, -1 when the header has no usable t

    [[nodiscard]] bool ok() const noexcept { return reason == refusal::none; }
};

inline constexpr std::size_t k_max_header_bytes = 8192;
inline constexpr std::int64_t k_default_tolerance_seconds = 300;

using bytes = std::span<const std::uint8_t>;

// Verifies one delivery. `header` is the value of Stripe-Signature, `body` the raw bytes as
// received, `secrets` all secrets that are valid at present (an empty secret never matches), `now`
// in unix seconds, `tolerance` in seconds, at least 0. The signature is checked before the time, so
// a reason of too_old or in_future speaks of a genuine delivery. Throws core::error XX000 when
// OpenSSL refuses.
[[nodiscard]] verdict verify_stripe(std::string_view header, bytes body,
                                    std::span<const bytes> secrets, std::int64_t now,
                                    std::int64_t tolerance = k_default_tolerance_seconds);

} // namespace saas::core::webhook
