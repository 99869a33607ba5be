// SPDX-License-Identifier: PostgreSQL
#include "core/webhook/certificate_report.hpp"

#include "core/webhook/certificates.hpp"
#include "core/webhook/paypal.hpp"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <ctime>

namespace saas::core::webhook {
namespace {

constexpr std::size_t k_max_subject_bytes = 1000;
constexpr std::string_view k_trusted = "-----BEGIN TRUSTED CERTIFICATE-----";

struct release_bio {
    void operator()(BIO *p) const noexcept { BIO_free(p); }
};

std::vector<certificate> trusted_of(std::span<const bytes> secrets) {
    std::vector<certificate> result;
    for (bytes secret : secrets) {
        const std::string_view text{reinterpret_cast<const char *>(secret.data()), secret.size()};
        if (!text.starts_with(k_trusted))
            continue;
        for (certificate &each : read_certificates(secret))
            result.push_back(std::move(each));
    }
    return result;
}

std::string subject_of(X509 *leaf) {
    const std::unique_ptr<BIO, release_bio> out{BIO_new(BIO_s_mem())};
    if (!out || X509_NAME_print_ex(out.get(), X509_get_subject_name(leaf), 0, XN_FLAG_RFC2253) < 0)
        return {};
    std::string result(k_max_subject_bytes, '\0');
    const int length = BIO_read(out.get(), result.data(), static_cast<int>(result.size()));
    result.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
    // The flags escape what is not ASCII; whatever else is in it must not reach a terminal.
    std::replace_if(
        result.begin(), result.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return result;
}

// Unix seconds of a certificate's time; false when it is none.
bool seconds_of(const ASN1_TIME *time, std::int64_t &seconds) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1)
        return false;
    seconds = static_cast<std::int64_t>(timegm(&parts));
    return true;
}

} // namespace

certificate_report examine_paypal_certificate(std::string_view url, bytes pem,
                                              std::span<const bytes> secrets, std::int64_t time) {
    certificate_report report;
    const std::vector<certificate> presented = read_certificates(pem);
    if (presented.empty()) {
        report.reason = "there is no certificate in PEM";
        return report;
    }
    X509 *leaf = presented.front().get();
    unsigned int length = 0;
    if (!seconds_of(X509_get0_notBefore(leaf), report.not_before) ||
        !seconds_of(X509_get0_notAfter(leaf), report.not_after) ||
        X509_digest(leaf, EVP_sha256(), report.sha256.data(), &length) != 1) {
        ERR_clear_error();
        report.reason = "the certificate cannot be read";
        return report;
    }
    report.subject = subject_of(leaf);
    ERR_clear_error();
    const std::vector<certificate> trusted = trusted_of(secrets);
    if (!is_paypal_certificate_url(url))
        report.reason = "the address is not PayPal's";
    else if (time < report.not_before || time >= report.not_after)
        report.reason = "the certificate is not valid at that time";
    else if (trusted.empty())
        report.reason = "no certificate is trusted that it could chain to";
    else if (!is_trusted(leaf, presented, trusted, paypal_certificate_name(url), time))
        report.reason =
            "the certificate does not bear PayPal's name, or chains to none that is trusted";
    return report;
}

} // namespace saas::core::webhook
