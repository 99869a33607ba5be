// SPDX-License-Identifier: PostgreSQL
#include "core/otp/otp.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/sha256.hpp"

namespace otp = saas::core::otp;
using otp::algorithm;
using saas::core::bytes_of;

namespace {

constexpr std::string_view k_secret = "12345678901234567890";

} // namespace

// RFC 4226, appendix D.
TEST(hotp, gives_the_codes_of_the_standard) {
    const char *codes[] = {"755224", "287082", "359152", "969429", "338314",
                           "254676", "287922", "162583", "399871", "520489"};
    for (std::uint64_t counter = 0; counter < 10; ++counter)
        EXPECT_EQ(otp::code_of(bytes_of(k_secret), counter, algorithm::sha1, 6), codes[counter]);
}

// RFC 6238, appendix B. The secrets for SHA-256 and SHA-512 are as long as their hashes (erratum
// 2866).
TEST(totp, gives_the_codes_of_the_standard) {
    const struct {
        std::int64_t time;
        const char *sha1, *sha256, *sha512;
    } rows[] = {
        {59, "94287082", "46119246", "90693936"},
        {1111111109, "07081804", "68084774", "25091201"},
        {1111111111, "14050471", "67062674", "99943326"},
        {1234567890, "89005924", "91819424", "93441116"},
        {2000000000, "69279037", "90698825", "38618901"},
        {20000000000, "65353130", "77737706", "47863826"},
    };
    const std::string long_secret =
        "1234567890123456789012345678901234567890123456789012345678901234";
    for (const auto &row : rows) {
        const std::uint64_t step = otp::step_at(row.time, 30);
        EXPECT_EQ(otp::code_of(bytes_of(k_secret), step, algorithm::sha1, 8), row.sha1);
        EXPECT_EQ(otp::code_of(bytes_of(std::string_view{long_secret}.substr(0, 32)), step,
                               algorithm::sha256, 8),
                  row.sha256);
        EXPECT_EQ(otp::code_of(bytes_of(long_secret), step, algorithm::sha512, 8), row.sha512);
    }
}

TEST(totp, counts_steps) {
    EXPECT_EQ(otp::step_at(0, 30), 0U);
    EXPECT_EQ(otp::step_at(29, 30), 0U);
    EXPECT_EQ(otp::step_at(30, 30), 1U);
    EXPECT_EQ(otp::step_at(-5, 30), 0U);
    EXPECT_EQ(otp::step_at(20000000000, 30), 0x27BC86AAU);
}

TEST(totp, finds_the_step_of_a_code_within_the_window) {
    const otp::parameters form{};
    for (std::uint64_t step = 98; step <= 102; ++step) {
        const std::string code = otp::code_of(bytes_of(k_secret), step, form.hash, form.digits);
        const bool near = step >= 99 && step <= 101;
        const auto found = otp::matching_step(bytes_of(k_secret), code, 100, 1, form);
        EXPECT_EQ(found, near ? std::optional{step} : std::nullopt) << step;
        EXPECT_EQ(otp::matching_step(bytes_of(k_secret), code, 100, 0, form).has_value(),
                  step == 100);
    }
    EXPECT_EQ(otp::matching_step(bytes_of(k_secret),
                                 otp::code_of(bytes_of(k_secret), 0, form.hash, 6), 0, 5, form),
              0U);
}

TEST(totp, refuses_what_is_no_code) {
    const otp::parameters form{};
    const std::string code = otp::code_of(bytes_of(k_secret), 100, form.hash, 6);
    for (const std::string &bad : {std::string{}, code.substr(1), code + "0", " " + code,
                                   code + std::string{"\0", 1}, std::string(1'000'000, '1')})
        EXPECT_FALSE(otp::matching_step(bytes_of(k_secret), bad, 100, 1, form));
    EXPECT_THROW((void)otp::matching_step(bytes_of(k_secret), code, 100, -1, form),
                 saas::core::error);
    EXPECT_THROW((void)otp::matching_step(bytes_of(k_secret), code, 100, 11, form),
                 saas::core::error);
}

TEST(totp, checks_what_an_authenticator_is_told) {
    EXPECT_NO_THROW(otp::check(bytes_of(k_secret), {}));
    EXPECT_THROW(otp::check(bytes_of("short"), {}), saas::core::error);
    EXPECT_THROW(otp::check(bytes_of(std::string(129, 'x')), {}), saas::core::error);
    for (int digits : {5, 9})
        EXPECT_THROW(otp::check(bytes_of(k_secret), {algorithm::sha1, digits, 30}),
                     saas::core::error);
    for (int period : {0, -30, 14, 301})
        EXPECT_THROW(otp::check(bytes_of(k_secret), {algorithm::sha1, 6, period}),
                     saas::core::error);
    EXPECT_EQ(otp::parse_algorithm("SHA256"), algorithm::sha256);
    EXPECT_FALSE(otp::parse_algorithm("sha256"));
    EXPECT_FALSE(otp::parse_algorithm("MD5"));
}

TEST(totp, writes_what_a_qr_code_shows) {
    EXPECT_EQ(otp::uri_of(bytes_of(k_secret), "Ann & Söhne", "ann@example.com", {}),
              "otpauth://totp/Ann%20%26%20S%C3%B6hne:ann%40example.com"
              "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Ann%20%26%20S%C3%B6hne"
              "&algorithm=SHA1&digits=6&period=30");
}
