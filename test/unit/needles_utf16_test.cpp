// SPDX-License-Identifier: PostgreSQL
// Needles in texts of UTF-16, and of other ways to write their letters.
#include "core/privacy/needles.hpp"
#include "core/privacy/utf8.hpp"
#include "core/privacy/words.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace privacy = saas::core::privacy;

namespace {

const privacy::siphash_key k_key{7, 1, 8};

privacy::needle_set set_of(const std::vector<std::string> &values) {
    std::vector<privacy::needle> needles;
    for (const std::string &value : values)
        for (const privacy::needle &one : privacy::make_needles(k_key, value))
            needles.push_back(one);
    return {k_key, needles};
}

bool found(const std::vector<std::string> &values, std::string_view text) {
    return set_of(values).occurs_in(text, saas::core::cancel_poll{});
}

bool found_utf16(const std::vector<std::string> &values, std::string_view bytes) {
    return set_of(values).occurs_in_utf16(bytes, saas::core::cancel_poll{});
}

std::string utf16(std::u16string_view text, bool big_endian) {
    std::string bytes;
    for (const char16_t unit : text) {
        const char parts[] = {static_cast<char>(unit >> 8), static_cast<char>(unit & 0xff)};
        bytes += parts[big_endian ? 0 : 1];
        bytes += parts[big_endian ? 1 : 0];
    }
    return bytes;
}

// The whole of one reading, letter by letter.
std::string utf8(std::string_view bytes, bool big_endian) {
    std::string text;
    const auto unit = [&](std::size_t at) {
        const auto first = static_cast<unsigned char>(bytes[at]), second = static_cast<unsigned char>(bytes[at + 1]);
        return static_cast<char32_t>(big_endian ? first << 8 | second : second << 8 | first);
    };
    for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
        char32_t letter = unit(at);
        if (letter >= 0xd800 && letter < 0xdc00 && at + 3 < bytes.size() && unit(at + 2) >= 0xdc00 && unit(at + 2) < 0xe000) {
            letter = 0x10000 + ((letter - 0xd800) << 10) + (unit(at + 2) - 0xdc00);
            at += 2;
        }
        char out[privacy::k_letter_room];
        text.append(out, privacy::write_letter(letter, out));
    }
    return text;
}

TEST(NeedlesUtf16, AreFoundInEitherByteOrderFromAnyByteOn) {
    const std::string filler("\0\0\1", 3);
    for (const bool big_endian : {false, true})
        for (std::size_t before = 0; before < 300; ++before) {
            const std::string text =
                std::string(before, '\0') + utf16(u"to ADA@Example.org, Zoë Müller", big_endian) + filler;
            ASSERT_TRUE(found_utf16({"ada@example.org"}, text)) << before;
            ASSERT_TRUE(found_utf16({"zoë-müller"}, text)) << before;
            ASSERT_FALSE(found_utf16({"ada@example.com"}, text));
            ASSERT_FALSE(found_utf16({"da@example.org"}, text));
            ASSERT_FALSE(found({"ada@example.org"}, text));
        }
}

TEST(NeedlesUtf16, OfOtherLetters) {
    for (const bool big_endian : {false, true}) {
        EXPECT_TRUE(found_utf16({"Жанна Д'Арк"}, utf16(u"[ЖАННА д’арк Д.АРК жанна\tд-арк]", big_endian)));
        EXPECT_TRUE(found_utf16({"李小龍"}, utf16(u"李小龍", big_endian)));
        EXPECT_TRUE(found_utf16({"\xf0\x9f\x98\x80 x"}, utf16(u"\xd83d\xde00 x", big_endian)));
        EXPECT_TRUE(found_utf16({"Zoë"}, utf16(u"zoe\u0308", big_endian)));
        EXPECT_TRUE(found_utf16({"b c"}, utf16(uR"(a\nb\n\nc)", big_endian)));
        EXPECT_TRUE(found_utf16({"a b c d e f g h"}, utf16(uR"(a\n\n\tb c\nd e f\n\ng h i)", big_endian)));
        EXPECT_TRUE(found_utf16({std::string(700, 'a') + " b"}, utf16(std::u16string(700, u'a') + u" b", big_endian)));
        EXPECT_FALSE(found_utf16({"Ada"}, utf16(u"Ad", big_endian)));
    }
    EXPECT_FALSE(found_utf16({"Ada"}, ""));
    EXPECT_FALSE(found_utf16({"Ada"}, "A"));
}

TEST(NeedlesUtf16, AreNamedOnce) {
    const auto ada = privacy::make_needles(k_key, "Ada").at(0), bob = privacy::make_needles(k_key, "Bob").at(0);
    const privacy::needle_set set{k_key, std::vector{ada, bob}};
    const std::string bytes = utf16(u" bob ada bob ", false) + utf16(u" ada bob ", true);
    std::vector<std::uint64_t> hashes;
    set.find_hashes_utf16(bytes, saas::core::cancel_poll{}, hashes);
    EXPECT_EQ(hashes, (std::vector{std::min(ada.hash, bob.hash), std::max(ada.hash, bob.hash)}));
    hashes.clear();
    set.find_hashes("bob bob", saas::core::cancel_poll{}, hashes);
    EXPECT_EQ(hashes, std::vector{bob.hash});
}

// What the fast way finds in any bytes is what stands in the four readings of them.
TEST(NeedlesUtf16, AreFoundAsInTheReadings) {
    std::mt19937 random{16};
    const std::u16string letters = u"abN1 .\\né日\xd83d\xde00\u0308";
    int hits = 0;
    for (int round = 0; round < 1500; ++round) {
        std::u16string units;
        for (std::size_t length = random() % 90; units.size() < length;)
            units += random() % 40 == 0 ? static_cast<char16_t>(random()) : letters[random() % letters.size()];
        const std::string bytes = std::string(random() % 3, ' ') + utf16(units, random() % 2 == 0);
        std::vector<std::string> readings;
        for (const bool big_endian : {false, true})
            for (const std::size_t first : {0U, 1U})
                readings.push_back(utf8(std::string_view{bytes}.substr(std::min<std::size_t>(first, bytes.size())), big_endian));
        std::shuffle(readings.begin(), readings.end(), random);
        const auto has_words = [](const std::string &text) { return privacy::next_word(text, 0) < text.size(); };
        const auto some = std::find_if(readings.begin(), readings.end(), has_words);
        const std::string from = some == readings.end() ? std::string{} : *some;
        const std::size_t begin = privacy::next_word(from, 0);
        const std::string value = from.substr(begin, round % 2 == 0 ? privacy::word_at(from, begin).size() : 1 + random() % 12);
        const auto set = set_of({value, "zzz"});
        const bool expected = std::any_of(readings.begin(), readings.end(), [&](const std::string &reading) {
            return set.occurs_in(reading, saas::core::cancel_poll{});
        });
        hits += expected ? 1 : 0;
        ASSERT_EQ(set.occurs_in_utf16(bytes, saas::core::cancel_poll{}), expected) << value;
    }
    EXPECT_GT(hits, 400);
}

TEST(NeedlesForms, AreFoundHoweverLettersAndMarksAreWritten) {
    const std::string whole = "Zoë Müller", apart = "Zoe\xcc\x88 Mu\xcc\x88ller";
    for (const auto &value : {whole, apart})
        for (const auto &text : {whole, apart, std::string{"ZOË MU\xcc\x88LLER"}, std::string{"ZOE\xcc\x88-MÜLLER"}})
            EXPECT_TRUE(found({value}, text)) << value << " in " << text;
    EXPECT_FALSE(found({whole}, "Zoe Muller"));
    EXPECT_FALSE(found({apart}, "Zo\xc3\xa9 M\xc3\xbcller"));
    const std::string tones[] = {"Nguy\xe1\xbb\x85n", "Nguye\xcc\x82\xcc\x83n", "NGUY\xc3\x8a\xcc\x83N"};
    for (const auto &value : tones)
        for (const auto &text : tones)
            EXPECT_TRUE(found({value}, text)) << value << " in " << text;
    EXPECT_TRUE(found({"김철수"}, "\xe1\x84\x80\xe1\x85\xb5\xe1\x86\xb7\xe1\x84\x8e\xe1\x85\xa5\xe1\x86\xaf\xe1\x84\x89\xe1\x85\xae"));
}

TEST(NeedlesForms, OneOfASCIIAndOneForEachOther) {
    EXPECT_EQ(privacy::make_needles(k_key, "...").size(), 0U);
    EXPECT_EQ(privacy::make_needles(k_key, "ada@example.org").size(), 1U);
    EXPECT_EQ(privacy::make_needles(k_key, "Ada Müller").size(), 1U); // the first word alone counts
    const auto two = privacy::make_needles(k_key, "Zoë");
    ASSERT_EQ(two.size(), 2U);
    EXPECT_EQ(two[0].hash >> 16, two[1].hash >> 16);
    EXPECT_EQ(two[0].length, 4);
    EXPECT_EQ(two[1].length, 5);
}

} // namespace
