// SPDX-License-Identifier: PostgreSQL
// Verification of PayPal's webhooks without asking PayPal.
//
// Source: https://developer.paypal.com/api/rest/webhooks/rest/, "self verification". Signed with
// RSASSA-PKCS1-v1_5 and SHA-256 is
//     <PAYPAL-TRANSMISSION-ID>|<PAYPAL-TRANSMISSION-TIME>|<webhook id>|<CRC-32 of the raw body>
// with the CRC (ISO 3309) as an unsigned decimal number; the signature comes as Base64 in
// PAYPAL-TRANSMISSION-SIG, and the certificate is at PAYPAL-CERT-URL.
//
// The body is bound by nothing but its CRC-32, which is linear: who holds one genuine delivery can
// make another body to it. A verdict of ok therefore says that PayPal sent a delivery with this id
// at this time, not that it sent this body; money moves after PayPal's API has confirmed the event.
#pragma once

#include "core/webhook/verdict.hpp"

namespace saas::core::webhook {

struct paypal_headers {
    std::string_view transmission_id;
    std::string_view transmission_time;
    std::string_view signature;
    std::string_view certificate_url;
    std::string_view algorithm; // PAYPAL-AUTH-ALGO: SHA256withRSA, in any case
};

// Whether `url` may be asked for a certificate: https, a host that is paypal.com's or below, no
// port, user or query, at most 512 plain characters. What passes is safe to show.
[[nodiscard]] bool is_paypal_certificate_url(std::string_view url) noexcept;

// The name that the certificate at such a URL has to bear. Of static storage.
[[nodiscard]] const char *paypal_certificate_name(std::string_view url) noexcept;

// Verifies one delivery. The elements of `secrets` are told apart by how they begin:
//   "-----BEGIN CERTIFICATE-----"          the certificate at the URL, PEM, with what it is chained
//   by
//   "-----BEGIN TRUSTED CERTIFICATE-----"  a certificate that is trusted, a root or an intermediate
//   anything else                          the id of a webhook that is registered with PayPal
// The signing certificate has to be named messageverificationcerts.paypal.com, or
// messageverificationcerts.sandbox.paypal.com where the URL's host is of the sandbox, to be valid
// at the transmission time, and to chain to a trusted one. Refused with certificate_needed when no
// certificate is given, with no_secret when no webhook id is. secret_no is the position of the
// webhook's id. `now` in unix seconds, `tolerance` in seconds, at least 0. Throws core::error 53200
// when OpenSSL has no memory.
[[nodiscard]] verdict verify_paypal(const paypal_headers &headers, bytes body,
                                    std::span<const bytes> secrets, std::int64_t now,
                                    std::int64_t tolerance = k_default_tolerance_seconds);

// CRC-32 (ISO 3309, as zlib has it) of `data`.
[[nodiscard]] std::uint32_t crc32(bytes data);

} // namespace saas::core::webhook
