// SPDX-License-Identifier: PostgreSQL
// Web Authentication: keys that prove nothing, and answers that two readers could take differently.
#include "core/webauthn/ceremony.hpp"

#include <gtest/gtest.h>

#include "core/webauthn/public_key.hpp"
#include "webauthn_authenticator.hpp"

namespace saas::core::webauthn {
namespace {

namespace au = saas::authenticator;

const std::string k_challenge = "thirty-two bytes of a challenge!";

relying_party party() {
    return {"example.org", {"https://example.org"}};
}

template <class Proved>
std::string reason(const std::variant<Proved, refusal> &result) {
    const auto *why = std::get_if<refusal>(&result);
    return why == nullptr ? "accepted" : std::string{name_of(*why)};
}

std::optional<public_key> key_of(const std::string &encoded) {
    bytes_in rest = bytes_of(encoded);
    const auto map = take_item(rest);
    return map ? parse_public_key(*map) : std::nullopt;
}

// Anybody can sign under these (the zero signature is right for many a text); most libraries take
// them.
TEST(webauthn_weak_key, NoPointsOfSmallOrder) {
    const auto n = [](long value) { return au::number(value); };
    const auto takes = [&](std::string point) {
        bool both = false;
        for (int sign = 0; sign < 2; ++sign) {
            both = key_of(au::map(4, n(1) + n(1) + n(3) + n(-8) + n(-1) + n(6) + n(-2) +
                                         au::bytes(point)))
                       .has_value() ||
                   both;
            point.back() = static_cast<char>(point.back() ^ '\x80');
        }
        return both;
    };
    for (const char *digits :
         {"0000000000000000000000000000000000000000000000000000000000000000",
          "0100000000000000000000000000000000000000000000000000000000000000",
          "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
          "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
          "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
        std::string point(32, '\0');
        ASSERT_TRUE(
            from_hex(digits, {reinterpret_cast<std::uint8_t *>(point.data()), point.size()}));
        EXPECT_FALSE(takes(point)) << digits;
    }
    EXPECT_TRUE(takes(std::string(32, '\x01')));
    EXPECT_TRUE(takes("\xeb" + std::string(30, '\xff') + '\x7f')) << "the next one below";
}

// RSA whose exponent is even, or whose modulus has a small factor.
TEST(webauthn_weak_key, NoNumbersThatAreNoKeyOfRsa) {
    const auto n = [](long value) { return au::number(value); };
    const auto rsa = [&](const std::string &modulus, const std::string &exponent) {
        return key_of(au::map(4, n(1) + n(3) + n(3) + n(-257) + n(-1) + au::bytes(modulus) + n(-2) +
                                     au::bytes(exponent)))
            .has_value();
    };
    const au::device device{au::kind::rs256};
    std::string modulus = device.number_of_key(OSSL_PKEY_PARAM_RSA_N, 0);
    EXPECT_TRUE(rsa(modulus, {"\1\0\1", 3}));
    EXPECT_FALSE(rsa(modulus, {"\1\0\2", 3})) << "even";
    EXPECT_FALSE(rsa(modulus, {"\1\0\0\0\1", 5})) << "long";
    modulus.back() = static_cast<char>(modulus.back() ^ 1);
    EXPECT_FALSE(rsa(modulus, {"\1\0\1", 3})) << "even modulus";
}

// What one reader could take for something else than another: refused by both.
TEST(webauthn_bytes, RefusesAmbiguousClientData) {
    const au::device device{au::kind::eddsa};
    const std::string key = device.public_key();
    const std::string good = device.client_data("webauthn.get", k_challenge);
    const std::string data = device.authenticator_data(0, "");
    const auto result = [&](const std::string &client) {
        return reason(
            check_assertion(device.assertion_of(client, data, device.sign(data + au::hash(client))),
                            k_challenge, {key, 0, false}, party()));
    };
    const auto with = [&](const std::string &from, const std::string &to) {
        std::string text = good;
        return text.replace(text.find(from), from.size(), to);
    };
    ASSERT_EQ(result(good), "accepted");
    for (const std::string &text :
         {"\xef\xbb\xbf" + good, good + "x", good + good, "[" + good + "]",
          good + std::string(1, '\0'), with("https://", "https://\xc0\xaf"),
          with("https://", "https://\xff"), with("https://", "https://\\ud800"),
          with("\"}", "\\u0000\"}"), with("{", R"({"type":"webauthn.get",)"),
          with("{", R"({"\u0074ype":"webauthn.create",)"), with("{", R"({"challenge":"",)"),
          with("webauthn.get", "webauthn.create"), with("webauthn.get", "Webauthn.get"),
          with("webauthn.get", "payment.get"), with("}", R"(,"crossOrigin":null})"),
          with("}", R"(,"crossOrigin":"false"})"),
          with("}", ",\"deep\":" + std::string(60, '[') + std::string(60, ']') + "}")})
        EXPECT_EQ(result(text), "malformed response") << text;
    for (const char *origin :
         {"https://example.org.evil.example", "https://evilexample.org", "https://example.org:443",
          "https://example.org@evil.example", "https://example.org?", "https://example.org#",
          "https://example.org.", " https://example.org", "https://xn--exmple-cua.org",
          "https://ex\xc3\xa4mple.org", "android:apk-key-hash:x", "example.org", "https://"})
        EXPECT_EQ(result(with("https://example.org", origin)), "wrong origin") << origin;
    EXPECT_EQ(result(with("https://example.org", "https:\\/\\/example.org")), "accepted");
    // A signature of numbers that are none.
    const au::device curve{au::kind::es256};
    for (const std::string &signature :
         {std::string{"\x30\x06\x02\x01\x00\x02\x01\x00", 8},
          std::string{"\x30\x06\x02\x01\x01\x02\x01\x00", 8}, std::string(64, '\0'), std::string{}})
        EXPECT_EQ(reason(check_assertion(curve.assertion_of(good, data, signature), k_challenge,
                                         {curve.public_key(), 0, false}, party())),
                  "wrong signature");
}

// No beginning of a registration is one, and what is read ends where the bytes do.
TEST(webauthn_bytes, RefusesEveryBeginning) {
    const au::device device{au::kind::es256};
    const std::string client = device.client_data("webauthn.create", k_challenge);
    const std::string object = device.self_attested(client);
    for (std::size_t size = 0; size < object.size(); ++size)
        EXPECT_EQ(reason(check_registration(device.registration_of(client, object.substr(0, size)),
                                            k_challenge, party())),
                  "malformed response")
            << size;
    const std::string data = device.new_credential();
    for (std::size_t size = 0; size < data.size(); ++size)
        EXPECT_EQ(
            reason(check_registration(
                device.registration_of(client, device.attestation_object("none", au::map(0, ""),
                                                                         data.substr(0, size))),
                k_challenge, party())),
            "malformed response")
            << size;
}

} // namespace
} // namespace saas::core::webauthn
