// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/letter_forms.hpp"
#include "core/privacy/letter_tables.hpp"
#include "core/privacy/utf8.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace privacy = saas::core::privacy;

namespace {

std::string plain(std::string_view word) {
    std::vector<std::uint8_t> out;
    privacy::append_plain_form(word, out);
    return {out.begin(), out.end()};
}

using forms = std::vector<std::string>;

TEST(LetterForms, ArePlainWithMarksApartAndSmall) {
    EXPECT_EQ(plain("Ada19"), "ada19");
    EXPECT_EQ(plain("ZOË"), "zoe\xcc\x88");
    EXPECT_EQ(plain("zoe\xcc\x88"), "zoe\xcc\x88");
    EXPECT_EQ(plain("NGUYỄN"), plain("nguyễn"));
    EXPECT_EQ(plain("İ"), plain("i\xcc\x87"));
    EXPECT_EQ(plain("Й"), "и\xcc\x86");
    EXPECT_EQ(plain("\xe2\x84\xab"), "a\xcc\x8a"); // the sign of the unit, which is Å
    EXPECT_EQ(plain("\xea\xb0\x81"), "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8"); // 각
    // Signs stay signs.
    EXPECT_EQ(plain("\xe2\x89\xa0"), "\xe2\x89\xa0");
}

TEST(LetterForms, MarksHaveAnOrder) {
    EXPECT_EQ(plain("a\xcc\x81\xcc\xa3"), plain("a\xcc\xa3\xcc\x81"));   // above, below
    EXPECT_NE(plain("a\xcc\x81\xcc\x82"), plain("a\xcc\x82\xcc\x81")); // one above the other
}

TEST(LetterForms, BytesThatAreNoLettersStay) {
    for (const char *word : {"\xff", "a\xc3", "\xc3\x41\xab", "\xe2\x82", "\xf5\x80\x80\x80", "\xc0\xaf", "\xed\xa0", "\x80\x80"})
        EXPECT_EQ(plain(word).size(), std::string_view{word}.size()) << word;
    EXPECT_EQ(privacy::written_forms("\xff\xfe"), (forms{"\xff\xfe"}));
}

TEST(LetterForms, AWordIsWrittenInSeveral) {
    EXPECT_EQ(privacy::written_forms(""), (forms{""}));
    EXPECT_EQ(privacy::written_forms("Ada"), (forms{"Ada"}));
    EXPECT_EQ(privacy::written_forms("日本"), (forms{"日本"}));
    EXPECT_EQ(privacy::written_forms("Zo\xc3\xab"), (forms{"Zo\xc3\xab", "Zoe\xcc\x88"}));
    EXPECT_EQ(privacy::written_forms("Zoe\xcc\x88"), (forms{"Zoe\xcc\x88", "Zo\xc3\xab"}));
    // e, its circumflex and its tilde
    const std::string apart = "e\xcc\x82\xcc\x83", whole = "\xe1\xbb\x85", last_apart = "\xc3\xaa\xcc\x83";
    EXPECT_EQ(privacy::written_forms(whole), (forms{whole, apart, last_apart}));
    EXPECT_EQ(privacy::written_forms(last_apart), (forms{last_apart, apart, whole}));
    EXPECT_EQ(privacy::written_forms("\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8"),
              (forms{"\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "\xea\xb0\x81"}));
    // Of marks that may not go together with the letter.
    EXPECT_EQ(privacy::written_forms("a\xcc\x82\xcc\xa3"), (forms{"a\xcc\x82\xcc\xa3", "a\xcc\xa3\xcc\x82", "\xe1\xba\xad", "\xe1\xba\xa1\xcc\x82"}));
}

TEST(LetterForms, OfAllLettersAreTheSamePlain) {
    int several = 0;
    for (const privacy::letter_pair &one : privacy::composed_letters()) {
        char bytes[privacy::k_letter_room];
        const std::string word = "x" + std::string(bytes, privacy::write_letter(one.letter, bytes));
        const forms all = privacy::written_forms(word);
        several += all.size() > 1 ? 1 : 0;
        for (const std::string &form : all)
            ASSERT_EQ(plain(form), plain(word)) << word;
    }
    EXPECT_EQ(several, static_cast<int>(privacy::composed_letters().size()));
}

TEST(LetterTables, AreSorted) {
    const auto by_letter = [](const auto &a, const auto &b) { return a.letter < b.letter; };
    EXPECT_TRUE(std::is_sorted(privacy::composed_letters().begin(), privacy::composed_letters().end(), by_letter));
    EXPECT_TRUE(std::is_sorted(privacy::never_composed_letters().begin(), privacy::never_composed_letters().end(), by_letter));
    EXPECT_TRUE(std::is_sorted(privacy::mark_ranges().begin(), privacy::mark_ranges().end(),
                               [](const auto &a, const auto &b) { return a.last < b.first; }));
}

TEST(Utf8, LettersAreReadAsTheyAreWritten) {
    for (char32_t c = 0; c <= 0x10ffff; c += c < 0x1000 ? 1 : 61) {
        char bytes[privacy::k_letter_room];
        const std::string text(bytes, privacy::write_letter(c, bytes));
        std::size_t at = 0;
        ASSERT_EQ(privacy::read_letter(text, at), c);
        ASSERT_EQ(at, text.size());
    }
    std::size_t at = 0;
    EXPECT_EQ(privacy::read_letter("\xf4\x90\x80\x80", at), privacy::k_stray_byte + 0xf4);
    EXPECT_EQ(at, 1U);
}

} // namespace
