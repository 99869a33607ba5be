// SPDX-License-Identifier: PostgreSQL
// CBOR: the examples of RFC 8949, appendix A, and what is not strict.
#include "core/webauthn/cbor.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/sha256.hpp"

namespace saas::core::webauthn {
namespace {

std::string unhex(std::string_view digits) {
    std::string out(digits.size() / 2, '\0');
    EXPECT_TRUE(from_hex(digits, {reinterpret_cast<std::uint8_t *>(out.data()), out.size()}))
        << digits;
    return out;
}

// The item that is the whole text; nullopt when it is none, or more.
std::optional<cbor_item> whole(const std::string &bytes) {
    bytes_in rest = bytes_of(bytes);
    const auto item = take_item(rest);
    return item && rest.empty() ? item : std::nullopt;
}

TEST(cbor, NumbersOfTheStandard) {
    const std::pair<const char *, std::int64_t> examples[] = {{"00", 0},
                                                              {"01", 1},
                                                              {"0a", 10},
                                                              {"17", 23},
                                                              {"1818", 24},
                                                              {"1819", 25},
                                                              {"1864", 100},
                                                              {"1903e8", 1000},
                                                              {"1a000f4240", 1000000},
                                                              {"1b000000e8d4a51000", 1000000000000},
                                                              {"20", -1},
                                                              {"29", -10},
                                                              {"3863", -100},
                                                              {"3903e7", -1000}};
    for (const auto &[digits, value] : examples) {
        const std::string bytes = unhex(digits);
        const auto item = whole(bytes);
        ASSERT_TRUE(item) << digits;
        EXPECT_EQ(item->integer(), value) << digits;
    }
    EXPECT_EQ(whole(unhex("1bffffffffffffffff"))->number, 18446744073709551615U);
    EXPECT_FALSE(whole(unhex("1bffffffffffffffff"))->integer());
    EXPECT_FALSE(whole(unhex("3bffffffffffffffff"))->integer());
    EXPECT_FALSE(whole(unhex("40"))->integer());
}

TEST(cbor, TextsAndContainersOfTheStandard) {
    for (const char *digits : {"f4",
                               "f5",
                               "f6",
                               "40",
                               "4401020304",
                               "60",
                               "6161",
                               "6449455446",
                               "62225c",
                               "62c3bc",
                               "63e6b0b4",
                               "80",
                               "83010203",
                               "8301820203820405",
                               "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
                               "a0",
                               "a201020304",
                               "a26161016162820203",
                               "826161a161626163",
                               "a56161614161626142616361436164614461656145"})
        EXPECT_TRUE(whole(unhex(digits))) << digits;
    const std::string bytes = unhex("a26161016162820203");
    const auto map = whole(bytes);
    EXPECT_EQ(find(*map, "a")->integer(), 1);
    EXPECT_EQ(find(*map, "b")->number, 2U);
    EXPECT_FALSE(find(*map, "c"));
    EXPECT_FALSE(find(*map, 1));
    EXPECT_FALSE(find(*find(*map, "b"), 2));
    const std::string numbers = unhex("a3010220033863f6");
    EXPECT_EQ(find(*whole(numbers), -1)->integer(), 3);
    EXPECT_EQ(find(*whole(numbers), -100)->number, 22U);
}

// Of the same appendix: floating point, tags, undefined, other simple values, indefinite lengths.
TEST(cbor, RefusesWhatNoAuthenticatorWrites) {
    for (const char *digits :
         {"f90000", "f98000", "f93c00", "fb3ff199999999999a", "f97bff", "fa47c35000", "f97c00",
          "f97e00", "faff800000", "f7", "f0", "f8ff",
          "c074323031332d30332d32315432303a30343a30305a", "c249010000000000000000", "d74401020304",
          "d818456449455446", "5f42010243030405ff", "7f657374726561646d696e67ff", "9fff",
          "9f018202039f0405ffff", "83018202039f0405ff", "bfff", "bf61610161629f0203ffff", "ff",
          // longer than they need be
          "1800", "1817", "190001", "1900ff", "1a0000ffff", "1b00000000ffffffff", "3817",
          "5803010203", "b90000", "f814", "f818",
          // cut off, or nothing at all
          "", "18", "19ff", "1b000000e8d4a510", "41", "61", "81", "8201", "a1", "a101",
          "5bffffffffffffffff", "9bffffffffffffffff", "bbffffffffffffffff", "9affffffff", "1c",
          "1d", "1e", "1f", "3c",
          // a key twice
          "a2010201ff", "a201020103", "a2616101616102", "a1a201010102"})
        EXPECT_FALSE(whole(unhex(digits))) << digits;
}

TEST(cbor, LimitsDepthAndPairs) {
    std::string arrays(k_max_depth, '\x81');
    EXPECT_TRUE(whole(arrays + '\0'));
    EXPECT_FALSE(whole('\x81' + arrays + '\0'));
    EXPECT_FALSE(whole(std::string(1'000'000, '\x81')));
    std::string pairs;
    for (char i = 0; i < 64; ++i)
        pairs += std::string{i < 24 ? "" : "\x18"} + i + '\0';
    EXPECT_TRUE(whole("\xb8\x40" + pairs));
    EXPECT_FALSE(whole("\xb8\x41" + pairs + "\x18\x40" + '\0'));
    // Maps within maps, of which each looks for its keys again: the time stays linear.
    std::string nested = "\xf4";
    for (int level = 0; level < k_max_depth; ++level)
        nested = "\xb8\x40" + std::string(1, '\0') + nested + pairs.substr(2);
    EXPECT_TRUE(whole(nested));
}

TEST(cbor, LeavesWhatFollows) {
    const std::string bytes = unhex("0102");
    bytes_in rest = bytes_of(bytes);
    EXPECT_EQ(take_item(rest)->number, 1U);
    EXPECT_EQ(take_item(rest)->number, 2U);
    EXPECT_FALSE(take_item(rest));
    const std::string bad = unhex("1800");
    rest = bytes_of(bad);
    EXPECT_FALSE(take_item(rest));
    EXPECT_EQ(rest.size(), 2U);
}

} // namespace
} // namespace saas::core::webauthn
