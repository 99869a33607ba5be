// SPDX-License-Identifier: PostgreSQL
#include "core/webhook/stripe.hpp"

#include "core/sha256.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace core = saas::core;
namespace webhook = saas::core::webhook;
using webhook::refusal;

namespace {

const std::string k_secret = "whsec_test_secret";
const std::string k_body = R"({"id":"evt_test_webhook","object":"event"})";
const std::string k_body_of_lines = "{\n  \"id\": \"evt_test_webhook\",\n  \"object\": "
                                    "\"event\",\n  \"api_version\": \"2020-01-01\"\n}";
constexpr std::int64_t k_time = 1495999758;
const std::string k_digest = "bd9584a798a9bd54c579fb7780e70d915eb8f35bcacc651f9a06a3cce74be871";

std::string sign(const std::string &time, const std::string &body, const std::string &secret) {
    std::span<const std::uint8_t> parts[] = {core::bytes_of(time), core::bytes_of("."),
                                             core::bytes_of(body)};
    return core::to_hex(core::hmac_sha256(core::bytes_of(secret), parts));
}

webhook::verdict verify(const std::string &header, const std::string &body = k_body,
                        const std::vector<std::string> &secrets = {k_secret},
                        std::int64_t now = k_time, std::int64_t tolerance = 300) {
    std::vector<webhook::bytes> views;
    for (const std::string &secret : secrets)
        views.push_back(core::bytes_of(secret));
    return webhook::verify_stripe(header, core::bytes_of(body), views, now, tolerance);
}

const std::string k_header = "t=1495999758,v1=" + k_digest;

} // namespace

TEST(stripe_signature, known_digests) {
    EXPECT_EQ(sign("1495999758", k_body, k_secret), k_digest);
    webhook::verdict v = verify(k_header);
    EXPECT_TRUE(v.ok());
    EXPECT_EQ(v.secret_no, 1);
    EXPECT_EQ(v.signed_at, k_time);

    v = verify("t=12345,v1=88744cb5ff43b7b56410276564ff7b78fc7fa253b71b9a8115f688c5ef6a059f",
               k_body_of_lines, {k_secret}, 12345);
    EXPECT_TRUE(v.ok());
    EXPECT_EQ(v.signed_at, 12345);
}

TEST(stripe_signature, other_bytes_do_not_match) {
    EXPECT_EQ(verify(k_header, k_body + " ").reason, refusal::no_signature);
    EXPECT_EQ(verify(k_header, k_body.substr(1)).reason, refusal::no_signature);
    EXPECT_EQ(verify(k_header, R"({"object":"event","id":"evt_test_webhook"})").reason,
              refusal::no_signature);
    EXPECT_EQ(verify("t=1495999759,v1=" + k_digest).reason, refusal::no_signature);
    EXPECT_EQ(verify("t=01495999758,v1=" + k_digest).reason, refusal::no_signature);
    EXPECT_EQ(verify(k_header, "").reason, refusal::no_signature);
}

TEST(stripe_signature, several_secrets_and_several_signatures) {
    EXPECT_EQ(verify(k_header, k_body, {"whsec_new", k_secret}).secret_no, 2);
    EXPECT_EQ(verify(k_header, k_body, {k_secret, k_secret}).secret_no, 1);
    EXPECT_EQ(verify(k_header, k_body, {"whsec_other"}).reason, refusal::no_signature);
    EXPECT_EQ(verify(k_header, k_body, {"test_secret"}).reason, refusal::no_signature);
    EXPECT_EQ(verify(k_header, k_body, {}).reason, refusal::no_secret);
    std::string other = sign("1495999758", k_body, "whsec_new");
    EXPECT_TRUE(verify("t=1495999758,v1=" + other + ",v1=" + k_digest).ok());
    EXPECT_TRUE(verify("t=1495999758,v1=zz,v1=,v1=" + k_digest).ok());
    std::string upper = k_digest;
    for (char &c : upper)
        c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    EXPECT_TRUE(verify("t=1495999758,v1=" + upper).ok());
}

TEST(stripe_signature, the_empty_secret_never_matches) {
    std::string empty = sign("1495999758", k_body, "");
    EXPECT_EQ(verify("t=1495999758,v1=" + empty, k_body, {""}).reason, refusal::no_signature);
}

TEST(stripe_signature, unknown_schemes_are_skipped) {
    EXPECT_TRUE(verify("t=1495999758,v0=abc,v1=" + k_digest + ",v2=a=b").ok());
    EXPECT_EQ(verify("t=1495999758,v0=" + k_digest).reason, refusal::no_signature);
    EXPECT_EQ(verify("t=1495999758, v1=" + k_digest).reason, refusal::no_signature);
    EXPECT_EQ(verify("t=1495999758").reason, refusal::no_signature);
}

TEST(stripe_signature, invalid_headers) {
    for (const char *header : {"", ",", "v1", "t", "t=", "t=abc", "t=-1", "t=+1", "t=1 ", "t=1,",
                               "t=1,v1", "v1=00", "t=99999999999999999999", "t=1,t=1"}) {
        EXPECT_EQ(verify(header).reason, refusal::invalid_header) << header;
        EXPECT_EQ(verify(header).signed_at, -1) << header;
    }
    EXPECT_EQ(verify(k_header + "," + k_header).reason, refusal::invalid_header);
    EXPECT_EQ(verify(k_header + ",x=" + std::string(webhook::k_max_header_bytes, 'a')).reason,
              refusal::invalid_header);
}

TEST(stripe_signature, tolerance_both_ways) {
    auto at = [](std::int64_t now) { return verify(k_header, k_body, {k_secret}, now); };
    EXPECT_TRUE(at(k_time + 300).ok());
    EXPECT_EQ(at(k_time + 301).reason, refusal::too_old);
    EXPECT_EQ(at(k_time + 301).secret_no, 1);
    EXPECT_TRUE(at(k_time - 300).ok());
    EXPECT_EQ(at(k_time - 301).reason, refusal::in_future);
    EXPECT_EQ(at(std::numeric_limits<std::int64_t>::max()).reason, refusal::too_old);
    EXPECT_EQ(at(std::numeric_limits<std::int64_t>::min()).reason, refusal::in_future);
    EXPECT_TRUE(verify(k_header, k_body, {k_secret}, k_time, 0).ok());
    EXPECT_EQ(verify(k_header, k_body, {k_secret}, k_time + 1, 0).reason, refusal::too_old);
}

TEST(stripe_signature, a_forged_old_delivery_is_not_called_old) {
    EXPECT_EQ(verify("t=1,v1=" + k_digest).reason, refusal::no_signature);
}

TEST(stripe_signature, every_reason_has_a_text) {
    EXPECT_TRUE(webhook::text_of(refusal::none).empty());
    for (refusal reason : {refusal::invalid_header, refusal::no_signature, refusal::no_secret,
                           refusal::too_old, refusal::in_future})
        EXPECT_FALSE(webhook::text_of(reason).empty());
}
