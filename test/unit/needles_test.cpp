// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/needles.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

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

// Of a value of which there is one.
privacy::needle needle_of(std::string_view value) {
    const auto all = privacy::make_needles(counting_key(), value);
    EXPECT_EQ(all.size(), 1U) << value;
    return all.at(0);
}

bool found(const std::vector<std::string> &values, std::string_view text) {
    std::vector<privacy::needle> needles;
    for (const auto &value : values)
        for (const privacy::needle &one : privacy::make_needles(counting_key(), value))
            needles.push_back(one);
    return privacy::needle_set{counting_key(), needles}.occurs_in(text, saas::core::cancel_poll{});
}

TEST(Needles, FindWordsWhereverTheyStand) {
    EXPECT_TRUE(found({"ada@example.org"}, "ada@example.org"));
    EXPECT_TRUE(found({"ada@example.org"}, R"({"to": "Ada@Example.ORG", "n": 1})"));
    EXPECT_TRUE(found({"ada@example.org"}, R"({"text": "from\nada@example.org"})"));
    EXPECT_TRUE(found({"ada@example.org"}, R"((1,"{""text"": ""from\\nada@example.org""}"))"));
    EXPECT_TRUE(found({"x", "Ada Lovelace"}, "signed: ADA-LOVELACE."));
    EXPECT_TRUE(found({"J\xc3\xb6rg"}, "J\xc3\xb6rg was here"));
    EXPECT_TRUE(found({"Zo\xc3\xab M\xc3\xbcller"}, "ZO\xc3\x8b M\xc3\x9cLLER"));
    EXPECT_TRUE(found({"\xc5\x81\xc3\xb3" "d\xc5\xba"}, "(\xc5\x82\xc3\x93" "D\xc5\xb9)"));
    EXPECT_FALSE(found({"\xc5\x81\xc3\xb3" "d\xc5\xba"}, "\xc5\x83\xc3\xb3" "d\xc5\xba"));
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
    const auto needle = needle_of("Ada");
    const privacy::needle_set set{other, std::vector{needle}};
    EXPECT_FALSE(set.occurs_in("Ada", saas::core::cancel_poll{}));
}

TEST(Needles, PackedAndUnpacked) {
    std::vector<std::uint8_t> bytes;
    for (std::uint8_t byte : counting_key())
        bytes.push_back(byte);
    for (const char *value : {"Ada Lovelace", "ada@example.org"}) {
        const auto packed = privacy::pack_needle(needle_of(value));
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

// Byte by byte, as the words are defined.
std::vector<std::string> words_of(const std::string &text) {
    std::vector<std::string> words;
    bool goes_on = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        const bool letter =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c > 127;
        const bool escape =
            i > 0 && text[i - 1] == '\\' && std::string{"nrtbf"}.find(text[i]) != std::string::npos;
        if (!letter || escape) {
            goes_on = false;
            continue;
        }
        if (!goes_on)
            words.emplace_back();
        goes_on = true;
        words.back() += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : text[i];
    }
    return words;
}

TEST(Needles, AreFoundWhereWordByWordTheyStand) {
    std::mt19937 random{1815};
    const std::string letters = "abNn19\\\\ .@\xc3\xff\x01";
    int hits = 0;
    for (int round = 0; round < 3000; ++round) {
        std::string text;
        for (std::size_t length = random() % 200; text.size() < length;)
            text += letters[random() % letters.size()];
        std::string value;
        if (const std::size_t from = text.empty() ? 0 : random() % text.size(); round % 2 == 0)
            value = text.substr(from, random() % 12);
        else
            for (std::size_t length = 1 + random() % 5; value.size() < length;)
                value += letters[random() % letters.size()];
        auto sought = words_of(value);
        const auto all = words_of(text);
        sought.resize(std::min(sought.size(), privacy::k_most_words));
        const bool expected = !sought.empty() && std::search(all.begin(), all.end(), sought.begin(),
                                                             sought.end()) != all.end();
        hits += expected ? 1 : 0;
        ASSERT_EQ(found({value}, text), expected) << '[' << value << "] in [" << text << ']';
    }
    EXPECT_GT(hits, 500);
}

TEST(Needles, AreFoundAtEveryPlaceOfABlock) {
    for (std::size_t before = 0; before < 140; ++before) {
        const std::string text = std::string(before, '.') + "ada-lovelace1815@Example.org";
        EXPECT_TRUE(found({"ada-lovelace1815@example.org"}, text)) << before;
        EXPECT_FALSE(found({"ada-lovelace1815@example.org"}, text + "x")) << before;
        EXPECT_TRUE(found({"ada-lovelace1815@example.org"}, text + std::string(before, ' ')))
            << before;
        EXPECT_TRUE(found({"lovelace1815"}, std::string(before, '.') + "\\nlovelace1815"))
            << before;
    }
}

TEST(Needles, OfFewAndOfManyLengthsAreFoundAlike) {
    // Few lengths of first words are looked for, of many each word is; both must find the same.
    std::mt19937 random{64};
    const std::string letters = "abcdefghij0123456789.@ ";
    for (int round = 0; round < 400; ++round) {
        std::string text;
        for (std::size_t length = 1 + random() % 300; text.size() < length;)
            text += letters[random() % letters.size()];
        std::vector<std::string> values;
        for (int i = 0; i < 3; ++i)
            values.push_back(text.substr(random() % text.size(), 1 + random() % 25));
        values.push_back("zzzz");
        const bool few = found(values, text);
        for (std::size_t length = 1; length <= 20; ++length)
            values.push_back(std::string(length, 'z'));
        ASSERT_EQ(found(values, text), few) << text;
    }
}

TEST(Needles, WithoutALengthAreFoundAsBefore) {
    // As those are that were taken before the length was kept.
    auto old = needle_of("ada@example.org");
    EXPECT_EQ(old.length, 3);
    old.length = 0;
    const privacy::needle_set set{counting_key(), std::vector{old}};
    EXPECT_TRUE(set.occurs_in("to Ada@example.org", saas::core::cancel_poll{}));
    EXPECT_TRUE(set.may_begin(1U << 9));
}

TEST(Needles, MayBeginWithWordsOfTheirLengthOnly) {
    const auto needle = needle_of("ada@example.org");
    const privacy::needle_set set{counting_key(), std::vector{needle}};
    EXPECT_TRUE(set.may_begin(1U << 3));
    EXPECT_FALSE(set.may_begin(privacy::k_any_length & ~(1U << 3)));
    const auto long_word = needle_of(std::string(40, 'a'));
    EXPECT_TRUE((privacy::needle_set{counting_key(), std::vector{long_word}}.may_begin(
        1U << privacy::k_long_word)));
}

TEST(Needles, AllThatOccurAreNamed) {
    const auto ada = needle_of("ada@example.org");
    const auto bob = needle_of("Bob");
    const auto eve = needle_of("eve");
    const privacy::needle_set set{counting_key(), std::vector{ada, bob, eve}};
    std::vector<privacy::occurrence> all;
    const auto find = [&](std::string_view text) {
        all.clear();
        return set.find_all(text, saas::core::cancel_poll{}, all);
    };
    EXPECT_FALSE(find("bob, ADA@example.org and bob"));
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].hash, bob.hash);
    EXPECT_EQ(all[0].place, 0U);
    EXPECT_EQ(all[1].hash, ada.hash);
    EXPECT_EQ(all[1].place, 5U);
    EXPECT_EQ(all[2].hash, bob.hash);
    EXPECT_EQ(all[2].place, 25U);
    EXPECT_TRUE(find("nobody\\"));
    EXPECT_TRUE(set.look_for("nobody\\", saas::core::cancel_poll{}).has_backslashes);
    EXPECT_FALSE(set.look_for("nobody", saas::core::cancel_poll{}).has_backslashes);
    EXPECT_TRUE(all.empty());
}

} // namespace
