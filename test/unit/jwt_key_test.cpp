// SPDX-License-Identifier: PostgreSQL
// JSON Web Keys: what is a key, what is not, and why.
#include "core/jwt/key_set.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/jwt/base64url.hpp"
#include "core/jwt/strict_json.hpp"
#include "core/sha256.hpp"
#include "jwt_vectors.hpp"

namespace saas::core::jwt {
namespace {

using namespace saas::vectors;

// Why the key cannot be used; empty when it can.
std::string problem_of(const std::string &jwk) {
    return describe_key(jwk).problem;
}

std::string rsa(const std::string &n, const std::string &e) {
    return R"({"kty":"RSA","n":")" + n + R"(","e":")" + e + "\"}";
}

std::string encoded(const std::string &bytes) {
    return to_base64url(bytes_of(bytes));
}

TEST(jwt_base64url, RoundTripsEveryLength) {
    std::string bytes;
    for (int i = 0; i < 300; ++i) {
        EXPECT_EQ(from_base64url(encoded(bytes)), bytes);
        bytes.push_back(static_cast<char>(i * 37));
    }
}

TEST(jwt_base64url, RefusesWhatNoEncoderWrites) {
    EXPECT_EQ(from_base64url("AA"), std::string(1, '\0'));
    for (const char *text : {"A", "AAAAA", "AA==", "AA=", "A+AA", "A/AA", "AA A", "AAA\n", "AB",
                             "AAB", "A.AA", "\xc3\xa4\xc3\xa4"})
        EXPECT_FALSE(from_base64url(text)) << text;
    EXPECT_FALSE(from_base64url(std::string_view{"AA\0A", 4}));
}

TEST(jwt_json, RefusesWhatTwoParsersCouldReadDifferently) {
    std::string reason;
    EXPECT_TRUE(parse_object(R"({"a": {"b": [1, {"b": 2}]}, "b": ""} )", reason));
    for (const char *text :
         {R"({"a":1,"a":2})", R"({"a":1,"\u0061":2})", R"({"x":[{"a":{"b":1},"a":{"c":1}}]})", "",
          "[]", "1", "{", "{}{}", "{\"a\":\"\xff\"}", R"({"a":"\ud800"})", R"({"a":"\u0000"})",
          R"({"\u0000":1})", "{\"a\":1,}", "{a:1}", "// {}", "{\"a\":NaN}", "{\"a\":1e999}"})
        EXPECT_FALSE(parse_object(text, reason)) << text;
    const std::string deep(k_max_json_depth + 1, '[');
    EXPECT_FALSE(
        parse_object("{\"a\":" + deep + std::string(k_max_json_depth + 1, ']') + "}", reason));
    EXPECT_EQ(reason, "is nested too deeply");
}

TEST(jwt_key, ReadsTheKeysOfTheStandards) {
    EXPECT_EQ(describe_key(k_secret_jwk).signs, algorithm::hs256);
    EXPECT_EQ(describe_key(k_rsa_jwk).signs, algorithm::rs256);
    EXPECT_EQ(describe_key(k_ec_jwk).signs, algorithm::es256);
    EXPECT_EQ(describe_key(k_ed_jwk).signs, algorithm::eddsa);
    EXPECT_EQ(describe_key(k_thumbprint_jwk).id, "2011-04-29");
}

TEST(jwt_key, ThumbprintsOfTheStandards) {
    EXPECT_EQ(describe_key(k_ed_jwk).id, k_ed_thumbprint);
    std::string reason;
    EXPECT_EQ(thumbprint(*parse_object(k_thumbprint_jwk, reason)), k_rsa_thumbprint);
    EXPECT_EQ(thumbprint(*parse_object(k_ed_private_jwk, reason)), k_ed_thumbprint);
}

TEST(jwt_key, RefusesWeakSecrets) {
    EXPECT_EQ(problem_of(R"({"kty":"oct","k":")" + encoded(std::string(32, 'k')) + "\"}"), "");
    EXPECT_EQ(problem_of(R"({"kty":"oct","k":")" + encoded(std::string(31, 'k')) + "\"}"),
              "is a secret of fewer than 32 bytes");
    EXPECT_EQ(problem_of(R"({"kty":"oct","k":""})"), "is a secret of fewer than 32 bytes");
    EXPECT_NE(problem_of(R"({"kty":"oct","k":")" + encoded(std::string(1025, 'k')) + "\"}"), "");
    EXPECT_EQ(problem_of(R"({"kty":"oct"})"), "has no member k");
    EXPECT_EQ(problem_of(R"({"kty":"oct","k":5})"), "has a member k that is no string");
    EXPECT_EQ(problem_of(R"({"kty":"oct","k":"AA=="})"), "has a member k that is not base64url");
}

TEST(jwt_key, RefusesExtremesOfRsa) {
    const std::string n = *from_base64url(k_rsa_n);
    EXPECT_EQ(problem_of(rsa(encoded(std::string(255, '\xff')), "AQAB")),
              "has an RSA modulus of fewer than 2048 bits");
    EXPECT_EQ(problem_of(rsa(encoded('\x7f' + n.substr(1)), "AQAB")),
              "has an RSA modulus of fewer than 2048 bits");
    EXPECT_EQ(problem_of(rsa(encoded(std::string(512, '\xff') + '\x01'), "AQAB")),
              "has an RSA modulus of more than 4096 bits");
    EXPECT_EQ(problem_of(rsa(encoded(std::string(5000, '\xff')), "AQAB")), "is too large");
    EXPECT_EQ(problem_of(rsa(encoded(std::string(256, '\xff')), "AQAB")),
              "is no RSA key"); // divisible by 3
    EXPECT_EQ(problem_of(rsa(encoded(n.substr(0, 255) + '\x02'), "AQAB")), "is no RSA key"); // even
    EXPECT_NE(problem_of(rsa(encoded('\0' + n), "AQAB")), ""); // not in its shortest form
    EXPECT_NE(problem_of(rsa("", "AQAB")), "");
    const char *exponent = "has an RSA exponent that is not an odd number from 65537 to 4294967295";
    for (const char *e : {"AQ", "Aw", "EQ", "AQAA", "AQAC", "_____wE"})
        EXPECT_EQ(problem_of(rsa(k_rsa_n, e)), exponent) << e;
    EXPECT_EQ(problem_of(rsa(k_rsa_n, "_____w")), "");
    for (const char *e : {"", "AAEAAQ", "AA"})
        EXPECT_EQ(problem_of(rsa(k_rsa_n, e)),
                  "has a member e that is not a number in its shortest form");
}

TEST(jwt_key, RefusesPointsOfSmallOrder) {
    const auto ed25519 = [](const std::string &point) {
        return problem_of(R"({"kty":"OKP","crv":"Ed25519","x":")" + encoded(point) + "\"}");
    };
    const std::string middle(30, '\xff');
    const std::string zeros(30, '\0');
    const char *problem = "is a point of small order";
    for (const char sign : {'\x00', '\x80'}) {
        EXPECT_EQ(ed25519('\0' + zeros + sign), problem);
        EXPECT_EQ(ed25519('\x01' + zeros + sign), problem); // the neutral element
        for (const char first : {'\xec', '\xed', '\xee'})
            EXPECT_EQ(ed25519(first + middle + static_cast<char>(0x7f | sign)), problem);
    }
    EXPECT_EQ(problem_of(R"({"kty":"OKP","crv":"Ed25519",)"
                         R"("x":"JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU"})"),
              problem); // of order 8
    EXPECT_EQ(problem_of(R"({"kty":"OKP","crv":"Ed25519",)"
                         R"("x":"xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA_o"})"),
              problem);
}

TEST(jwt_key, RefusesPointsOffTheCurve) {
    const std::string zero = encoded(std::string(32, '\0'));
    const std::string x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const std::string y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    const auto ec = [](const std::string &px, const std::string &py) {
        return R"({"kty":"EC","crv":"P-256","x":")" + px + R"(","y":")" + py + "\"}";
    };
    EXPECT_EQ(problem_of(ec(x, y)), "");
    for (const std::string &jwk :
         {ec(y, x), ec(zero, zero), ec(x, zero),
          ec(encoded(std::string(32, '\xff')), encoded(std::string(32, '\xff')))})
        EXPECT_EQ(problem_of(jwk), "is no point on the curve");
    EXPECT_EQ(problem_of(ec(encoded(std::string(31, 'x')), y)),
              "has a member x that is not 32 bytes long");
    EXPECT_EQ(problem_of(ec(encoded(std::string(33, 'x')), y)),
              "has a member x that is not 32 bytes long");
    EXPECT_EQ(problem_of(R"({"kty":"EC","crv":"P-384","x":"AA","y":"AA"})"),
              "is on a curve other than P-256");
    EXPECT_EQ(problem_of(R"({"kty":"OKP","crv":"X25519","x":"AA"})"),
              "is on a curve other than Ed25519");
    EXPECT_EQ(problem_of(R"({"kty":"OKP","crv":"Ed25519","x":"AA"})"),
              "has a member x that is not 32 bytes long");
}

TEST(jwt_key, RefusesKeysForOtherThings) {
    const auto with = [](const std::string &members) {
        return "{" + k_ec_members + "," + members + "}";
    };
    EXPECT_EQ(problem_of(with(R"("use":"sig","alg":"ES256","key_ops":["verify"])")), "");
    EXPECT_EQ(problem_of(with(R"("use":"enc")")), "is not for signatures (use)");
    EXPECT_EQ(problem_of(with(R"("key_ops":["sign"])")), "is not for verifying (key_ops)");
    EXPECT_EQ(problem_of(with(R"("key_ops":"verify")")), "has a member key_ops that is no array");
    for (const char *alg : {"ES384", "HS256", "none", "es256"})
        EXPECT_EQ(problem_of(with(R"("alg":")" + std::string{alg} + "\"")),
                  "is for an algorithm that is not supported");
    EXPECT_NE(problem_of(with(R"("kid":"")")), "");
    EXPECT_NE(problem_of(with(R"("kid":7)")), "");
    EXPECT_NE(problem_of(with(R"("kid":")" + std::string(257, 'k') + "\"")), "");
    for (const std::string &jwk : {k_rsa_private_jwk, k_ec_private_jwk, k_ed_private_jwk})
        EXPECT_EQ(problem_of(jwk), "has its private half, which belongs to the issuer alone");
    EXPECT_EQ(problem_of(R"({"kty":"none"})"), "is of a kind that is not supported");
    EXPECT_EQ(problem_of("{}"), "has no member kty");
}

TEST(jwt_key_set, KeepsKeysThatCannotBeUsed) {
    const key_set set = parse_key_set("{\"keys\":[" + k_ec_jwk + R"(,{"kty":"oct"},{}]})");
    ASSERT_EQ(set.keys.size(), 3U);
    EXPECT_TRUE(set.keys[0].signs);
    EXPECT_FALSE(set.keys[1].signs);
    EXPECT_EQ(parse_key_set(k_rsa_jwk).keys.size(), 1U);
    EXPECT_TRUE(parse_key_set(R"({"keys":[]})").keys.empty());
    EXPECT_THROW((void)parse_key_set("{\"keys\":[" + k_ec_jwk + "]}", [] { return true; }),
                 cancelled);
}

TEST(jwt_key_set, RefusesWhatIsNoSet) {
    std::string many = R"({"keys":[{})";
    for (std::size_t i = 0; i < k_max_keys; ++i)
        many += ",{}";
    for (const std::string &text : std::initializer_list<std::string>{
             "", "[]", "{}", "null", R"({"keys":{}})", R"({"keys":[1]})",
             R"({"keys":[],"keys":[]})", many + "]}", std::string(k_max_key_set_bytes + 1, ' ')}) {
        try {
            (void)parse_key_set(text);
            ADD_FAILURE() << text.substr(0, 80);
        } catch (const error &e) {
            EXPECT_EQ(e.state().code(), "SA119");
        }
    }
}

TEST(jwt_key_set, SigningKeysNeedTheirPrivateHalf) {
    for (const std::string &jwk :
         {k_rsa_private_jwk, k_ec_private_jwk, k_ed_private_jwk, k_secret_jwk})
        EXPECT_NO_THROW((void)parse_signing_key(jwk));
    for (const std::string &jwk : {k_rsa_jwk, k_ec_jwk, k_ed_jwk, std::string{"{}"}})
        EXPECT_THROW((void)parse_signing_key(jwk), error);
    // The public half of another pair.
    EXPECT_THROW(
        (void)parse_signing_key(
            R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":")" +
            encoded(std::string(32, 'd')) + "\"}"),
        error);
    const key other =
        parse_signing_key("{" + k_ec_members + R"(,"d":")" + encoded(std::string(32, 'd')) + "\"}");
    EXPECT_THROW((void)sign(other, "x"), error);
}

} // namespace
} // namespace saas::core::jwt
