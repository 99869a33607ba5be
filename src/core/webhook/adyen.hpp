// SPDX-License-Identifier: PostgreSQL
// Verification of Adyen's webhooks.
//
// Source: https://docs.adyen.com/development-resources/webhooks/verify-hmac-signatures. A standard
// notification is a batch: {"notificationItems": [{"NotificationRequestItem": {…}}, …]}, and every
// item carries its own signature, in additionalData.hmacSignature: the Base64 of
// HMAC-SHA256(key, "pspReference:originalReference:merchantAccountCode:merchantReference:value:
// currency:eventCode:success"), where a missing member is empty and nothing is escaped. The key is
// kept in hexadecimal digits. Webhooks of the platform sign the raw body instead, in the header
// HmacSignature. There is no time in either.
#pragma once

#include "core/webhook/verdict.hpp"

namespace saas::core::webhook {

inline constexpr std::size_t k_max_adyen_items = 1000;

// Verifies a batch: every item has to be genuine, under the same secret or different ones. An item
// with a colon in another member than merchantReference is refused, since the text that is signed
// could then be cut in two ways. The verdict's event id is "eventCode:pspReference" of each item,
// joined by commas; its secret the first item's. `secrets` are keys in hexadecimal digits.
[[nodiscard]] verdict verify_adyen(bytes body, std::span<const bytes> secrets);

// Verifies a webhook of the platform by the value of its header HmacSignature.
[[nodiscard]] verdict verify_adyen_platform(std::string_view header, bytes body,
                                            std::span<const bytes> secrets);

} // namespace saas::core::webhook
