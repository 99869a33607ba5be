// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/needles.hpp"

#include <gtest/gtest.h>

#include <string>

namespace privacy = saas::core::privacy;

namespace {

privacy::siphash_key counting_key() {
    privacy::siphash_key key;
    for (std::size_t i = 0; i < key.size(); ++i)
        key[i] = static_cast<std::uint8_t>(i);
    return key;
}

// From appendix A of the paper, and the first ones of the authors' list.
TEST(SipHash, KnownAnswers) {
    std::vector<std::uint8_t> data;
    EXPECT_EQ(privacy::siphash(counting_key(), data), 0x726fdb47dd0e0e31U);
    data.push_back(0);
    EXPECT_EQ(privacy::siphash(counting_key(), data), 0x74f839c593dc67fdU);
    for (std::uint8_t i = 1; i < 15; ++i)
        data.push_back(i);
    EXPECT_EQ(privacy::siphash(counting_key(), data), 0xa129ca6149be45e5U);
}

bool found(const std::vector<std::string> &values, std::string_view text) {
    std::vector<privacy::needle> needles;
    for (const auto &value : values)
        needles.push_back(privacy::make_needle(counting_key(), value));
    return privacy::needle_set{counting_key(), needles}.occurs_in(text, saas::core::cancel_poll{});
}

TEST(Needles, FindWordsWhereverTheyStand) {
    EXPECT_TRUE(found({"ada@example.org"}, "ada@example.org"));
    EXPECT_TRUE(found({"ada@example.org"}, R"({"to": "Ada@Example.ORG", "n": 1})"));
    EXPECT_TRUE(found({"ada@example.org"}, R"({"text": "from\nada@example.org"})"));
    EXPECT_TRUE(found({"ada@example.org"}, R"((1,"{""text"": ""from\\nada@example.org""}"))"));
    EXPECT_TRUE(found({"x", "Ada Lovelace"}, "signed: ADA-LOVELACE."));
    EXPECT_TRUE(found({"J\xc3\xb6rg"}, "J\xc3\xb6rg was here"));
    EXPECT_TRUE(found({"a b c d e f g h"}, "0 a b c d e f g h 9"));
}

TEST(Needles, FindNoPartsAndNoOthers) {
    EXPECT_FALSE(found({"ada@example.org"}, "ada@example.com"));
    EXPECT_FALSE(found({"ada@example.org"}, "lada@example.org"));
    EXPECT_FALSE(found({"ada@example.org"}, "ada@example.organisation"));
    EXPECT_FALSE(found({"Ada Lovelace"}, "Lovelace, Ada"));
    EXPECT_FALSE(found({"Ada Lovelace"}, "Ada"));
    EXPECT_FALSE(found({"Ada"}, ""));
    EXPECT_FALSE(found({}, "Ada"));
    EXPECT_FALSE(found({"...", ""}, "... "));
}

TEST(Needles, AnotherKeyFindsNothing) {
    auto other = counting_key();
    other[0] = 1;
    const auto needle = privacy::make_needle(counting_key(), "Ada");
    const privacy::needle_set set{other, std::vector{needle}};
    EXPECT_FALSE(set.occurs_in("Ada", saas::core::cancel_poll{}));
}

TEST(Needles, PackedAndUnpacked) {
    std::vector<std::uint8_t> bytes;
    for (std::uint8_t byte : counting_key())
        bytes.push_back(byte);
    for (const char *value : {"Ada Lovelace", "ada@example.org"}) {
        const auto packed = privacy::pack_needle(privacy::make_needle(counting_key(), value));
        ASSERT_EQ(packed.size(), privacy::k_needle_bytes);
        bytes.insert(bytes.end(), packed.begin(), packed.end());
    }
    const auto set = privacy::unpack_needles(bytes);
    EXPECT_TRUE(set.occurs_in("to ada@example.org", saas::core::cancel_poll{}));
    EXPECT_FALSE(set.occurs_in("to ada@example", saas::core::cancel_poll{}));
    bytes.pop_back();
    EXPECT_THROW(privacy::unpack_needles(bytes), saas::core::error);
    EXPECT_THROW(privacy::unpack_needles({}), saas::core::error);
    bytes.resize(16);
    EXPECT_TRUE(privacy::unpack_needles(bytes).empty());
}

} // namespace
