// SPDX-License-Identifier: PostgreSQL
// PayPal: three deliveries of its sandbox from the examples of its SDKs (test/data), and deliveries
// signed here under a chain of certificates made here.
#include "core/webhook/paypal.hpp"

#include "core/sha256.hpp"
#include "core/webhook/certificate_report.hpp"
#include "core/webhook/certificates.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <sstream>

namespace core = saas::core;
namespace webhook = saas::core::webhook;
using webhook::refusal;
using webhook::verdict;

namespace {

struct delivery {
    std::string transmission_id;
    std::string transmission_time;
    std::string webhook_id;
    std::string signature;
    std::string body;
    std::string url =
        "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77";
    std::string algorithm = "SHA256withRSA";
};

verdict verify(const delivery &d, const std::vector<std::string> &secrets, std::int64_t now,
               std::int64_t tolerance = 300) {
    std::vector<webhook::bytes> views;
    for (const std::string &secret : secrets)
        views.push_back(core::bytes_of(secret));
    return webhook::verify_paypal(
        {d.transmission_id, d.transmission_time, d.signature, d.url, d.algorithm},
        core::bytes_of(d.body), views, now, tolerance);
}

// The label says that the certificate is trusted.
std::string trusted(std::string pem) {
    for (const char *word : {"-----BEGIN ", "-----END "})
        pem.insert(pem.find(word) + std::string_view{word}.size(), "TRUSTED ");
    return pem;
}

struct examples {
    std::string certificate;
    std::vector<delivery> deliveries;
};

examples read_examples() {
    std::ifstream file(SAAS_SOURCE_DIR "/test/data/paypal_webhooks.json");
    std::stringstream text;
    text << file.rdbuf();
    const boost::json::value document = boost::json::parse(text.str());
    auto string_of = [](const boost::json::value &value, const char *name) {
        return std::string{std::string_view{value.at(name).as_string()}};
    };
    examples result;
    result.certificate = string_of(document, "certificate");
    for (const boost::json::value &each : document.at("deliveries").as_array()) {
        result.deliveries.push_back(
            {string_of(each, "transmission_id"), string_of(each, "transmission_time"),
             string_of(each, "webhook_id"), string_of(each, "signature"), string_of(each, "body")});
    }
    return result;
}

struct identity {
    std::shared_ptr<EVP_PKEY> key;
    std::shared_ptr<X509> certificate;
    std::string pem;
};

constexpr std::int64_t k_now = 1700000000; // 2023-11-14T22:13:20Z
constexpr const char *k_now_text = "2023-11-14T22:13:20Z";

identity issue(const char *name, const identity *issuer, bool authority, std::int64_t valid_from,
               std::int64_t valid_to, unsigned bits = 2048) {
    static long serial = 1;
    identity result;
    result.key.reset(EVP_RSA_gen(bits), EVP_PKEY_free);
    result.certificate.reset(X509_new(), X509_free);
    X509 *c = result.certificate.get();
    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), serial++);
    ASN1_TIME_set(X509_getm_notBefore(c), valid_from);
    ASN1_TIME_set(X509_getm_notAfter(c), valid_to);
    X509_set_pubkey(c, result.key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char *>(name), -1, -1, 0);
    X509_set_issuer_name(c,
                         X509_get_subject_name(issuer == nullptr ? c : issuer->certificate.get()));
    X509_EXTENSION *constraints = X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints,
                                                      authority ? "critical,CA:TRUE" : "CA:FALSE");
    X509_add_ext(c, constraints, -1);
    X509_EXTENSION_free(constraints);
    X509_sign(c, issuer == nullptr ? result.key.get() : issuer->key.get(), EVP_sha256());
    BIO *out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, c);
    char *data = nullptr;
    long size = BIO_get_mem_data(out, &data);
    result.pem.assign(data, static_cast<std::size_t>(size));
    BIO_free(out);
    return result;
}

constexpr const char *k_live = "messageverificationcerts.paypal.com";
constexpr std::int64_t k_year = 365 * 86400;

identity issue_now(const char *name, const identity *issuer, bool authority) {
    return issue(name, issuer, authority, k_now - k_year, k_now + k_year);
}

delivery sign(const identity &signer, const std::string &webhook_id = "WH-1",
              const char *time = k_now_text) {
    delivery d{"t-1",
               time,
               webhook_id,
               "",
               R"({"id":"WH-2"})",
               "https://api.paypal.com/v1/notifications/certs/CERT-1"};
    std::string message = d.transmission_id + "|" + d.transmission_time + "|" + webhook_id + "|" +
                          std::to_string(webhook::crc32(core::bytes_of(d.body)));
    std::vector<std::uint8_t> signature(512);
    std::size_t size = signature.size();
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, signer.key.get());
    EVP_DigestSign(context, signature.data(), &size,
                   reinterpret_cast<const unsigned char *>(message.data()), message.size());
    EVP_MD_CTX_free(context);
    d.signature = core::to_base64({signature.data(), size});
    return d;
}

// Root, intermediate and signing certificate, made once: RSA keys take their time.
struct authorities {
    identity root = issue_now("Root", nullptr, true);
    identity intermediate = issue_now("Intermediate", &root, true);
    identity signer = issue_now(k_live, &intermediate, false);
    std::vector<std::string> secrets = {"WH-1", signer.pem + intermediate.pem, trusted(root.pem)};
};

const authorities &chain() {
    static const authorities instance;
    return instance;
}

} // namespace

TEST(paypal_signature, crc32_is_that_of_zlib) {
    EXPECT_EQ(webhook::crc32(core::bytes_of("123456789")), 0xcbf43926U);
    EXPECT_EQ(webhook::crc32({}), 0U);
}

TEST(paypal_signature, deliveries_of_the_sandbox) {
    const examples given = read_examples();
    ASSERT_EQ(given.deliveries.size(), 3U);
    const std::uint32_t checksums[] = {2771810304, 2487599788, 1915257671};
    for (std::size_t i = 0; i < 3; ++i) {
        const delivery &d = given.deliveries[i];
        std::int64_t now = webhook::parse_utc_time(d.transmission_time).value();
        EXPECT_EQ(webhook::crc32(core::bytes_of(d.body)), checksums[i]);
        // The authority that issued the certificate has left the stage: it vouches for itself here.
        std::vector<std::string> secrets = {"other", d.webhook_id, given.certificate,
                                            trusted(given.certificate)};
        verdict v = verify(d, secrets, now);
        EXPECT_TRUE(v.ok()) << webhook::text_of(v.reason);
        EXPECT_EQ(v.secret_no, 2);
        EXPECT_EQ(v.signed_at, now);
        EXPECT_EQ(verify(d, secrets, now + 301).reason, refusal::too_old);
        EXPECT_EQ(verify(d, secrets, now - 301).reason, refusal::in_future);
        EXPECT_EQ(verify(d, {"other", given.certificate, trusted(given.certificate)}, now).reason,
                  refusal::no_signature);
        EXPECT_EQ(verify(d, {d.webhook_id, given.certificate}, now).reason,
                  refusal::invalid_certificate);
        delivery changed = d;
        changed.body[10] = 'X';
        EXPECT_EQ(verify(changed, secrets, now).reason, refusal::no_signature);
        // Another time: not that of the certificate any more.
        changed = d;
        changed.transmission_time = "2018-01-01T00:00:00Z";
        EXPECT_EQ(verify(changed, secrets, now).reason, refusal::invalid_certificate);
    }
}

TEST(paypal_signature, a_chain_to_a_trusted_root) {
    const authorities &c = chain();
    const delivery d = sign(c.signer);
    EXPECT_TRUE(verify(d, c.secrets, k_now).ok());
    EXPECT_EQ(verify(d, c.secrets, k_now).secret_no, 1);
    // An intermediate authority may be trusted itself.
    EXPECT_TRUE(verify(d, {"WH-1", c.signer.pem, trusted(c.intermediate.pem)}, k_now).ok());
    // Not one link may be missing, and what came with the delivery is not trusted for that.
    EXPECT_EQ(verify(d, {"WH-1", c.signer.pem, trusted(c.root.pem)}, k_now).reason,
              refusal::invalid_certificate);
    EXPECT_EQ(verify(d, {"WH-1", c.signer.pem + c.intermediate.pem + c.root.pem}, k_now).reason,
              refusal::invalid_certificate);
    EXPECT_EQ(verify(d, {"WH-1", trusted(c.root.pem)}, k_now).reason, refusal::certificate_needed);
    EXPECT_EQ(verify(d, {"WH-1"}, k_now).reason, refusal::certificate_needed);
    EXPECT_EQ(verify(d, {c.signer.pem, trusted(c.root.pem)}, k_now).reason, refusal::no_secret);
}

TEST(paypal_signature, certificates_that_may_not_sign) {
    const authorities &c = chain();
    auto reason_of = [&](const identity &signer, const char *time = k_now_text) {
        return verify(sign(signer, "WH-1", time),
                      {"WH-1", signer.pem + c.intermediate.pem, trusted(c.root.pem)}, k_now)
            .reason;
    };
    EXPECT_EQ(reason_of(issue_now("evil.example", &c.intermediate, false)),
              refusal::invalid_certificate);
    EXPECT_EQ(reason_of(issue_now("messageverificationcerts.paypal.com.evil.example",
                                  &c.intermediate, false)),
              refusal::invalid_certificate);
    // The sandbox's certificate at the address of the live system.
    EXPECT_EQ(
        reason_of(issue_now("messageverificationcerts.sandbox.paypal.com", &c.intermediate, false)),
        refusal::invalid_certificate);
    EXPECT_EQ(reason_of(issue_now(k_live, nullptr, false)), refusal::invalid_certificate);
    EXPECT_EQ(reason_of(issue(k_live, &c.intermediate, false, k_now - 2 * k_year, k_now - 86400)),
              refusal::invalid_certificate);
    EXPECT_EQ(reason_of(issue(k_live, &c.intermediate, false, k_now + 86400, k_now + k_year)),
              refusal::invalid_certificate);
    // A key that is too short to be believed.
    EXPECT_EQ(
        reason_of(issue(k_live, &c.intermediate, false, k_now - k_year, k_now + k_year, 1024)),
        refusal::no_signature);
    // Signed by a certificate that is no authority.
    const identity below = issue_now(k_live, &c.signer, false);
    EXPECT_EQ(verify(sign(below),
                     {"WH-1", below.pem + c.signer.pem + c.intermediate.pem, trusted(c.root.pem)},
                     k_now)
                  .reason,
              refusal::invalid_certificate);
}

TEST(paypal_signature, addresses_of_certificates) {
    for (const char *url : {"https://api.paypal.com/v1/notifications/certs/CERT-1",
                            "https://api-m.sandbox.paypal.com/certs/CERT_1.pem"})
        EXPECT_TRUE(webhook::is_paypal_certificate_url(url)) << url;
    for (const char *url :
         {"", "https://", "http://api.paypal.com/certs/1", "https://api.paypal.com",
          "https://api.paypal.com/", "https://evil.example/api.paypal.com",
          "https://api.paypal.com.evil.example/1", "https://evilpaypal.com/1",
          "https://paypal.com@evil.example/1", "https://evil.example#.paypal.com/1",
          "https://evil.example\\.paypal.com/1", "https://api.paypal.com:444/1",
          "https://API.PAYPAL.COM/1", "https://api.paypal.com/1?next=x", "https://.paypal.com/1",
          "https://a..paypal.com/1", "https://api.paypal.com/../1", "https://api.paypal.com/%31"})
        EXPECT_FALSE(webhook::is_paypal_certificate_url(url)) << url;
    EXPECT_FALSE(
        webhook::is_paypal_certificate_url("https://api.paypal.com/" + std::string(512, 'a')));
}

TEST(paypal_signature, headers_that_cannot_be_read) {
    const authorities &c = chain();
    const delivery good = sign(c.signer);
    auto reason_with = [&](auto change) {
        delivery d = good;
        change(d);
        return verify(d, c.secrets, k_now).reason;
    };
    EXPECT_EQ(reason_with([](delivery &d) { d.algorithm = "SHA1withRSA"; }),
              refusal::invalid_header);
    EXPECT_EQ(reason_with([](delivery &d) { d.algorithm = ""; }), refusal::invalid_header);
    EXPECT_EQ(reason_with([](delivery &d) { d.transmission_id = ""; }), refusal::invalid_header);
    EXPECT_EQ(reason_with([](delivery &d) { d.transmission_id = "t-1|2023-11-14T22:13:20Z"; }),
              refusal::invalid_header);
    EXPECT_EQ(reason_with([](delivery &d) { d.transmission_time = "yesterday"; }),
              refusal::invalid_header);
    EXPECT_EQ(reason_with([](delivery &d) { d.signature = "!"; }), refusal::invalid_header);
    EXPECT_EQ(reason_with([](delivery &d) { d.signature = "AAAA"; }), refusal::no_signature);
    EXPECT_EQ(reason_with([](delivery &d) { d.transmission_id = "t-2"; }), refusal::no_signature);
    EXPECT_EQ(reason_with([](delivery &d) { d.url = "https://evil.example/cert"; }),
              refusal::invalid_certificate);
}

TEST(paypal_signature, certificates_that_cannot_be_read) {
    const delivery d = sign(chain().signer);
    for (const char *pem : {"-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\nAAAA\n",
                            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"})
        EXPECT_EQ(verify(d, {"WH-1", pem}, k_now).reason, refusal::certificate_needed) << pem;
    EXPECT_TRUE(webhook::read_certificates(core::bytes_of(std::string(1 << 20, 'a'))).empty());
}

TEST(paypal_signature, reports_of_certificates) {
    const authorities &c = chain();
    const std::string url = "https://api.paypal.com/v1/notifications/certs/CERT-1";
    const auto report_of = [&](const std::string &pem, const std::vector<std::string> &secrets,
                               std::int64_t now, const std::string &at) {
        std::vector<webhook::bytes> views;
        for (const std::string &secret : secrets)
            views.push_back(core::bytes_of(secret));
        return webhook::examine_paypal_certificate(at, core::bytes_of(pem), views, now);
    };
    const std::string pem = c.signer.pem + c.intermediate.pem;
    const webhook::certificate_report good = report_of(pem, c.secrets, k_now, url);
    EXPECT_EQ(good.reason, "");
    EXPECT_EQ(good.subject, std::string{"CN="} + k_live);
    EXPECT_EQ(good.not_before, k_now - k_year);
    EXPECT_EQ(good.not_after, k_now + k_year);
    EXPECT_EQ(report_of(pem, c.secrets, k_now + k_year - 1, url).reason, "");
    for (std::int64_t time : {k_now - k_year - 1, k_now + k_year})
        EXPECT_EQ(report_of(pem, c.secrets, time, url).reason,
                  "the certificate is not valid at that time");
    EXPECT_EQ(report_of(pem, {"WH-1"}, k_now, url).reason,
              "no certificate is trusted that it could chain to");
    EXPECT_EQ(report_of(pem, c.secrets, k_now, "https://evil.example/cert").reason,
              "the address is not PayPal's");
    EXPECT_EQ(report_of("", c.secrets, k_now, url).reason, "there is no certificate in PEM");
    const identity other = issue_now("evil\x01.example", &c.intermediate, false);
    const webhook::certificate_report bad =
        report_of(other.pem + c.intermediate.pem, c.secrets, k_now, url);
    EXPECT_NE(bad.reason, "");
    EXPECT_EQ(bad.subject.find('\x01'), std::string::npos);
    // Without what it is chained by.
    EXPECT_NE(report_of(c.signer.pem, c.secrets, k_now, url).reason, "");
}

TEST(webhook_time, utc_times) {
    EXPECT_EQ(webhook::parse_utc_time("1970-01-01T00:00:00Z"), 0);
    EXPECT_EQ(webhook::parse_utc_time(k_now_text), k_now);
    EXPECT_EQ(webhook::parse_utc_time("2023-11-14T22:13:20.123456Z"), k_now);
    EXPECT_EQ(webhook::parse_utc_time("2024-02-29T00:00:00Z"), 1709164800);
    for (const char *text :
         {"", "2023-11-14", "2023-11-14T22:13:20", "2023-11-14 22:13:20Z",
          "2023-11-14T22:13:20+00:00", "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20Zx",
          "2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z", "2023-11-14T24:00:00Z",
          "2023-11-14T22:60:00Z", "2023-11-14T22:13:60Z", "1969-12-31T23:59:59Z",
          "-023-11-14T22:13:20Z", "2023-1a-14T22:13:20Z"})
        EXPECT_EQ(webhook::parse_utc_time(text), std::nullopt) << text;
}
