// SPDX-License-Identifier: PostgreSQL
#include "core/redaction/secrets.hpp"
#include "core/redaction/sql_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace subject = saas::core::redaction;

namespace {

// Names as "schema.name", with ( when called, < when read from, > when written to, \ when escaped.
std::vector<std::string> names(std::string_view sql, subject::strings mode = subject::strings::opaque,
                               bool backslashes = false) {
    subject::name_scanner scanner{sql, mode, backslashes};
    subject::name_use use;
    std::vector<std::string> found;
    while (scanner.next(use)) {
        if (use.symbol)
            continue;
        std::string text = use.schema[0] == '\0' ? "" : std::string{use.schema} + ".";
        text += use.name;
        text += use.called ? "(" : "";
        text += use.source ? "<" : "";
        text += use.target ? ">" : "";
        text += use.escaped ? "\\" : "";
        found.push_back(text);
    }
    return found;
}

using list = std::vector<std::string>;

std::string mask(std::string_view sql, bool backslashes = false) {
    std::string out(subject::mask_capacity(sql.size()), '\0');
    out.resize(subject::mask(sql, backslashes, out.data()));
    EXPECT_TRUE(out.starts_with(subject::k_masked_prefix));
    return out.substr(subject::k_masked_prefix.size());
}

} // namespace

TEST(name_scanner, finds_calls_with_and_without_schema) {
    EXPECT_EQ(names("SELECT saas.Encrypt ('x'), f(1)"), (list{"select", "saas.encrypt(", "f(<"}));
    EXPECT_EQ(names("CALL db.saas . \"F\"\"g\" /* x */ (1)"), (list{"call", "saas.F\"g("}));
}

TEST(name_scanner, tells_where_relations_stand) {
    EXPECT_EQ(names("INSERT INTO a.b (c) SELECT d FROM e, f JOIN ONLY g"),
              (list{"insert", "into", "a.b(>", "c", "select", "d", "from", "e<", "f<", "join",
                    "only<", "g<"}));
    EXPECT_EQ(names("UPDATE ONLY t SET x = 1"), (list{"update", "only>", "t>", "set", "x"}));
    EXPECT_EQ(names("COPY t (a) FROM STDIN"), (list{"copy", "t(>", "a", "from", "stdin<"}));
}

TEST(name_scanner, skips_values_and_comments) {
    EXPECT_EQ(names("a 'b''c(' d $$e($$ f $x$ $$ g( $x$ h -- i(\n j /* k( /* l( */ m( */ n"),
              (list{"a", "d", "f", "h", "j", "n"}));
    EXPECT_EQ(names(R"(E'a\'b(' c N'd(' x'00' 1e5 $1 2f())"), (list{"c"}));
    EXPECT_EQ(names(R"('a\' b)"), (list{"b"}));
    EXPECT_EQ(names(R"('a\' b' c)", subject::strings::opaque, true), (list{"c"}));
}

TEST(name_scanner, reads_code_inside_strings) {
    const auto code = subject::strings::code;
    EXPECT_EQ(names("DO $$ BEGIN PERFORM saas.f('x'); END $$", code),
              (list{"do", "begin", "perform", "saas.f(", "x", "end"}));
    EXPECT_EQ(names("EXECUTE 'SELECT f(''-- g(' -- h(", code), (list{"execute", "select", "f(", "g(", "h("}));
    EXPECT_EQ(names(R"(x = "SELECT f(" + "g(" + y)", code),
              (list{"x", "SELECT f(", "select", "f(", " + ", "g(", "g(", " + y", "y"}));
    EXPECT_EQ(names(R"(i--; run("saas"."f"(1)) // g()", code),
              (list{"i", "run(", "saas.f(", "saas", ".", "f(", "f", "(1)) // g(", "g("}));
}

TEST(name_scanner, reads_code_from_a_statement_with_do_on) {
    EXPECT_EQ(names("SELECT 'f('; DO 'g('; SELECT 'h('"), (list{"select", "do", "g(", "select", "h("}));
    EXPECT_EQ(names("SELECT do 'f('"), (list{"select", "do"}));
}

TEST(name_scanner, does_not_take_a_definition_for_a_call) {
    EXPECT_EQ(names("CREATE OR REPLACE FUNCTION saas.f(a text DEFAULT g()) AS 'h('; SELECT f(1)"),
              (list{"create", "or", "replace", "function", "saas.f", "a", "text", "default", "g(", "as", "select", "f("}));
    EXPECT_EQ(names("DROP FUNCTION f(text)"), (list{"drop", "function", "f(", "text"}));
}

TEST(name_scanner, gives_operators) {
    subject::name_scanner scanner{"a === /* x */ b @>-- c\n OPERATOR(s.<->)", subject::strings::opaque, false};
    subject::name_use use;
    list found;
    while (scanner.next(use)) {
        if (use.symbol)
            found.emplace_back(use.name);
    }
    EXPECT_EQ(found, (list{"===", "@>", "<->"}));
}

TEST(name_scanner, follows_strings_with_escapes_into_the_next_line) {
    EXPECT_EQ(names("a E'b'\n'c\\'d(' e"), (list{"a", "e"}));
    EXPECT_EQ(names("a E'b' -- '\n /* ' */ '\\'d(' e"), (list{"a", "e"}));
    EXPECT_EQ(names("a 'b'\n'c\\' d(", subject::strings::opaque, false), (list{"a", "d("}));
    EXPECT_EQ(names("a 1E'b\\' c(' d"), (list{"a", "d"}));
    EXPECT_EQ(names("a -- b(\r c("), (list{"a", "c("}));
}

TEST(name_scanner, reports_escaped_names) {
    EXPECT_EQ(names(R"(U&"\0066"(1) s.U&"x"(2) u & "y")"), (list{"\\0066(\\", "s.x(\\", "u", "y"}));
}

TEST(name_scanner, cuts_names_as_the_server_does) {
    EXPECT_EQ(names(std::string(70, 'a')), list{std::string(63, 'a')});
}

TEST(name_scanner, ends_with_the_text_whatever_it_is) {
    for (std::string_view sql : {"", "'", "\"", "$", "$$", "$a", "/*", "--", "a.", "U&", "U&\"", "E'\\", "."})
        EXPECT_LE(names(sql).size(), 2U) << sql;
}

TEST(mask, leaves_the_shape_of_a_statement) {
    EXPECT_EQ(mask("SELECT f('a''b', 12.5, $1) -- c"), "SELECT f('?', ?, $1)  ");
    EXPECT_EQ(mask("SELECT $t$x$t$, \"Name\", E'a\\'b', B'01', .5e3, a1"),
              "SELECT '?', \"?\", E'?', B'?', ?, a1");
    EXPECT_EQ(mask("a /* b /* c */ d */ e"), "a   e");
    EXPECT_EQ(mask("\xc3\xa9t\xc3\xa9"), "??t??");
}

TEST(mask, hides_what_does_not_end) {
    for (std::string_view sql : {"x 'secret", "x \"secret", "x $$secret", "x /* secret", "x --secret",
                                 "x E'secret\\'", "x 'a''secret", "x E'a'\n'b\\'secret'", "x E'a'--\n'b\\'secret'",
                                 "x 1E'a\\'secret'", "1$$ secret $$"})
        EXPECT_EQ(mask(sql).find("secret"), std::string::npos) << sql;
    EXPECT_EQ(mask(R"('a\' secret')", true).find("secret"), std::string::npos);
}

TEST(mask, fits_into_its_room) {
    for (std::string_view sql : {"''''''", "1 1 1 1", "\"\"", "'", "$$", "........1"})
        EXPECT_LE(mask(sql).size() + subject::k_masked_prefix.size(), subject::mask_capacity(sql.size()));
}

TEST(secrets, are_known_by_function_and_by_parameter) {
    EXPECT_TRUE(subject::names_secret_function("encrypt_sensitive_data"));
    EXPECT_TRUE(subject::names_secret_function("verify_password"));
    EXPECT_FALSE(subject::names_secret_function("encrypt"));
    for (std::string_view name : {"p_password", "token", "p_session_token", "p_code", "p_webhook_secrets"})
        EXPECT_TRUE(subject::names_secret_parameter(name)) << name;
    for (std::string_view name : {"p_team", "p_country_code", "tokens", "p_broken", ""})
        EXPECT_FALSE(subject::names_secret_parameter(name)) << name;
}
