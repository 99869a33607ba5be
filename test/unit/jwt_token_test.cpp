// SPDX-License-Identifier: PostgreSQL
// Tokens: the examples of the standards, and everything that is almost one.
#include "core/jwt/token.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/jwt/base64url.hpp"
#include "core/sha256.hpp"
#include "jwt_vectors.hpp"

namespace saas::core::jwt {
namespace {

using namespace saas::vectors;

checks before_expiry() {
    checks wanted;
    wanted.at = k_expiry - 1;
    return wanted;
}

// The SQLSTATE with which `body` fails and its message; "none" when it does not. What was thrown
// must not repeat anything of a token or a key.
std::string failure(const std::function<void()> &body) {
    try {
        body();
        return "none";
    } catch (const error &e) {
        const std::string all = e.message() + e.detail() + e.hint();
        EXPECT_EQ(all.find("eyJ"), std::string::npos) << all;
        EXPECT_EQ(all.find("joe"), std::string::npos) << all;
        return std::string{e.state().code()} + ' ' + e.message();
    }
}

std::string refusal(const std::string &token, const std::string &jwks,
                    const checks &wanted = before_expiry()) {
    const key_set keys = parse_key_set(jwks);
    return failure([&] { (void)verify(token, keys, wanted); });
}

std::string encoded(std::string_view text) {
    return to_base64url(bytes_of(text));
}

// A token of any header and claims, signed with HMAC under the secret of RFC 7515, A.1.
std::string signed_token(const std::string &header, const std::string &claims) {
    const std::string input = encoded(header) + '.' + encoded(claims);
    return input + '.' + encoded(sign(parse_signing_key(k_secret_jwk), input));
}

std::string with_claims(const std::string &claims) {
    return signed_token(R"({"alg":"HS256"})", claims);
}

std::string with_header(const std::string &header) {
    return signed_token(header, k_claims);
}

TEST(jwt_token, VerifiesTheExamplesOfTheStandards) {
    EXPECT_EQ(verify(k_hs256_token, parse_key_set(k_secret_jwk), before_expiry()), k_claims);
    EXPECT_EQ(verify(k_rs256_token, parse_key_set(k_rsa_jwk), before_expiry()), k_claims);
    EXPECT_EQ(verify(k_es256_token, parse_key_set(k_ec_jwk), before_expiry()), k_claims);
    EXPECT_TRUE(verify_signature(parse_key_set(k_ed_jwk).keys[0], k_ed_input,
                                 *from_base64url(k_ed_signature)));
    EXPECT_EQ(refusal(k_ed_input + '.' + k_ed_signature, k_ed_jwk),
              "SA115 the token's payload is no JSON in UTF-8");
}

TEST(jwt_token, SignsTheExamplesOfTheStandards) {
    const auto signature = [](const std::string &jwk, const std::string &input) {
        return encoded(sign(parse_signing_key(jwk), input));
    };
    EXPECT_EQ(signature(k_ed_private_jwk, k_ed_input), k_ed_signature);
    for (const auto &[jwk, token] :
         {std::pair{k_rsa_private_jwk, k_rs256_token}, {k_secret_jwk, k_hs256_token}}) {
        const std::string input = token.substr(0, token.rfind('.'));
        EXPECT_EQ(input + '.' + signature(jwk, input), token);
    }
}

TEST(jwt_token, IssuesWhatItVerifies) {
    const std::string claims =
        R"({"sub":"u","aud":["a","b"],"exp":1300819380,"deep":{"x":[1.5,null]}})";
    checks wanted = before_expiry();
    wanted.audiences = {"b"};
    for (const auto &[secret, open] : {std::pair{k_rsa_private_jwk, k_rsa_jwk},
                                       {k_ec_private_jwk, k_ec_jwk},
                                       {k_ed_private_jwk, k_ed_jwk},
                                       {k_secret_jwk, k_secret_jwk}}) {
        const auto named = [](const std::string &jwk) {
            return R"({"kid":"k \"1\"",)" + jwk.substr(1);
        };
        const std::string token = issue(claims, parse_signing_key(named(secret)));
        EXPECT_EQ(verify(token, parse_key_set(named(open)), wanted), claims);
        EXPECT_EQ(refusal(token, open, wanted), "SA116 no key has the token's key identifier");
    }
    const key secret = parse_signing_key(k_secret_jwk);
    EXPECT_THROW((void)issue("[]", secret), error);
    EXPECT_THROW((void)issue(R"({"a":1,"a":1})", secret), error);
    EXPECT_THROW((void)issue("{\"a\":\"" + std::string(k_max_token_bytes, 'a') + "\"}", secret),
                 error);
}

TEST(jwt_token, EveryChangedBitIsNoticed) {
    const key_set keys = parse_key_set("{\"keys\":[" + k_ec_jwk + "]}");
    for (std::size_t i = 0; i < k_es256_token.size(); ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string token = k_es256_token;
            token[i] = static_cast<char>(token[i] ^ (1 << bit));
            EXPECT_NE(failure([&] { (void)verify(token, keys, before_expiry()); }), "none") << i;
        }
    }
}

TEST(jwt_token, RefusesUnsignedTokens) {
    // RFC 7519, section 6.1.
    EXPECT_EQ(refusal("eyJhbGciOiJub25lIn0." + k_claims_part + ".", k_secret_jwk),
              "SA115 the token is not signed");
    for (const char *none : {"None", "NONE", "nOnE"})
        EXPECT_EQ(refusal(with_header("{\"alg\":\"" + std::string{none} + "\"}"), k_secret_jwk),
                  "SA115 the token is not signed");
    const std::string input = k_hs256_token.substr(0, k_hs256_token.rfind('.'));
    EXPECT_EQ(refusal(input + '.', k_secret_jwk), "SA117 the token's signature is wrong");
    EXPECT_EQ(refusal(input, k_secret_jwk), "SA115 the token does not have three parts");
}

TEST(jwt_token, TheKeyDecidesTheAlgorithm) {
    // HMAC under the text of a public key, as libraries that trust the header take it.
    for (const std::string &jwk : {k_rsa_jwk, k_ec_jwk, k_ed_jwk}) {
        const std::string input = encoded(R"({"alg":"HS256"})") + '.' + k_claims_part;
        const std::span<const std::uint8_t> parts[] = {bytes_of(input)};
        const digest mac = hmac_sha256(bytes_of(jwk), parts);
        EXPECT_EQ(refusal(input + '.' + to_base64url(mac), jwk),
                  "SA116 the token's algorithm is not that of the key");
    }
    for (const std::string &token : {k_rs256_token, k_es256_token})
        EXPECT_EQ(refusal(token, k_secret_jwk),
                  "SA116 the token's algorithm is not that of the key");
    EXPECT_EQ(refusal(k_es256_token, k_rsa_jwk),
              "SA116 the token's algorithm is not that of the key");
    for (const char *alg : {"HS384", "hs256", "RS512", "PS256", "ES256K", "", "A256KW"})
        EXPECT_EQ(refusal(with_header("{\"alg\":\"" + std::string{alg} + "\"}"), k_secret_jwk),
                  "SA116 the token's algorithm is not supported");
    checks only_es256 = before_expiry();
    only_es256.algorithms = {algorithm::es256};
    EXPECT_EQ(refusal(k_hs256_token, k_secret_jwk, only_es256),
              "SA116 the token's algorithm is not allowed");
    EXPECT_EQ(refusal(k_es256_token, k_ec_jwk, only_es256), "none");
}

TEST(jwt_token, RefusesHeadersThatChangeWhatIsVerified) {
    for (const char *member :
         {R"("jwk":{"kty":"oct"})", R"("jku":"https://a.example")", R"("x5u":"https://a.example")",
          R"("x5c":[])", R"("crit":["exp"])", R"("crit":[])", R"("b64":false)", R"("b64":0)",
          R"("alg":"HS256")", R"("kid":null)", R"("kid":7)", R"("typ":7)"})
        EXPECT_EQ(
            refusal(with_header("{\"alg\":\"HS256\"," + std::string{member} + "}"), k_secret_jwk)
                .substr(0, 5),
            "SA115")
            << member;
    EXPECT_EQ(
        refusal(with_header(R"({"alg":"HS256","b64":true,"x5t":"AA","cty":"JWT"})"), k_secret_jwk),
        "none");
    for (const char *header :
         {"", "[]", "{}", "null", R"({"alg":5})", R"({"alg":"HS256")", R"({"alg":["HS256"]})"})
        EXPECT_EQ(refusal(with_header(header), k_secret_jwk).substr(0, 5), "SA115") << header;
    EXPECT_EQ(refusal(with_header(R"({"alg":"HS256","x":")" + std::string(k_max_header_bytes, 'x') +
                                  "\"}"),
                      k_secret_jwk),
              "SA115 the token's header is longer than 4 KiB");
}

TEST(jwt_token, RefusesOtherForms) {
    const auto last = [](const std::string &token) {
        return refusal(token, k_secret_jwk).substr(0, 5);
    };
    for (const std::string &token :
         {std::string{}, std::string{"."}, std::string{".."}, std::string{"..."},
          k_hs256_token + '.', '.' + k_hs256_token, k_hs256_token + '=', k_hs256_token + ' ',
          ' ' + k_hs256_token, k_hs256_token + '\n', k_hs256_token + ".AA.AA",
          std::string{R"({"payload":"e30","protected":"e30","signature":""})"},
          std::string(k_max_token_bytes + 1, 'A'), std::string(3, '\0')})
        EXPECT_EQ(last(token), "SA115");
    // The last digit holds two bits of no byte: one of four digits is right.
    std::string trailing = k_hs256_token;
    ASSERT_EQ(trailing.back(), 'k');
    trailing.back() = 'l';
    EXPECT_EQ(refusal(trailing, k_secret_jwk), "SA115 the token's signature is not base64url");
    const std::string input = k_es256_token.substr(0, k_es256_token.rfind('.'));
    for (std::size_t length : {0, 1, 32, 63, 65, 70, 128})
        EXPECT_EQ(refusal(input + '.' + encoded(std::string(length, '\x01')), k_ec_jwk),
                  "SA117 the token's signature is wrong");
    EXPECT_EQ(refusal(input + '.' + encoded(std::string(64, '\0')), k_ec_jwk),
              "SA117 the token's signature is wrong");
}

TEST(jwt_token, FindsTheKey) {
    const auto named = [](const std::string &jwk, const std::string &id) {
        return "{\"kid\":\"" + id + "\"," + jwk.substr(1);
    };
    const auto set = [](std::initializer_list<std::string> keys) {
        std::string text;
        for (const std::string &one : keys)
            text += (text.empty() ? "" : ",") + one;
        return "{\"keys\":[" + text + "]}";
    };
    const std::string token = signed_token(R"({"alg":"HS256","kid":"a"})", k_claims);
    EXPECT_EQ(refusal(token, set({named(k_ec_jwk, "b"), named(k_secret_jwk, "a")})), "none");
    EXPECT_EQ(refusal(token, set({named(k_ec_jwk, "a"), named(k_secret_jwk, "a")})), "none");
    EXPECT_EQ(refusal(token, set({named(k_secret_jwk, "a"), named(k_secret_jwk, "a")})),
              "SA116 several keys have the token's key identifier");
    EXPECT_EQ(refusal(token, set({named(k_ec_jwk, "a")})),
              "SA116 the token's algorithm is not that of the key");
    EXPECT_EQ(refusal(token, set({k_secret_jwk})), "SA116 no key has the token's key identifier");
    EXPECT_EQ(refusal(token, set({})), "SA116 no key has the token's key identifier");
    EXPECT_EQ(refusal(token, set({R"({"kid":"a","kty":"oct","k":"AAAA"})"})),
              "SA119 the key is a secret of fewer than 32 bytes");
    EXPECT_EQ(refusal(k_hs256_token, set({k_secret_jwk, k_ec_jwk})),
              "SA116 the token does not say which of several keys signed it");
    EXPECT_EQ(refusal(k_hs256_token, set({})), "SA116 there is no key to verify the token with");
}

TEST(jwt_claims, Times) {
    const auto at = [](const std::string &claims, double now, double leeway = 0) {
        checks wanted;
        wanted.at = now;
        wanted.leeway = leeway;
        return refusal(with_claims(claims), k_secret_jwk, wanted);
    };
    const char *expired = "SA118 the token has expired";
    EXPECT_EQ(at(R"({"exp":100})", 99.999), "none");
    EXPECT_EQ(at(R"({"exp":100})", 100), expired);
    EXPECT_EQ(at(R"({"exp":100})", 109, 10), "none");
    EXPECT_EQ(at(R"({"exp":100})", 110, 10), expired);
    EXPECT_EQ(at(R"({"exp":100.5})", 100.4), "none");
    EXPECT_EQ(at(R"({"exp":0})", 1), expired);
    EXPECT_EQ(at(R"({"exp":-9223372036854775808})", 0), expired);
    EXPECT_EQ(at(R"({"exp":18446744073709551615})", 1e12), "none");
    EXPECT_EQ(at(R"({"exp":1e300})", 1e12), "none");
    EXPECT_EQ(at(R"({"nbf":100})", 100), "none");
    EXPECT_EQ(at(R"({"nbf":100})", 99), "SA118 the token is not valid yet");
    EXPECT_EQ(at(R"({"nbf":100})", 99, 1), "none");
    EXPECT_EQ(at(R"({"iat":100})", 99), "SA118 the token was issued in the future");
    EXPECT_EQ(at(R"({"iat":100})", 100), "none");
    for (const char *claims :
         {R"({"exp":"100"})", R"({"exp":null})", R"({"nbf":true})", R"({"iat":[1]})"})
        EXPECT_EQ(at(claims, 0).substr(0, 5), "SA118") << claims;
    checks young = before_expiry();
    young.max_age = 60;
    EXPECT_EQ(refusal(k_hs256_token, k_secret_jwk, young),
              "SA118 the token does not say when it was issued");
    young.at = 160;
    EXPECT_EQ(refusal(with_claims(R"({"iat":100})"), k_secret_jwk, young), "none");
    young.at = 161;
    EXPECT_EQ(refusal(with_claims(R"({"iat":100})"), k_secret_jwk, young),
              "SA118 the token is too old");
}

TEST(jwt_claims, WhoAndForWhom) {
    const auto check = [](const std::string &claims, const std::string &options) {
        checks wanted;
        parse_options(options, wanted);
        return refusal(with_claims(claims), k_secret_jwk, wanted).substr(0, 5);
    };
    EXPECT_EQ(check(R"({"aud":"a"})", "{}"), "SA118"); // nobody said who we are
    EXPECT_EQ(check(R"({"aud":[]})", "{}"), "SA118");
    EXPECT_EQ(check(R"({"aud":"a"})", R"({"audience":"a"})"), "none");
    EXPECT_EQ(check(R"({"aud":["b","a"]})", R"({"audience":["c","a"]})"), "none");
    for (const char *claims :
         {"{}", R"({"aud":"A"})", R"({"aud":[]})", R"({"aud":["b"]})", R"({"aud":7})",
          R"({"aud":["a",7]})", R"({"aud":null})", R"({"aud":"a "})"})
        EXPECT_EQ(check(claims, R"({"audience":"a"})"), "SA118") << claims;
    EXPECT_EQ(check(R"({"iss":"i"})", R"({"issuer":["j","i"]})"), "none");
    for (const char *claims : {"{}", R"({"iss":"I"})", R"({"iss":["i"]})", R"({"iss":null})"})
        EXPECT_EQ(check(claims, R"({"issuer":"i"})"), "SA118") << claims;
    EXPECT_EQ(check(R"({"sub":"u"})", R"({"required":["sub"]})"), "none");
    EXPECT_EQ(check(R"({"sub":null})", R"({"required":["sub"]})"), "SA118");
    EXPECT_EQ(check("{}", R"({"required":["sub"]})"), "SA118");
    for (const char *claims :
         {"", "[]", "{\"a\":1,\"a\":1}", "{\"a\":\"\xff\"}", "{\"a\":\"\\u0000\"}"})
        EXPECT_EQ(check(claims, "{}"), "SA115") << claims;
}

TEST(jwt_claims, TypeOfTheToken) {
    checks wanted = before_expiry();
    wanted.type = "at+jwt";
    EXPECT_EQ(
        refusal(with_header(R"({"alg":"HS256","typ":"application/AT+JWT"})"), k_secret_jwk, wanted),
        "none");
    EXPECT_EQ(refusal(k_hs256_token, k_secret_jwk, wanted), "SA118 the token is of another type");
    EXPECT_EQ(refusal(with_header(R"({"alg":"HS256"})"), k_secret_jwk, wanted),
              "SA118 the token is of another type");
}

TEST(jwt_claims, OptionsAreRight) {
    checks wanted;
    parse_options(
        R"({"at":1.5,"leeway":0,"max_age":60,"issuer":"i","audience":["a","b"],"algorithms":["ES256","EdDSA"],"required":["sub"],"type":"JWT"})",
        wanted);
    EXPECT_EQ(wanted.at, 1.5);
    EXPECT_EQ(wanted.max_age, 60);
    EXPECT_EQ(wanted.audiences, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(wanted.algorithms, (std::vector{algorithm::es256, algorithm::eddsa}));
    for (const char *options :
         {"[]", "", R"({"Leeway":1})", R"({"leeway":-1})", R"({"leeway":"1"})", R"({"max_age":-1})",
          R"({"at":null})", R"({"audience":[]})", R"({"audience":null})", R"({"audience":""})",
          R"({"issuer":[1]})", R"({"algorithms":["none"]})", R"({"algorithms":[]})",
          R"({"required":[]})", R"({"verify":false})"})
        EXPECT_EQ(failure([&] { parse_options(options, wanted); }).substr(0, 5), "22023")
            << options;
}

TEST(jwt_token, UnverifiedPartsAreChecked) {
    EXPECT_EQ(read_unverified(k_hs256_token).claims, k_claims);
    EXPECT_EQ(failure([] { (void)read_unverified("e30.W10."); }).substr(0, 5), "SA115");
}

} // namespace
} // namespace saas::core::jwt
