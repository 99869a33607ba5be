// SPDX-License-Identifier: PostgreSQL
#include "core/sha256.hpp"

#include <gtest/gtest.h>

namespace core = saas::core;

namespace {

std::string hmac_hex(std::string_view key, std::string_view text) {
    std::span<const std::uint8_t> parts[] = {core::bytes_of(text)};
    return core::to_hex(core::hmac_sha256(core::bytes_of(key), parts));
}

} // namespace

TEST(sha256, fips_180_4_example) {
    EXPECT_EQ(core::to_hex(core::sha256(core::bytes_of("abc"))),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(core::to_hex(core::sha256({})),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// RFC 4231, test cases 1, 2 and 6.
TEST(hmac_sha256, rfc_4231) {
    EXPECT_EQ(hmac_hex(std::string(20, '\x0b'), "Hi There"),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(hmac_hex("Jefe", "what do ya want for nothing?"),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(hmac_hex(std::string(131, '\xaa'),
                       "Test Using Larger Than Block-Size Key - Hash Key First"),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(hmac_sha256, parts_are_concatenated_and_the_empty_key_is_a_key) {
    std::span<const std::uint8_t> whole[] = {core::bytes_of("ab.c")};
    std::span<const std::uint8_t> split[] = {core::bytes_of("ab"), core::bytes_of("."),
                                             core::bytes_of("c")};
    EXPECT_EQ(core::hmac_sha256({}, whole), core::hmac_sha256({}, split));
    EXPECT_NE(core::hmac_sha256({}, whole), core::hmac_sha256(core::bytes_of("k"), whole));
}

TEST(hex, decodes_only_exact_digits) {
    std::array<std::uint8_t, 2> out{};
    EXPECT_TRUE(core::from_hex("00fF", out));
    EXPECT_EQ(out[1], 0xff);
    EXPECT_FALSE(core::from_hex("00f", out));
    EXPECT_FALSE(core::from_hex("00fg", out));
    EXPECT_FALSE(core::from_hex("00ff00", out));
}

TEST(constant_time, compares_length_and_bytes) {
    EXPECT_TRUE(core::equal_constant_time(core::bytes_of("abc"), core::bytes_of("abc")));
    EXPECT_FALSE(core::equal_constant_time(core::bytes_of("abc"), core::bytes_of("abd")));
    EXPECT_FALSE(core::equal_constant_time(core::bytes_of("abc"), core::bytes_of("ab")));
}
