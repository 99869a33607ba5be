// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/escapes.hpp"
#include "core/privacy/letter_case.hpp"

#include <gtest/gtest.h>

#include <string>

namespace privacy = saas::core::privacy;

namespace {

std::string unescaped(const std::string &text, char32_t highest = 0x10ffff) {
    std::string out(text.size(), '\0');
    out.resize(privacy::write_unescaped(text, highest, out.data()));
    return out;
}

TEST(Escapes, BecomeLetters) {
    EXPECT_EQ(unescaped(R"(Zo\u00eb M\u00FCller)"), "Zo\xc3\xab M\xc3\xbcller");
    EXPECT_EQ(unescaped(R"(ann\u0040example.org)"), "ann@example.org");
    EXPECT_EQ(unescaped(R"(\u20ac\ud83d\ude00)"), "\xe2\x82\xac\xf0\x9f\x98\x80");
    EXPECT_EQ(unescaped(R"(\\u0061)"), R"(\a)");
}

TEST(Escapes, StayWhenTheyAreNone) {
    for (const char *text : {"", "plain", "\\", R"(\u)", R"(\u12)", R"(\u12g4)", R"(\n\t\\)", R"(\u0000)", R"(\ud83d)", R"(\ud83dx)",
                             R"(\ud83d\u0061x)", R"(\ude00)"})
        EXPECT_EQ(unescaped(text), text == std::string{R"(\ud83d\u0061x)"} ? R"(\ud83dax)" : text);
    EXPECT_EQ(unescaped(R"(\u00eb\u0041)", 0x7f), R"(\u00ebA)");
}

TEST(Escapes, AreNoticed) {
    EXPECT_TRUE(privacy::has_escapes(R"(x\\u0061)"));
    EXPECT_FALSE(privacy::has_escapes(R"(x\n\u006)"));
    EXPECT_FALSE(privacy::has_escapes(""));
}

TEST(SmallLetters, OfCapitals) {
    EXPECT_EQ(privacy::small_letter(0xc9), 0xe9U);    // É
    EXPECT_EQ(privacy::small_letter(0xd7), 0xd7U);    // the sign for times
    EXPECT_EQ(privacy::small_letter(0x141), 0x142U);  // Ł
    EXPECT_EQ(privacy::small_letter(0x160), 0x161U);  // Š
    EXPECT_EQ(privacy::small_letter(0x178), 0xffU);   // Ÿ
    EXPECT_EQ(privacy::small_letter(0x3a3), 0x3c3U);  // Σ
    EXPECT_EQ(privacy::small_letter(0x3c2), 0x3c3U);  // ς
    EXPECT_EQ(privacy::small_letter(0x388), 0x3adU);  // Έ
    EXPECT_EQ(privacy::small_letter(0x416), 0x436U);  // Ж
    EXPECT_EQ(privacy::small_letter(0x401), 0x451U);  // Ё
    EXPECT_EQ(privacy::small_letter(0x531), 0x561U);  // Ա
}

TEST(SmallLetters, HaveNoSmallerOnesAndTakeTwoBytes) {
    for (char32_t c = 0x80; c < 0x800; ++c) {
        const char32_t small = privacy::small_letter(c);
        EXPECT_EQ(privacy::small_letter(small), small) << static_cast<unsigned>(c);
        EXPECT_GE(small, 0x80U);
        EXPECT_LT(small, 0x800U);
    }
}

} // namespace
