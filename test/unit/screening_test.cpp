// SPDX-License-Identifier: PostgreSQL
#include "core/error.hpp"
#include "core/screening/name.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace screening = saas::core::screening;

namespace {

double alike(std::string_view a, std::string_view b) {
    return screening::similarity(screening::name{a}, screening::name{b});
}

bool found(const std::string &stored, const std::string &sought, std::string_view scope = "") {
    auto kept = screening::name_keys({&stored, 1}, "", screening::key_use::stored);
    for (std::int32_t key : screening::name_keys({&sought, 1}, scope, screening::key_use::looked_for)) {
        if (std::binary_search(kept.begin(), kept.end(), key))
            return true;
    }
    return false;
}

struct couple {
    const char *stored;
    const char *sought;
};

// The same persons and firms, as one and another writes them.
constexpr couple k_same[] = {
    {"Muammar Gaddafi", "Moammar al-Qadhafi"},
    {"Vladimir Putin", "Владимир Путин"},
    {"Vladimir Putin", "PUTIN, Vladimir"},
    {"Mohammed Hussein", "Mohamad Hossein"},
    {"Mohammed bin Salman", "محمد بن سلمان"},
    {"Jürgen Müller", "Juergen Mueller"},
    {"Jurgen Muller", "Ju\xCC\x88rgen Mu\xCC\x88ller"}, // marks that combine
    {"Łukasz Żółtowski", "Lukasz Zoltowski"},
    {"Nguyễn Văn Thiệu", "Nguyen Van Thieu"},
    {"Αλέξης Τσίπρας", "Alexis Tsipras"},
    {"Sean O'Brien", "Seán O’Brien"},
    {"Sergei Ivanov", "Sergey Iwanow"},
    {"Abd al Rahman", "Abdulrahman"},
    {"Gazprom", "PAO Gazprom"},
    {"Gazprom", "Gazprom Neft"},
    {"Fahd al Otaibi", "Fahad Al-Otaibi"},
    {"Acme Trading Ltd", "ACME Trading Limited"},
    {"John Smith", "Jon Smith"},
    {"Kues Gorbenkujan", "Kueb Gorbenkujan"},
    {"Robert Thompson", "Robert Tompson"},
};

constexpr couple k_others[] = {
    {"John Smith", "Mary Jones"},       {"Maria Garcia", "Maria Gonzalez"},
    {"Ali", "Alexander Ivanov"},        {"Mohammed Hussein", "Mohammed Khalil"},
    {"Acme Trading Ltd", "Zenith Ltd"}, {"Peter Paul", "Mary Paul"},
};

} // namespace

TEST(screening, normalises_case_marks_and_alphabets) {
    EXPECT_EQ(screening::name{"  Ödön  von-Horváth "}.text(), "odon von horvath");
    EXPECT_EQ(screening::name{"Щедрин Юрий"}.text(), "shchedrin yuriy");
    EXPECT_EQ(screening::name{"O'Neill-Straße 3"}.text(), "oneill strasse 3");
    EXPECT_EQ(screening::name{"\xEF\xBC\xA1\xEF\xBD\x82"}.text(), "ab"); // fullwidth
    EXPECT_EQ(screening::name{"王小明"}.text(), "王小明");
    EXPECT_EQ(screening::name{""}.text(), "");
    EXPECT_EQ(screening::name{" .,- "}.text(), "");
    EXPECT_EQ(screening::name{"a\xFF\xC3z"}.text(), "a z"); // not UTF-8
}

TEST(screening, a_normalised_name_stays_as_it_is) {
    for (const couple &c : k_same) {
        std::string once = screening::name{c.sought}.text();
        EXPECT_EQ(screening::name{once}.text(), once);
    }
}

TEST(screening, the_same_name_is_alike_and_found) {
    for (const couple &c : k_same) {
        EXPECT_GE(alike(c.stored, c.sought), 0.8) << c.stored << " and " << c.sought;
        EXPECT_TRUE(found(c.stored, c.sought)) << c.stored << " by " << c.sought;
    }
}

TEST(screening, other_names_are_not_alike) {
    for (const couple &c : k_others)
        EXPECT_LT(alike(c.stored, c.sought), 0.8) << c.stored << " and " << c.sought;
}

TEST(screening, likeness_is_symmetric_and_within_bounds) {
    for (const couple &a : k_same) {
        for (const couple &b : k_others) {
            double there = alike(a.stored, b.sought);
            EXPECT_NEAR(there, alike(b.sought, a.stored), 1e-9);
            EXPECT_GE(there, 0);
            EXPECT_LE(there, 1);
        }
        EXPECT_EQ(alike(a.stored, a.stored), 1);
    }
    EXPECT_EQ(alike("", ""), 0);
    EXPECT_EQ(alike("Ann", ""), 0);
}

TEST(screening, one_wrong_consonant_is_found_as_well) {
    const std::string name = "Viktor Timchenko";
    for (std::size_t at = 1; at < name.size(); ++at) {
        if (name[at] == ' ' || name[at - 1] == ' ')
            continue;
        std::string wrong = name;
        wrong[at] = 'b';
        EXPECT_TRUE(found(name, wrong)) << wrong;
        EXPECT_GE(alike(name, wrong), 0.8) << wrong;
    }
}

TEST(screening, names_of_another_scope_share_no_key) {
    EXPECT_TRUE(found("Vladimir Putin", "Vladimir Putin"));
    EXPECT_FALSE(found("Vladimir Putin", "Vladimir Putin", "team"));
}

TEST(screening, keys_are_few) {
    std::string longest;
    for (int i = 0; i < 60; ++i)
        longest += "Konstantin" + std::string(1, static_cast<char>('a' + i % 26)) + " ";
    EXPECT_LE(screening::name_keys({&longest, 1}, "", screening::key_use::looked_for).size(), 400U);
    const std::string name = "Maria Garcia Lopez";
    EXPECT_LE(screening::name_keys({&name, 1}, "", screening::key_use::stored).size(), 40U);
    const std::string none = "...";
    EXPECT_TRUE(screening::name_keys({&none, 1}, "", screening::key_use::stored).empty());
}

TEST(screening, refuses_what_is_too_long_for_a_name) {
    EXPECT_NO_THROW(screening::name(std::string(1024, 'a')));
    EXPECT_THROW(screening::name(std::string(1025, 'a')), saas::core::error);
    EXPECT_LE(screening::name(std::string(1024, 'a')).text().size(), screening::k_max_normalized_length);
}
