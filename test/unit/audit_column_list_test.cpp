// SPDX-License-Identifier: PostgreSQL
#include "core/audit/column_list.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace audit = saas::core::audit;

namespace {

std::vector<std::string> names(std::string_view text) {
    audit::column_list list{text};
    audit::column_name name;
    std::vector<std::string> out;
    while (list.next(name))
        out.emplace_back(name.view());
    return out;
}

std::string refusal(std::string_view text) {
    try {
        names(text);
    } catch (const saas::core::error &e) {
        return std::string{e.state().code()} + " " + e.detail();
    }
    return "accepted";
}

using list = std::vector<std::string>;

} // namespace

TEST(audit_column_list, reads_plain_and_quoted_names) {
    EXPECT_EQ(names("a,b_2,c"), (list{"a", "b_2", "c"}));
    EXPECT_EQ(names(" a ,\t\"odd, name\" , \"say \"\"hi\"\"\""),
              (list{"a", "odd, name", "say \"hi\""}));
    EXPECT_EQ(names("Mixed"), (list{"Mixed"}));
}

TEST(audit_column_list, empty_text_is_an_empty_list) {
    EXPECT_EQ(names(""), list{});
    EXPECT_EQ(names(" \n"), list{});
}

TEST(audit_column_list, refuses_with_position) {
    EXPECT_EQ(refusal("a,,b"), "SA040 empty column name at position 3 of \"a,,b\".");
    EXPECT_EQ(refusal("a,"), "SA040 empty column name at position 3 of \"a,\".");
    EXPECT_EQ(refusal("a b"), "SA040 expected a comma at position 3 of \"a b\".");
    EXPECT_EQ(refusal("\"a"), "SA040 unclosed quote at position 1 of \"\"a\".");
    EXPECT_EQ(refusal("\"\""), "SA040 empty column name at position 1 of \"\"\"\".");
    EXPECT_EQ(refusal("\"a\"b"), "SA040 expected a comma at position 4 of \"\"a\"b\".");
}

TEST(audit_column_list, takes_63_bytes_and_not_64) {
    EXPECT_EQ(names(std::string(63, 'x')), list{std::string(63, 'x')});
    EXPECT_NE(refusal(std::string(64, 'x')), "accepted");
    EXPECT_NE(refusal("\"" + std::string(64, 'x') + "\""), "accepted");
}

TEST(audit_table_name, needs_schema_and_table) {
    EXPECT_NO_THROW(audit::check_table_name("saas.payments"));
    EXPECT_NO_THROW(audit::check_table_name(std::string(63, 's') + "." + std::string(63, 't')));
    for (const char *bad : {"", "payments", ".payments", "saas.", ".", "a.b.c"})
        EXPECT_THROW(audit::check_table_name(bad), saas::core::error) << bad;
    EXPECT_THROW(audit::check_table_name(std::string(64, 's') + ".t"), saas::core::error);
    EXPECT_THROW(audit::check_table_name("s." + std::string(64, 't')), saas::core::error);
}
