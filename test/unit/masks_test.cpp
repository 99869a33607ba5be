// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/masks.hpp"

#include "core/error.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace privacy = saas::core::privacy;
using saas::core::bytes_of;

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

// HMAC-SHA256 of RFC 4231, test case 2.
TEST(masks, pseudonyms_are_keyed_hashes) {
    const auto key = bytes_of("Jefe");
    EXPECT_EQ(privacy::keyed_pseudonym("what do ya want for nothing?", key), "5bdcc146bf60754e6a042426089575c7");
    EXPECT_EQ(privacy::keyed_uuid("what do ya want for nothing?", key), "5bdcc146-bf60-854e-aa04-2426089575c7");
    EXPECT_NE(privacy::keyed_pseudonym("a", key), privacy::keyed_pseudonym("a", bytes_of("other")));
}

TEST(masks, fakes_depend_on_seed_and_key_alone) {
    const std::vector<const char *> kinds{"first_name", "last_name", "full_name",   "email",   "url", "company", "street",
                                          "city",       "phone",     "postal_code", "country", "ip",  "text"};
    for (const char *kind : kinds) {
        std::set<std::string> seen;
        for (int i = 0; i < 200; ++i) {
            const std::string seed = "person " + std::to_string(i);
            const std::string value = privacy::fake(kind, seed, bytes_of("key"));
            EXPECT_FALSE(value.empty());
            EXPECT_EQ(value, privacy::fake(kind, seed, bytes_of("key")));
            EXPECT_EQ(value.find("person"), std::string::npos);
            seen.insert(value);
        }
        EXPECT_GT(seen.size(), 10U) << kind;
    }
    EXPECT_NE(privacy::fake("email", "a", bytes_of("1")), privacy::fake("email", "a", bytes_of("2")));
    try {
        (void)privacy::fake("passport", "a", {});
        FAIL();
    } catch (const saas::core::error &e) {
        EXPECT_EQ(e.state().code(), "22023");
    }
}

TEST(masks, fake_addresses_do_not_repeat) {
    std::set<std::string> seen;
    for (int i = 0; i < 20000; ++i)
        seen.insert(privacy::fake("email", std::to_string(i), {}));
    EXPECT_EQ(seen.size(), 20000U);
}
