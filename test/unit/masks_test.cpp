// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/masks.hpp"

#include "core/error.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace privacy = saas::core::privacy;
using saas::core::bytes_of;
using saas::core::hmac_key;

TEST(masks, partial_shows_the_ends_and_not_the_length) {
    EXPECT_EQ(privacy::partial("4242424242424242", 0, 4, "*"), "***4242");
    EXPECT_EQ(privacy::partial("DE89370400440532013000", 2, 2, "x"), "DExxx00");
    EXPECT_EQ(privacy::partial("Zoë Müller", 3, 2, "*"), "Zoë***er");
    EXPECT_EQ(privacy::partial("日本語テキスト", 1, 1, "·"), "日···ト");
    // Two characters at least stay hidden.
    EXPECT_EQ(privacy::partial("abcdef", 2, 2, "*"), "ab***ef");
    EXPECT_EQ(privacy::partial("abcde", 2, 2, "*"), "***");
    EXPECT_EQ(privacy::partial("", 0, 0, "*"), "***");
    EXPECT_EQ(privacy::partial("abc", 0, 0, ""), "");
    const auto huge = std::size_t(-1);
    EXPECT_EQ(privacy::partial("abcdef", huge, huge, "*"), "***");
}

TEST(masks, partial_email_keeps_first_letters_and_top_level_domain) {
    EXPECT_EQ(privacy::partial_email("ada@example.org"), "a***@e***.org");
    EXPECT_EQ(privacy::partial_email("ünal@mail.example.co.uk"), "ü***@m***.uk");
    EXPECT_EQ(privacy::partial_email("\"a@b\"@example.org"), "\"***@e***.org");
    for (const char *none : {"", "ada", "@example.org", "ada@org", "ada@.org", "ada.b@"})
        EXPECT_EQ(privacy::partial_email(none), "***") << none;
}

std::string pseudonym(std::string_view value, std::string_view key) {
    std::string out(privacy::k_pseudonym_length, '.');
    privacy::write_pseudonym(value, hmac_key{bytes_of(key)}, out.data());
    return out;
}

std::string pseudonymous_uuid(std::string_view value, std::string_view key) {
    std::string out(privacy::k_pseudonymous_uuid_length, '.');
    privacy::write_pseudonymous_uuid(value, hmac_key{bytes_of(key)}, out.data());
    return out;
}

// HMAC-SHA256 of RFC 4231, test case 2.
TEST(masks, pseudonyms_are_keyed_hashes) {
    EXPECT_EQ(pseudonym("what do ya want for nothing?", "Jefe"), "5bdcc146bf60754e6a042426089575c7");
    EXPECT_EQ(pseudonymous_uuid("what do ya want for nothing?", "Jefe"), "5bdcc146-bf60-854e-aa04-2426089575c7");
    EXPECT_NE(pseudonym("a", "Jefe"), pseudonym("a", "other"));
}

TEST(masks, the_last_characters_are_counted_in_characters) {
    // Texts around the eight bytes that are looked at together, of characters of one to four bytes.
    const std::vector<std::string> letters{"a", "\xc3\xab", "\xe6\x97\xa5", "\xf0\x9f\x98\x80"};
    for (std::size_t length = 0; length < 40; ++length)
        for (std::size_t shift = 0; shift < letters.size(); ++shift) {
            std::string text, head, tail;
            for (std::size_t i = 0; i < length; ++i) {
                text += letters[(i + shift) % letters.size()];
                head += i < 3 ? letters[(i + shift) % letters.size()] : "";
                tail += i + 2 >= length ? letters[(i + shift) % letters.size()] : "";
            }
            ASSERT_EQ(privacy::partial(text, 3, 2, "*"), length < 7 ? "***" : head + "***" + tail) << length;
        }
}

TEST(masks, fakes_depend_on_seed_and_key_alone) {
    const std::vector<const char *> kinds{"first_name", "last_name", "full_name",   "email",   "url", "company", "street",
                                          "city",       "phone",     "postal_code", "country", "ip",  "text"};
    const hmac_key key{bytes_of("key")};
    for (const char *kind : kinds) {
        std::set<std::string> seen;
        for (int i = 0; i < 200; ++i) {
            const std::string seed = "person " + std::to_string(i);
            const std::string value = privacy::fake(kind, seed, key);
            EXPECT_FALSE(value.empty());
            EXPECT_EQ(value, privacy::fake(kind, seed, key));
            EXPECT_EQ(value.find("person"), std::string::npos);
            seen.insert(value);
        }
        EXPECT_GT(seen.size(), 10U) << kind;
    }
    EXPECT_NE(privacy::fake("email", "a", hmac_key{bytes_of("1")}), privacy::fake("email", "a", hmac_key{bytes_of("2")}));
    try {
        (void)privacy::fake("passport", "a", key);
        FAIL();
    } catch (const saas::core::error &e) {
        EXPECT_EQ(e.state().code(), "22023");
    }
}

TEST(masks, fake_addresses_do_not_repeat) {
    std::set<std::string> seen;
    const hmac_key key{{}};
    for (int i = 0; i < 20000; ++i)
        seen.insert(privacy::fake("email", std::to_string(i), key));
    EXPECT_EQ(seen.size(), 20000U);
}
