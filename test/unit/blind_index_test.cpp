// SPDX-License-Identifier: PostgreSQL
#include "core/encryption/blind_index.hpp"
#include "core/encryption/text_form.hpp"
#include "core/error.hpp"
#include "core/sha256.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace core = saas::core;
namespace subject = saas::core::encryption;

namespace {
std::string last_four(std::string_view text) { return subject::last_four(subject::fold(text)); }
} // namespace

TEST(fold, takes_letters_to_lower_case_and_blanks_away) {
    EXPECT_EQ(subject::fold(" \t\nAda.Lovelace@EXAMPLE.org \r"), "ada.lovelace@example.org");
    EXPECT_EQ(subject::fold(""), "");
    EXPECT_EQ(subject::fold(" \n "), "");
    EXPECT_EQ(subject::fold("a b"), "a b");
}

TEST(fold, knows_letters_beyond_ascii) {
    EXPECT_EQ(subject::fold("ÀÉÎÕÜÞ×ß"), "àéîõüþ×ß");
    EXPECT_EQ(subject::fold("ĀĶĹŇŊŶŸŹŽ"), "āķĺňŋŷÿźž");
    EXPECT_EQ(subject::fold("ΑΣΩΪΫς"), "ασωϊϋσ");
    EXPECT_EQ(subject::fold("ЀЏАЯѠҊӁӐ"), "ѐџаяѡҋӂӑ");
    EXPECT_EQ(subject::fold("āķĺňŋŷÿźžαωѐџаяѡıĸŉ"), "āķĺňŋŷÿźžαωѐџаяѡıĸŉ");
    EXPECT_EQ(subject::fold("世界🔐"), "世界🔐");
}

TEST(fold, does_nothing_to_what_is_folded) {
    for (std::uint32_t c = 0x80; c < 0x800; ++c) {
        const std::string text{static_cast<char>(0xC0U | c >> 6U), static_cast<char>(0x80U | (c & 0x3FU))};
        const std::string once = subject::fold(text);
        EXPECT_EQ(subject::fold(once), once) << c;
        EXPECT_FALSE(once.empty()) << c;
    }
}

TEST(first_characters, are_none_of_a_shorter_text) {
    EXPECT_EQ(subject::first_characters("müller", 3), "mül");
    EXPECT_EQ(subject::first_characters("ab", 2), "ab");
    EXPECT_EQ(subject::first_characters("ab", 3), "");
    EXPECT_EQ(subject::first_characters("", 1), "");
}

TEST(last_four, leave_out_what_stands_between) {
    EXPECT_EQ(last_four("4111 1111-1111.1234"), "1234");
    EXPECT_EQ(last_four("DE89 3704 0044 0532 0130 0X"), "300x");
    EXPECT_EQ(last_four("1-2-3-4"), "1234");
    EXPECT_EQ(last_four("123"), "");
    EXPECT_EQ(last_four(""), "");
    EXPECT_EQ(last_four("x世界é"), "x世界é");
}

// HMAC-SHA256 of RFC 4231, test case 2: 5bdcc146bf60754e…
TEST(blind_index, is_the_beginning_of_the_hmac) {
    const auto key = core::bytes_of("Jefe");
    const std::string_view text = "what do ya want for nothing?";
    EXPECT_EQ(subject::blind_index(key, text, 63), static_cast<std::int64_t>(0x5bdcc146bf60754eULL >> 1U));
    EXPECT_EQ(subject::blind_index(key, text, 32), 0x5bdcc146);
    EXPECT_EQ(subject::blind_index(key, text, 1), 0);
    EXPECT_NE(subject::blind_index(core::bytes_of("jefe"), text, 63), subject::blind_index(key, text, 63));
}

TEST(index_hasher, gives_the_same_for_each_key_and_value) {
    subject::index_hasher hasher;
    std::array<std::uint8_t, 32> key{};
    for (int round = 0; round < 40; ++round) {
        key[0] = static_cast<std::uint8_t>(round / 3 % 2); // the same key again, another one, and back
        const std::string text(static_cast<std::size_t>(round * 7), 'x');
        EXPECT_EQ(hasher.blind_index(key, text, 63), subject::blind_index(key, text, 63)) << round;
        if (round % 5 == 0)
            hasher.forget();
    }
    EXPECT_THROW((void)hasher.blind_index(core::bytes_of("Jefe"), "x", 63), core::error);
}

TEST(text_form, comes_back) {
    for (std::size_t size : {1U, 2U, 3U, 52U, 1000U}) {
        const std::vector<std::uint8_t> value(size, 0xC1);
        const std::string text = subject::to_text_form(value);
        EXPECT_TRUE(text.starts_with("enc1:"));
        ASSERT_EQ(subject::text_form_bytes(text), size);
        std::vector<std::uint8_t> out(size);
        EXPECT_TRUE(subject::from_text_form(text, out));
        EXPECT_EQ(out, value);
    }
}

TEST(text_form, is_not_found_in_other_texts) {
    for (std::string_view text : {"", "enc1:", "enc1:a", "enc1:abc", "enc2:abcd", "abcd", "ENC1:abcd", "enc1:abcde"})
        EXPECT_FALSE(subject::text_form_bytes(text)) << text;
    for (std::string_view text : {"enc1:====", "enc1:a===", "enc1:ab!d", "enc1:ab d", "enc1:ab=d"}) {
        const auto size = subject::text_form_bytes(text);
        std::vector<std::uint8_t> out(size.value_or(0));
        EXPECT_FALSE(size && subject::from_text_form(text, out)) << text;
    }
}
