// SPDX-License-Identifier: PostgreSQL
#include "core/deploy/package.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace deploy = saas::core::deploy;
using saas::core::error;

namespace {

std::vector<std::string> names(const std::vector<deploy::module_entry> &modules) {
    std::vector<std::string> out;
    for (const auto &entry : modules)
        out.push_back(entry.name);
    return out;
}

const auto k_list = deploy::parse_module_list("# order\ncore\npayments core # money\n\nfraud "
                                              "payments\nmetrics core\n");

} // namespace

TEST(module_list, keeps_order_and_requirements) {
    EXPECT_EQ(names(k_list), (std::vector<std::string>{"core", "payments", "fraud", "metrics"}));
    EXPECT_EQ(k_list[2].required, std::vector<std::string>{"payments"});
}

TEST(module_list, refuses_duplicates_and_forward_requirements) {
    EXPECT_THROW((void)deploy::parse_module_list("a\na\n"), error);
    EXPECT_THROW((void)deploy::parse_module_list("a b\nb\n"), error);
}

TEST(select_modules, takes_what_is_required_transitively) {
    EXPECT_EQ(names(deploy::select_modules(k_list, {"fraud"})),
              (std::vector<std::string>{"core", "payments", "fraud"}));
    EXPECT_EQ(deploy::select_modules(k_list, {}).size(), 4U);
    EXPECT_THROW((void)deploy::select_modules(k_list, {"none"}), error);
}

TEST(removal_order, takes_what_requires_a_module_before_it) {
    auto all = deploy::parse_module_list("core\nsecurity core\npayments core\nfraud payments\nprivacy core fraud\n");
    using names = std::vector<std::string>;
    EXPECT_EQ(deploy::removal_order(all, {"core", "security", "payments", "fraud", "privacy"}, {"payments"}),
              (names{"privacy", "fraud", "payments"}));
    EXPECT_EQ(deploy::removal_order(all, {"core", "security", "payments", "fraud"}, {"payments", "security"}),
              (names{"fraud", "payments", "security"}));
    EXPECT_EQ(deploy::removal_order(all, {"core", "privacy"}, {"privacy"}), (names{"privacy"}));
    EXPECT_TRUE(deploy::removal_order(all, {"core"}, {}).empty());
}

TEST(mentions, finds_whole_names) {
    const char *message = "view saas.personal_data_map depends on view saas.located_data_assets\n"
                          "function saas.f(uuid,text) depends on type x";
    EXPECT_TRUE(deploy::mentions(message, "saas.personal_data_map"));
    EXPECT_TRUE(deploy::mentions(message, "saas.located_data_assets"));
    EXPECT_TRUE(deploy::mentions(message, "saas.f(uuid,text)"));
    EXPECT_FALSE(deploy::mentions(message, "saas.personal_data"));
    EXPECT_FALSE(deploy::mentions(message, "data_assets"));
    EXPECT_FALSE(deploy::mentions(message, "personal_data_map"));
    EXPECT_FALSE(deploy::mentions(message, ""));
    EXPECT_FALSE(deploy::mentions("", "saas.f"));
}

TEST(manifest, knows_three_kinds_of_table) {
    auto tables = deploy::parse_manifest("tenant payments\nreference currencies\n");
    ASSERT_EQ(tables.size(), 2U);
    EXPECT_EQ(tables[1].kind, "reference");
    EXPECT_THROW((void)deploy::parse_manifest("global x\n"), error);
    EXPECT_THROW((void)deploy::parse_manifest("tenant a b\n"), error);
}

TEST(migration_name, has_a_version_and_a_direction) {
    auto up = deploy::parse_migration_name("0012_add_users.sql");
    EXPECT_EQ(up.version, 12);
    EXPECT_EQ(up.name, "0012_add_users");
    EXPECT_FALSE(up.down);
    EXPECT_TRUE(deploy::parse_migration_name("0012_add_users.down.sql").down);
    for (const char *bad : {"12_x.sql", "0000_x.sql", "0001.sql", "0001_.sql", "0001_x.txt", "x",
                            "abcd_x.sql", ".sql"})
        EXPECT_THROW((void)deploy::parse_migration_name(bad), error) << bad;
}

TEST(checksum, ignores_carriage_returns_only) {
    EXPECT_EQ(deploy::checksum("a\r\nb\r\n"), deploy::checksum("a\nb\n"));
    EXPECT_NE(deploy::checksum("a\nb\n"), deploy::checksum("a\nb \n"));
}

TEST(rename_roles, replaces_whole_identifiers) {
    std::vector<deploy::renamed_role> roles{{"saas_app", "my\"app"}, {"saas_service", "saas_service"}};
    EXPECT_EQ(deploy::rename_roles("TO saas_app, saas_service; -- saas_application", roles),
              "TO \"my\"\"app\", saas_service; -- saas_application");
}

TEST(positions, lines_and_blanks) {
    std::string_view sql = "\n-- note\n/* a /* b */ c */ SELECT 1;";
    std::size_t start = deploy::skip_blank(sql, 0);
    EXPECT_EQ(sql.substr(start, 6), "SELECT");
    EXPECT_EQ(deploy::line_of(sql, start), 3);
    EXPECT_EQ(deploy::skip_blank("/* open", 0), 7U);
    EXPECT_EQ(deploy::skip_characters("aé€b", 1, 2), 6U);
    EXPECT_EQ(deploy::skip_characters("ab", 0, 9), 2U);
}
