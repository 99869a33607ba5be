// SPDX-License-Identifier: PostgreSQL
// Square, Razorpay, Adyen and Standard Webhooks: the vectors that the providers' own libraries use.
#include "core/webhook/adyen.hpp"
#include "core/webhook/hmac.hpp"

#include "core/sha256.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace core = saas::core;
namespace webhook = saas::core::webhook;
using webhook::refusal;
using webhook::verdict;

namespace {

std::vector<webhook::bytes> views(const std::vector<std::string> &secrets) {
    std::vector<webhook::bytes> result;
    for (const std::string &secret : secrets)
        result.push_back(core::bytes_of(secret));
    return result;
}

// Every change of one bit, and every truncation, of a text is refused by `verify`.
template <typename Verify>
void expect_all_changes_refused(const std::string &text, Verify verify) {
    for (std::size_t i = 0; i < text.size() * 8; ++i) {
        std::string changed = text;
        changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
        EXPECT_FALSE(verify(changed).ok()) << "bit " << i;
    }
    for (std::size_t length = 0; length < text.size(); ++length)
        EXPECT_FALSE(verify(text.substr(0, length)).ok()) << "length " << length;
    EXPECT_FALSE(verify(text + " ").ok());
}

} // namespace

namespace square {

const std::string k_key = "Ibxx_5AKakO-3qeNVR61Dw";
const std::string k_url = "https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9";
const std::string k_body =
    R"({"merchant_id":"MLEFBHHSJGVHD","type":"webhooks.test_notification","event_id":"ac3ac95b-f97d-458c-a6e6-18981597e05f","created_at":"2022-07-13T20:30:59.037339943Z","data":{"type":"webhooks","id":"bc368e64-01aa-407e-b46e-3231809b1129"}})";
const std::string k_header = "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4=";

verdict verify(const std::string &header = k_header, const std::string &url = k_url,
               const std::string &body = k_body,
               const std::vector<std::string> &secrets = {k_key}) {
    return webhook::verify_square(header, url, core::bytes_of(body), views(secrets));
}

TEST(square_signature, known_signatures) {
    EXPECT_TRUE(verify().ok());
    EXPECT_EQ(verify().secret_no, 1);
    EXPECT_EQ(verify().signed_at, -1);
    EXPECT_TRUE(
        verify("Cxt7+aTi4rKgcA0bC4g9EHdVtLSDWdqccmL5MvihU4U=", "https://webhook.site/webhooks",
               R"({"data":{"type":"webhooks","id":">id<"}})", {"signature-key"})
            .ok());
}

TEST(square_signature, refusals) {
    EXPECT_EQ(verify(k_header, k_url + "/").reason, refusal::no_signature);
    EXPECT_EQ(verify(k_header, "").reason, refusal::no_url);
    EXPECT_EQ(verify(k_header, k_url, k_body, {}).reason, refusal::no_secret);
    EXPECT_EQ(verify(k_header, k_url, k_body, {""}).reason, refusal::no_secret);
    EXPECT_EQ(verify(k_header, k_url, k_body, {"new", k_key}).secret_no, 2);
    for (const char *header : {"", "x", "GF4Y", "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4"})
        EXPECT_EQ(verify(header).reason, refusal::invalid_header) << header;
    // The bytes that were signed, not what they mean.
    EXPECT_EQ(verify(k_header, k_url, R"({ "merchant_id":"MLEFBHHSJGVHD"})").reason,
              refusal::no_signature);
    expect_all_changes_refused(k_body,
                               [](const std::string &b) { return verify(k_header, k_url, b); });
    expect_all_changes_refused(k_url, [](const std::string &u) { return verify(k_header, u); });
    // What is cut from the URL and put before the body would be the same bytes: only a URL that the
    // team has configured may be given.
}

} // namespace square

namespace razorpay {

const std::string k_body = R"({"a":1,"b":2,"c":{"d":3}})";
const std::string k_header = "2fe04e22977002e6c7cb553adab8b460cb9e2a4970d5953cb27a8472752e3bbc";

verdict verify(const std::string &header = k_header, const std::string &body = k_body,
               const std::vector<std::string> &secrets = {"123456"}) {
    return webhook::verify_razorpay(header, core::bytes_of(body), views(secrets));
}

TEST(razorpay_signature, known_signature_and_refusals) {
    EXPECT_TRUE(verify().ok());
    EXPECT_EQ(verify(k_header, k_body, {"654321", "123456"}).secret_no, 2);
    EXPECT_EQ(verify(k_header, k_body, {"654321"}).reason, refusal::no_signature);
    EXPECT_EQ(verify(k_header, k_body, {}).reason, refusal::no_secret);
    EXPECT_EQ(verify(k_header, R"({"b":2,"a":1,"c":{"d":3}})").reason, refusal::no_signature);
    EXPECT_EQ(verify("").reason, refusal::invalid_header);
    EXPECT_EQ(verify(k_header + "00").reason, refusal::invalid_header);
    expect_all_changes_refused(k_body, [](const std::string &b) { return verify(k_header, b); });
}

} // namespace razorpay

namespace adyen {

const std::string k_key = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";

std::string item(const std::string &signature, const std::string &value = "1130",
                 const std::string &code = "AUTHORISATION", const std::string &success = "\"true\"",
                 const std::string &reference = "TestPayment-1407325143704") {
    return R"({"NotificationRequestItem":{"pspReference":"7914073381342284","merchantAccountCode":"TestMerchant","merchantReference":")" +
           reference + R"(","amount":{"value":)" + value + R"(,"currency":"EUR"},"eventCode":")" +
           code + R"(","success":)" + success + R"(,"additionalData":{"hmacSignature":")" +
           signature + R"("}}})";
}

std::string batch(const std::vector<std::string> &items) {
    std::string list;
    for (const std::string &each : items)
        list += (list.empty() ? "" : ",") + each;
    return R"({"live":"false","notificationItems":[)" + list + "]}";
}

verdict verify(const std::string &body, const std::vector<std::string> &secrets = {k_key}) {
    return webhook::verify_adyen(core::bytes_of(body), views(secrets));
}

const std::string k_authorisation = "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=";
const std::string k_refund = "J7HhsgZo5KwqdB7LFZJV6rfQgp+RqC2kuYyw/3x3w+8=";

TEST(adyen_signature, known_signatures) {
    verdict v = verify(batch({item(k_authorisation)}));
    EXPECT_TRUE(v.ok());
    EXPECT_EQ(v.event_id, "AUTHORISATION:7914073381342284");
    EXPECT_TRUE(verify(batch({item(k_authorisation, "1130", "AUTHORISATION", "true")})).ok());
    EXPECT_TRUE(verify(batch({item(k_authorisation, "\"1130\"")})).ok());
    EXPECT_TRUE(verify(batch({item(k_refund, "0", "REFUND")})).ok());
    EXPECT_EQ(verify(batch({item("Ny9gS2veKo5E4w8/OL6xz1/wvT/hYkAXy1xNc/QvO4I=")}),
                     {k_key, "DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00"})
                  .secret_no,
              2);
    EXPECT_TRUE(
        verify(
            R"({"notificationItems":[{"NotificationRequestItem":{"pspReference":"pspReference","originalReference":"originalReference","merchantAccountCode":"merchantAccount","merchantReference":"reference","amount":{"currency":"EUR","value":1000},"eventCode":"CAPTURE","success":true,"additionalData":{"hmacSignature":"xhpHvYq2u2Np0rstbZ6QjLGu7JWhvf7Iwaa6EviJSX0="}}}]})",
            {"dfb1eb5485895cfa84146406857104abb4cbcabdc8aaf103a624c8f6a3eaab00"})
            .ok());
}

TEST(adyen_signature, every_item_of_a_batch_counts) {
    verdict both = verify(batch({item(k_authorisation), item(k_refund, "0", "REFUND")}));
    EXPECT_TRUE(both.ok());
    EXPECT_EQ(both.event_id, "AUTHORISATION:7914073381342284,REFUND:7914073381342284");
    EXPECT_EQ(verify(batch({item(k_authorisation), item(k_refund, "5000", "REFUND")})).reason,
              refusal::no_signature);
    EXPECT_EQ(verify(batch({item(k_authorisation), "{}"})).reason, refusal::invalid_body);
    EXPECT_EQ(verify(batch({item(k_authorisation), "null"})).reason, refusal::invalid_body);
}

TEST(adyen_signature, refusals) {
    EXPECT_EQ(verify(batch({item(k_authorisation, "1131")})).reason, refusal::no_signature);
    EXPECT_EQ(verify(batch({item(k_authorisation, "1130", "REFUND")})).reason,
              refusal::no_signature);
    EXPECT_EQ(verify(batch({item(k_authorisation, "1130", "AUTHORISATION", "false")})).reason,
              refusal::no_signature);
    EXPECT_EQ(verify(batch({item(k_authorisation, "1130.0")})).reason, refusal::invalid_body);
    EXPECT_EQ(verify(batch({item(k_authorisation, "{}")})).reason, refusal::invalid_body);
    EXPECT_EQ(verify(batch({item(k_authorisation)}), {}).reason, refusal::no_secret);
    EXPECT_EQ(verify(batch({item(k_authorisation)}), {"", "xyz", "447"}).reason,
              refusal::no_secret);
    for (const char *body : {"", "{}", "[]", "null", R"({"notificationItems":{}})",
                             R"({"notificationItems":[]})", R"({"notificationItems":[)"})
        EXPECT_EQ(verify(body).reason, refusal::invalid_body) << body;
}

TEST(adyen_signature, a_text_that_can_be_cut_in_two_ways_is_refused) {
    // "…:TestMerchant:<reference>:1130:EUR:…": a colon may only stand where it cannot move a
    // border.
    std::string moved =
        R"({"NotificationRequestItem":{"pspReference":"7914073381342284:","merchantAccountCode":"TestMerchant:TestPayment-1407325143704","amount":{"value":1130,"currency":"EUR"},"eventCode":"AUTHORISATION","success":"true","additionalData":{"hmacSignature":")" +
        k_authorisation + R"("}}})";
    EXPECT_EQ(verify(batch({moved})).reason, refusal::invalid_body);
    const std::string text = "7914073381342284::TestMerchant:a:b:1130:EUR:AUTHORISATION:true";
    std::vector<std::uint8_t> key(32);
    ASSERT_TRUE(core::from_hex(k_key, key));
    const webhook::bytes parts[] = {core::bytes_of(text)};
    EXPECT_TRUE(verify(batch({item(core::to_base64(core::hmac_sha256(key, parts)), "1130",
                                   "AUTHORISATION", "true", "a:b")}))
                    .ok());
}

TEST(adyen_signature, platform_webhooks_sign_the_raw_body) {
    const std::string body = R"({"type":"balancePlatform.payout.created"})";
    std::vector<std::uint8_t> key(32);
    ASSERT_TRUE(core::from_hex(k_key, key));
    const webhook::bytes parts[] = {core::bytes_of(body)};
    const std::string header = core::to_base64(core::hmac_sha256(key, parts));
    auto check = [&](const std::string &h, const std::string &b) {
        return webhook::verify_adyen_platform(h, core::bytes_of(b), views({k_key}));
    };
    EXPECT_TRUE(check(header, body).ok());
    EXPECT_EQ(check("", body).reason, refusal::invalid_header);
    expect_all_changes_refused(body, [&](const std::string &b) { return check(header, b); });
}

} // namespace adyen

namespace standard {

const std::string k_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const std::string k_id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const std::string k_time = "1614265330";
const std::string k_body = R"({"test": 2432232314})";
const std::string k_signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const std::string k_signature_a =
    "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==";
// The public half of the key pair whose seed is the text "TESTSIGNINGKEYDONOTUSETHISFORANY".
const std::string k_public_key = "whpk_ZlN4eg7dSSqi0moX9hQUk3orrOouK3QVQSlJa248c/g=";

verdict verify(const std::string &signature = k_signature,
               const std::vector<std::string> &secrets = {k_secret},
               const std::string &body = k_body, std::int64_t now = 1614265330,
               const std::string &id = k_id, const std::string &time = k_time) {
    return webhook::verify_standard({id, time, signature}, core::bytes_of(body), views(secrets),
                                    now);
}

TEST(standard_webhooks, known_signatures) {
    EXPECT_TRUE(verify().ok());
    EXPECT_EQ(verify().event_id, k_id);
    EXPECT_EQ(verify().signed_at, 1614265330);
    EXPECT_TRUE(verify(k_signature_a, {k_public_key}).ok());
    EXPECT_TRUE(verify("v1,AAAA v2,x " + k_signature, {"whsec_AAAA", k_secret}).ok());
    EXPECT_EQ(verify("v1,AAAA " + k_signature, {"whsec_AAAA", k_secret}).secret_no, 2);
}

TEST(standard_webhooks, refusals) {
    EXPECT_EQ(verify(k_signature, {}).reason, refusal::no_secret);
    EXPECT_EQ(verify(k_signature, {k_public_key}).reason, refusal::no_signature);
    EXPECT_EQ(verify(k_signature_a, {k_secret}).reason, refusal::no_signature);
    EXPECT_EQ(verify(k_signature, {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}).reason,
              refusal::no_signature);
    EXPECT_EQ(verify(k_signature, {"whsec_", "whsec_!", "whpk_AA=="}).reason,
              refusal::no_signature);
    EXPECT_EQ(verify(k_signature_a, {"whpk_AA=="}).reason, refusal::no_signature);
    EXPECT_EQ(verify("v1a" + k_signature.substr(2)).reason, refusal::no_signature);
    EXPECT_EQ(verify("").reason, refusal::no_signature);
    EXPECT_EQ(verify(k_signature, {k_secret}, k_body, 1614265330, "").reason,
              refusal::invalid_header);
    // "msg.1614265330" and the time "…" sign the same text as "msg" and "1614265330.…".
    EXPECT_EQ(verify(k_signature, {k_secret}, k_body, 1614265330, "a.b").reason,
              refusal::invalid_header);
    EXPECT_EQ(verify(k_signature, {k_secret}, k_body, 1614265330, k_id, "x").reason,
              refusal::invalid_header);
    EXPECT_EQ(verify(k_signature, {k_secret}, k_body, 1614265331 + 300).reason, refusal::too_old);
    EXPECT_EQ(verify(k_signature, {k_secret}, k_body, 1614265329 - 300).reason, refusal::in_future);
    expect_all_changes_refused(
        k_body, [](const std::string &b) { return verify(k_signature, {k_secret}, b); });
    expect_all_changes_refused(
        k_body, [](const std::string &b) { return verify(k_signature_a, {k_public_key}, b); });
    expect_all_changes_refused(k_id, [](const std::string &id) {
        return verify(k_signature, {k_secret}, k_body, 1614265330, id);
    });
}

} // namespace standard
