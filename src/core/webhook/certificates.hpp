// SPDX-License-Identifier: PostgreSQL
// X.509 certificates (RFC 5280) that sign webhooks, by way of OpenSSL.
#pragma once

#include "core/webhook/verdict.hpp"

#include <memory>
#include <vector>

#include <openssl/x509.h>

namespace saas::core::webhook {

struct release_certificate {
    void operator()(X509 *certificate) const noexcept { X509_free(certificate); }
};
using certificate = std::unique_ptr<X509, release_certificate>;

inline constexpr std::size_t k_max_certificates = 16;
inline constexpr std::size_t k_max_pem_bytes = 64 * 1024;

// The certificates of a PEM text (RFC 7468), labelled CERTIFICATE or TRUSTED CERTIFICATE; what is
// not one ends the list. None for a text above k_max_pem_bytes, at most k_max_certificates.
[[nodiscard]] std::vector<certificate> read_certificates(bytes pem);

// Whether `leaf` is named `host` (RFC 6125), is valid at `time` (unix seconds), and chains to one
// of `trusted` by way of `intermediates`. Throws core::error 53200 when OpenSSL has no memory.
[[nodiscard]] bool is_trusted(X509 *leaf, std::span<const certificate> intermediates,
                              std::span<const certificate> trusted, const char *host,
                              std::int64_t time);

// Whether `signature` is the certificate's RSASSA-PKCS1-v1_5 signature with SHA-256 (RFC 8017) of
// `message`; never with a key below 2048 bits. Throws core::error 53200 when OpenSSL has no memory.
[[nodiscard]] bool verify_rsa_sha256(X509 *signer, std::string_view message, bytes signature);

} // namespace saas::core::webhook
