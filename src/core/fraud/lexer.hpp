// SPDX-License-Identifier: PostgreSQL
// Splits the text of a rule into tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace saas::core::fraud {

enum class token_kind : std::uint8_t {
    end,
    word,      // keyword, name of a function or field (also a.b); also 3DS and 24h
    integer,   // digits only
    real,      // with a fraction or an exponent
    text,      // '…' or "…", the quote doubled inside
    attribute, // :name: or :name.sub:
    metadata,  // ::key:: or ::customer:key::
    list,      // @alias
    open,
    close,
    comma,
    plus,
    minus,
    star,
    slash,
    percent,
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    logical_and,
    logical_or,
    logical_not
};

// `words` is the token as written; `body` what stands between the quotes or colons, else the same.
struct token {
    token_kind kind = token_kind::end;
    std::string_view words;
    std::string_view body;
    std::size_t offset = 0; // bytes from the start of the rule
};

class lexer {
public:
    // Keeps a view of `rule`.
    explicit lexer(std::string_view rule) noexcept : rule_{rule} {}

    // The next token; `end` again and again after the last. Throws rule_error for an unknown
    // character, an unterminated text and a malformed attribute.
    [[nodiscard]] token next();

private:
    [[nodiscard]] token take(token_kind kind, std::size_t length) noexcept;
    [[nodiscard]] token take_text(char quote);
    [[nodiscard]] token take_attribute();
    [[nodiscard]] token take_metadata();
    [[nodiscard]] token take_number();
    [[nodiscard]] token take_symbol();
    [[nodiscard]] std::size_t run_of_word(std::size_t from) const noexcept;
    [[nodiscard]] std::size_t run_of_name(std::size_t from) const noexcept;

    std::string_view rule_;
    std::size_t at_ = 0;
};

// The text that the body of a text token stands for: doubled quotes become one.
[[nodiscard]] std::string unquoted(const token &text);

// Whether two ASCII words are equal but for case.
[[nodiscard]] bool same_word(std::string_view a, std::string_view b) noexcept;

} // namespace saas::core::fraud
