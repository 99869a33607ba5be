// SPDX-License-Identifier: PostgreSQL
// What a certificate says of itself, and whether it may sign PayPal's webhooks.
#pragma once

#include "core/webhook/verdict.hpp"

#include <array>

namespace saas::core::webhook {

struct certificate_report {
    std::string_view reason{};   // why it may not sign, of static storage; empty when it may
    std::string subject{};       // RFC 2253, at most 1000 bytes of ASCII
    std::int64_t not_before = 0; // unix seconds
    std::int64_t not_after = 0;  // unix seconds
    std::array<std::uint8_t, 32> sha256{}; // of the certificate's DER
};

// Examines the first certificate of `pem`, with the others of it as intermediates, as the one that
// is at `url`: the URL is PayPal's (is_paypal_certificate_url), the certificate is named as PayPal
// names those that sign webhooks, is valid at `time` (unix seconds) and chains to one of the
// elements of `secrets` that are labelled TRUSTED CERTIFICATE. Subject, times and digest are given
// when there is a certificate at all. Throws core::error 53200 when OpenSSL has no memory.
[[nodiscard]] certificate_report examine_paypal_certificate(std::string_view url, bytes pem,
                                                            std::span<const bytes> secrets,
                                                            std::int64_t time);

} // namespace saas::core::webhook
