// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/lexer.hpp"

#include "core/fraud/rule_error.hpp"

#include <algorithm>

namespace saas::core::fraud {
namespace {

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
char folded(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

// The whole character at the start of `words`, for a message.
std::string_view first_character(std::string_view words) noexcept {
    std::size_t length = 1;
    while (length < words.size() && (static_cast<unsigned char>(words[length]) & 0xC0U) == 0x80U)
        ++length;
    return words.substr(0, length);
}

} // namespace

bool same_word(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
               return folded(x) == folded(y);
           });
}

std::string unquoted(const token &text) {
    char quote = text.words.front();
    std::string out;
    out.reserve(text.body.size());
    for (std::size_t i = 0; i < text.body.size(); ++i) {
        out.push_back(text.body[i]);
        if (text.body[i] == quote)
            ++i; // the lexer saw to it that it is doubled
    }
    return out;
}

token lexer::take(token_kind kind, std::size_t length) noexcept {
    token out{kind, rule_.substr(at_, length), rule_.substr(at_, length), at_};
    at_ += length;
    return out;
}

token lexer::next() {
    while (at_ < rule_.size() && is_space(rule_[at_]))
        ++at_;
    if (at_ == rule_.size())
        return take(token_kind::end, 0);
    char c = rule_[at_];
    if (is_letter(c))
        return take(token_kind::word, run_of_name(at_) - at_);
    bool fraction_first = c == '.' && at_ + 1 < rule_.size() && is_digit(rule_[at_ + 1]);
    if (is_digit(c) || fraction_first)
        return take_number();
    if (c == '\'' || c == '"')
        return take_text(c);
    if (c == ':')
        return rule_.substr(at_).starts_with("::") ? take_metadata() : take_attribute();
    if (c == '@') {
        token out = take(token_kind::list, run_of_word(at_ + 1) - at_);
        out.body.remove_prefix(1);
        return out;
    }
    return take_symbol();
}

std::size_t lexer::run_of_word(std::size_t from) const noexcept {
    while (from < rule_.size() && (is_letter(rule_[from]) || is_digit(rule_[from])))
        ++from;
    return from;
}

// A word, and further words after dots: device.id
std::size_t lexer::run_of_name(std::size_t from) const noexcept {
    std::size_t end = run_of_word(from);
    while (end + 1 < rule_.size() && rule_[end] == '.' && is_letter(rule_[end + 1]))
        end = run_of_word(end + 1);
    return end;
}

// Digits, a fraction, an exponent. Digits that run on into letters are a word, such as 3DS.
token lexer::take_number() {
    std::size_t end = at_;
    bool real = false;
    auto digits = [&] {
        while (end < rule_.size() && is_digit(rule_[end]))
            ++end;
    };
    digits();
    if (end < rule_.size() && rule_[end] == '.') {
        real = true;
        ++end;
        digits();
    }
    if (end < rule_.size() && folded(rule_[end]) == 'e') {
        std::size_t sign = end + 1;
        if (sign < rule_.size() && (rule_[sign] == '+' || rule_[sign] == '-'))
            ++sign;
        if (sign < rule_.size() && is_digit(rule_[sign])) {
            real = true;
            end = sign;
            digits();
        }
    }
    if (end < rule_.size() && is_letter(rule_[end]))
        return take(token_kind::word, run_of_word(end) - at_);
    return take(real ? token_kind::real : token_kind::integer, end - at_);
}

token lexer::take_text(char quote) {
    std::size_t end = rule_.find(quote, at_ + 1);
    while (end != std::string_view::npos && end + 1 < rule_.size() && rule_[end + 1] == quote)
        end = rule_.find(quote, end + 2);
    if (end == std::string_view::npos)
        refuse_rule(rule_, at_, "text without its closing quote",
                    "End the text with the quote it begins with; write the quote twice inside.");
    token out = take(token_kind::text, end + 1 - at_);
    out.body = out.words.substr(1, out.words.size() - 2);
    return out;
}

token lexer::take_attribute() {
    std::size_t end = at_;
    do {
        std::size_t from = end + 1;
        end = from < rule_.size() && is_letter(rule_[from]) ? run_of_word(from) : from;
        if (end == from)
            refuse_rule(rule_, at_, "malformed attribute",
                        "Attributes are written :name:, metadata ::key::.");
    } while (end < rule_.size() && rule_[end] == '.');
    if (end == rule_.size() || rule_[end] != ':')
        refuse_rule(rule_, at_,
                    "attribute " + quoted(rule_.substr(at_, end - at_)) +
                        " without its closing colon",
                    "Attributes are written :name:, metadata ::key::.");
    token out = take(token_kind::attribute, end + 1 - at_);
    out.body = out.words.substr(1, out.words.size() - 2);
    return out;
}

token lexer::take_metadata() {
    std::size_t end = rule_.find("::", at_ + 2);
    if (end == std::string_view::npos || end == at_ + 2)
        refuse_rule(rule_, at_,
                    end == at_ + 2 ? "metadata without a key"
                                   : "metadata without its closing colons",
                    "Metadata is written ::key:: or ::customer:key::.");
    token out = take(token_kind::metadata, end + 2 - at_);
    out.body = out.words.substr(2, out.words.size() - 4);
    return out;
}

token lexer::take_symbol() {
    struct symbol {
        std::string_view words;
        token_kind kind;
    };
    static constexpr symbol k_symbols[] = {
        // the longer first
        {"==", token_kind::equal},         {"!=", token_kind::not_equal},
        {"<>", token_kind::not_equal},     {"<=", token_kind::less_equal},
        {">=", token_kind::greater_equal}, {"&&", token_kind::logical_and},
        {"||", token_kind::logical_or},    {"=", token_kind::equal},
        {"<", token_kind::less},           {">", token_kind::greater},
        {"!", token_kind::logical_not},    {"(", token_kind::open},
        {")", token_kind::close},          {",", token_kind::comma},
        {"+", token_kind::plus},           {"-", token_kind::minus},
        {"*", token_kind::star},           {"/", token_kind::slash},
        {"%", token_kind::percent}};
    std::string_view rest = rule_.substr(at_);
    for (const symbol &s : k_symbols) {
        if (rest.starts_with(s.words))
            return take(s.kind, s.words.size());
    }
    refuse_rule(rule_, at_, "unexpected character " + quoted(first_character(rest)),
                "Texts are written in quotes, attributes between colons.");
}

} // namespace saas::core::fraud
