// SPDX-License-Identifier: PostgreSQL
// Entries of lists, and the set that holds them.
#include "core/error.hpp"
#include "core/fraud/list_set.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace fraud = saas::core::fraud;
using fraud::list_kind;
using fraud::value;
using namespace std::string_view_literals;

namespace {

std::string entry(list_kind kind, std::string_view written) {
    try {
        return fraud::list_entry(kind, written);
    } catch (const saas::core::error &e) {
        return std::string{e.state().code()} + " " + e.message();
    }
}

fraud::list_set list_of(list_kind kind, const std::vector<std::string> &entries) {
    fraud::list_set out{kind};
    for (const std::string &written : entries)
        out.load(fraud::list_entry(kind, written), fraud::k_never);
    return out;
}

bool holds(const fraud::list_set &list, std::string_view words, fraud::moment at = 0) {
    return list.holds(value::of(words), at).is_true();
}

} // namespace

TEST(fraud_lists, entries_have_one_form) {
    EXPECT_EQ(entry(list_kind::string, " Foo "), "foo");
    EXPECT_EQ(entry(list_kind::case_sensitive_string, " Foo "), "Foo");
    EXPECT_EQ(entry(list_kind::email, "Eve@Mail.Example"), "eve@mail.example");
    EXPECT_EQ(entry(list_kind::email, "mail.example"), "SA053 \"mail.example\" is not an e-mail address");
    EXPECT_EQ(entry(list_kind::domain, "@Mail.Example."), "mail.example");
    EXPECT_EQ(entry(list_kind::domain, "a b"), "SA053 \"a b\" is not a domain");
    EXPECT_EQ(entry(list_kind::ip, "10.1.2.3/8"), "10.0.0.0/8");
    EXPECT_EQ(entry(list_kind::ip, "10.1.2.3/32"), "10.1.2.3");
    EXPECT_EQ(entry(list_kind::ip, "2001:0DB8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");
    EXPECT_EQ(entry(list_kind::ip, "::"), "::");
    EXPECT_EQ(entry(list_kind::ip, "::/0"), "::/0");
    EXPECT_EQ(entry(list_kind::ip, "1::"), "1::");
    EXPECT_EQ(entry(list_kind::ip, "::ffff:10.0.0.1"), "10.0.0.1");
    EXPECT_EQ(entry(list_kind::ip, "10.0.0.300"), "SA053 \"10.0.0.300\" is not an internet address or network");
    EXPECT_EQ(entry(list_kind::country, "de"), "DE");
    EXPECT_EQ(entry(list_kind::country, "deu"), "SA053 \"deu\" is not a country");
    EXPECT_EQ(entry(list_kind::bin, "411111"), "411111");
    EXPECT_EQ(entry(list_kind::bin, "41x"), "SA053 \"41x\" is not a bank identification number");
    EXPECT_EQ(entry(list_kind::string, " "), "SA053 \" \" is not an entry of a list");
    EXPECT_EQ(entry(list_kind::customer, std::string(513, 'x')).substr(0, 5), "SA053");
}

TEST(fraud_lists, kinds_hold_what_they_mean) {
    EXPECT_TRUE(holds(list_of(list_kind::string, {"Foo"}), "fOO"));
    EXPECT_FALSE(holds(list_of(list_kind::case_sensitive_string, {"Foo"}), "foo"));
    fraud::list_set domains = list_of(list_kind::domain, {"mail.example"});
    EXPECT_TRUE(holds(domains, "Mail.Example"));
    EXPECT_TRUE(holds(domains, "eve@a.mail.example."));
    EXPECT_FALSE(holds(domains, "email.example"));
    EXPECT_FALSE(holds(domains, "example"));
    fraud::list_set bins = list_of(list_kind::bin, {"4111", "555555"});
    EXPECT_TRUE(holds(bins, "41112222"));
    EXPECT_TRUE(bins.holds(value::of(std::int64_t{555555}), 0).is_true());
    EXPECT_FALSE(holds(bins, "55555"));
    fraud::list_set nets = list_of(list_kind::ip, {"10.0.0.0/8", "192.0.2.1", "2001:db8::/32"});
    EXPECT_TRUE(holds(nets, "10.255.0.1"));
    EXPECT_TRUE(holds(nets, "192.0.2.1"));
    EXPECT_FALSE(holds(nets, "192.0.2.2"));
    EXPECT_TRUE(holds(nets, "2001:db8:ffff::1"));
    EXPECT_FALSE(holds(nets, "no address"));
    EXPECT_TRUE(holds(list_of(list_kind::country, {"DE"}), "de"));
    EXPECT_EQ(nets.holds(value::missing(), 0).type, fraud::value_type::missing);
    EXPECT_EQ(nets.holds(value::of(true), 0).kind(), fraud::failure_kind::type_mismatch);
}

TEST(fraud_lists, candidates_are_the_entries_that_would_hold_a_value) {
    EXPECT_EQ(fraud::list_candidates(list_kind::domain, "eve@A.mail.example"),
              (std::vector<std::string>{"a.mail.example", "mail.example", "example"}));
    EXPECT_EQ(fraud::list_candidates(list_kind::ip, "10.1.2.3").size(), 129U);
    EXPECT_EQ(fraud::list_candidates(list_kind::ip, "10.1.2.3").at(8), "10.1.2.0/24");
    EXPECT_EQ(fraud::list_candidates(list_kind::bin, "411111"),
              (std::vector<std::string>{"4111", "41111", "411111"}));
    EXPECT_TRUE(fraud::list_candidates(list_kind::ip, "x").empty());
}

TEST(fraud_lists, entries_expire_and_changes_overlay_them) {
    fraud::list_set list{list_kind::string};
    list.load("until", 100);
    list.load("stays", fraud::k_never);
    EXPECT_TRUE(holds(list, "until", 99));
    EXPECT_FALSE(holds(list, "until", 100));
    list.change("stays", fraud::k_never, false);
    list.change("new", 50, true);
    list.change("until", fraud::k_never, true);
    EXPECT_FALSE(holds(list, "stays"));
    EXPECT_TRUE(holds(list, "new", 49));
    EXPECT_FALSE(holds(list, "new", 50));
    EXPECT_TRUE(holds(list, "until", 1'000));
    list.change("stays", fraud::k_never, true);
    EXPECT_TRUE(holds(list, "stays"));
    list.clear_changes();
    EXPECT_FALSE(holds(list, "new"));
    EXPECT_FALSE(holds(list, "until", 1'000));
}

// Against std::set, over many random keys with prefixes of one another.
TEST(fraud_lists, a_large_set_agrees_with_a_simple_one) {
    std::mt19937 random{7};
    fraud::key_set keys;
    std::set<std::string> simple;
    auto word = [&] {
        std::string out(1 + random() % 20, 'a');
        for (char &c : out)
            c = static_cast<char>('a' + random() % 3);
        return out;
    };
    for (int i = 0; i < 50'000; ++i) {
        std::string key = word();
        bool present = random() % 4 != 0;
        keys.add(key, fraud::k_never, present);
        if (present)
            simple.insert(key);
        else
            simple.erase(key);
    }
    for (int i = 0; i < 50'000; ++i) {
        std::string key = word();
        ASSERT_EQ(keys.find(key, 0) == fraud::key_set::answer::present, simple.contains(key)) << key;
    }
    EXPECT_EQ(fraud::key_set{}.find("x", 0), fraud::key_set::answer::unknown);
}

TEST(fraud_lists, a_million_entries_take_little_memory) {
    fraud::list_set list{list_kind::string};
    list.reserve(1'000'000, 20'000'000);
    for (int i = 0; i < 1'000'000; ++i)
        list.load("entry-" + std::to_string(10'000'000 + i), fraud::k_never);
    EXPECT_LT(list.footprint(), 50'000'000U);
    EXPECT_TRUE(holds(list, "ENTRY-10999999"));
    EXPECT_FALSE(holds(list, "entry-11000000"));
}
