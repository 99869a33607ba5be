// SPDX-License-Identifier: PostgreSQL
#include "core/redaction/sql_text.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace saas::core::redaction {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
constexpr bool starts_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}
constexpr bool continues_name(char c) { return starts_name(c) || is_digit(c) || c == '$'; }
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Behind the name that begins at `from`.
std::size_t end_of_name(std::string_view sql, std::size_t from) {
    while (from < sql.size() && continues_name(sql[from]))
        ++from;
    return from;
}

// Behind what the quote at `from` opens.
std::size_t end_of_quoted(std::string_view sql, std::size_t from, bool backslashes) {
    const char quote = sql[from];
    for (std::size_t i = from + 1; i < sql.size(); ++i) {
        if (backslashes && sql[i] == '\\')
            ++i;
        else if (sql[i] == quote) {
            if (i + 1 >= sql.size() || sql[i + 1] != quote)
                return i + 1;
            ++i;
        }
    }
    return sql.size();
}

// The delimiter $tag$ at `from`; empty when there is none.
std::string_view dollar_tag(std::string_view sql, std::size_t from) {
    std::size_t i = from + 1;
    if (i < sql.size() && starts_name(sql[i])) {
        while (i < sql.size() && (starts_name(sql[i]) || is_digit(sql[i])))
            ++i;
    }
    return i < sql.size() && sql[i] == '$' ? sql.substr(from, i + 1 - from) : std::string_view{};
}

std::size_t end_of_dollar_quoted(std::string_view sql, std::size_t from, std::string_view tag) {
    const std::size_t end = sql.find(tag, from + tag.size());
    return end == std::string_view::npos ? sql.size() : end + tag.size();
}

bool begins(std::string_view sql, std::size_t at, std::string_view what) {
    return sql.substr(at, what.size()) == what;
}

bool comment_at(std::string_view sql, std::size_t at) {
    return begins(sql, at, "--") || begins(sql, at, "/*");
}

std::size_t end_of_comment(std::string_view sql, std::size_t from) {
    if (sql[from] == '-')
        return std::min(sql.find('\n', from), sql.size());
    std::size_t depth = 0;
    for (std::size_t i = from; i < sql.size(); ++i) {
        if (begins(sql, i, "/*")) {
            ++depth;
            ++i;
        } else if (begins(sql, i, "*/")) {
            ++i;
            if (--depth == 0)
                return i + 1;
        }
    }
    return sql.size();
}

// Behind the number or the parameter's digits at `from`.
std::size_t end_of_number(std::string_view sql, std::size_t from) {
    while (from < sql.size() && (continues_name(sql[from]) || sql[from] == '.'))
        ++from;
    return from;
}

// Whether the word before a quote makes backslashes escape in it.
bool escapes(std::string_view word) { return word == "e" || word == "E"; }

bool before_source(std::string_view word) {
    return word == "from" || word == "join" || word == "using" || word == "table";
}

bool before_target(std::string_view word) {
    return word == "into" || word == "update" || word == "copy";
}

} // namespace

bool name_scanner::at_comment() const noexcept {
    return !in_string_ && comment_at(sql_, position_);
}

void name_scanner::skip_blank() noexcept {
    while (position_ < sql_.size()) {
        if (is_space(sql_[position_]))
            ++position_;
        else if (at_comment())
            position_ = end_of_comment(sql_, position_);
        else
            return;
    }
}

// Skips one token that is no name. False when a name begins here, or at the end.
bool name_scanner::skip_other() noexcept {
    skip_blank();
    const char c = at(position_);
    if (position_ >= sql_.size() || starts_name(c) || c == '"')
        return false;
    if (c != '(')
        place_ = c == ',' ? place::source : place::other;
    if (c == '\'' && mode_ == strings::code) {
        in_string_ = !in_string_;
        ++position_;
    } else if (c == '\'') {
        position_ = end_of_quoted(sql_, position_, backslashes_);
    } else if (c == '$') {
        const std::string_view tag = dollar_tag(sql_, position_);
        if (tag.empty())
            ++position_;
        else
            position_ = mode_ == strings::code ? position_ + tag.size()
                                               : end_of_dollar_quoted(sql_, position_, tag);
    } else if (is_digit(c)) {
        position_ = end_of_number(sql_, position_);
    } else {
        ++position_;
    }
    return true;
}

bool name_scanner::at_name() const noexcept {
    return starts_name(at(position_)) || at(position_) == '"';
}

// Reads "…", U&"…" or a plain name. True when it has escapes.
bool name_scanner::read_part(char (&out)[k_name_bytes]) noexcept {
    const bool escaped =
        lower(at(position_)) == 'u' && at(position_ + 1) == '&' && at(position_ + 2) == '"';
    position_ += escaped ? 2 : 0;
    std::size_t length = 0;
    const auto put = [&](char c) {
        if (length < k_name_bytes - 1)
            out[length++] = c;
    };
    if (at(position_) == '"') {
        const std::size_t end = end_of_quoted(sql_, position_, false);
        for (std::size_t i = position_ + 1; i < end; ++i) {
            if (sql_[i] == '"') {
                if (i + 1 >= end)
                    break;
                ++i;
            }
            put(sql_[i]);
        }
        position_ = end;
    } else {
        const std::size_t end = end_of_name(sql_, position_);
        for (; position_ < end; ++position_)
            put(lower(sql_[position_]));
    }
    out[length] = '\0';
    return escaped;
}

bool name_scanner::next(name_use &out) noexcept {
    for (;;) {
        while (skip_other()) {
        }
        if (position_ >= sql_.size())
            return false;
        out = name_use{};
        out.source = place_ == place::source;
        out.target = place_ == place::target;
        const bool quoted = at(position_) == '"';
        out.escaped = read_part(out.name);
        const std::string_view first{out.name};
        if (!quoted && at(position_) == '\'' && mode_ == strings::opaque && first.size() <= 2) {
            position_ = end_of_quoted(sql_, position_, backslashes_ || escapes(first));
            continue; // E'…', B'…', X'…', N'…'
        }
        skip_blank();
        while (at(position_) == '.') {
            ++position_;
            skip_blank();
            if (!at_name())
                break;
            std::memcpy(out.schema, out.name, k_name_bytes);
            out.escaped |= read_part(out.name);
            skip_blank();
        }
        out.called = at(position_) == '(';
        const std::string_view word{quoted || out.schema[0] != '\0' ? "" : out.name};
        if (before_source(word))
            place_ = place::source;
        else if (before_target(word))
            place_ = place::target;
        else if (word != "only")
            place_ = place::other;
        return true;
    }
}

statement_kind kind_of(std::string_view sql) noexcept {
    name_scanner names{sql, strings::opaque, false};
    name_use word;
    if (!names.next(word))
        return statement_kind::ordinary;
    const auto is = [&word](std::string_view name) { return name == word.name; };
    if (is("do"))
        return statement_kind::code;
    if (!is("create"))
        return statement_kind::ordinary;
    while (names.next(word)) { // CREATE [OR REPLACE] FUNCTION
        if (is("function") || is("procedure"))
            return statement_kind::routine;
        if (!is("or") && !is("replace"))
            break;
    }
    return statement_kind::ordinary;
}

namespace {

// Writes into a buffer that is large enough for what mask() puts there.
struct writer {
    char *out;
    std::size_t length = 0;
    void put(std::string_view text) {
        std::memcpy(out + length, text.data(), text.size());
        length += text.size();
    }
    void put_ascii(std::string_view text) {
        for (const char c : text)
            out[length++] = static_cast<unsigned char>(c) >= 0x80 ? '?' : c;
    }
};

// Masks the token at `i` when it begins with neither a letter nor a quote. Returns its end.
std::size_t mask_other(std::string_view sql, std::size_t i, writer &to) {
    if (comment_at(sql, i)) {
        to.put(" ");
        return end_of_comment(sql, i);
    }
    if (is_digit(sql[i]) || (sql[i] == '.' && i + 1 < sql.size() && is_digit(sql[i + 1]))) {
        to.put("?");
        return end_of_number(sql, i);
    }
    if (sql[i] == '$') {
        const std::string_view tag = dollar_tag(sql, i);
        if (!tag.empty()) {
            to.put("'?'");
            return end_of_dollar_quoted(sql, i, tag);
        }
        std::size_t end = i + 1;
        while (end < sql.size() && is_digit(sql[end]))
            ++end;
        to.put_ascii(sql.substr(i, end - i));
        return end;
    }
    to.put_ascii(sql.substr(i, 1));
    return i + 1;
}

} // namespace

std::size_t mask(std::string_view sql, bool backslashes, char *out) noexcept {
    writer to{out};
    to.put(k_masked_prefix);
    bool escaped = backslashes; // in a string that begins here
    for (std::size_t i = 0; i < sql.size();) {
        if (starts_name(sql[i])) {
            const std::size_t end = end_of_name(sql, i);
            const std::string_view word = sql.substr(i, end - i);
            to.put_ascii(word);
            escaped = backslashes || escapes(word);
            i = end;
            continue;
        }
        if (sql[i] == '\'') {
            to.put("'?'");
            i = end_of_quoted(sql, i, escaped);
        } else if (sql[i] == '"') {
            to.put("\"?\"");
            i = end_of_quoted(sql, i, false);
        } else {
            i = mask_other(sql, i, to);
        }
        escaped = backslashes;
    }
    return to.length;
}

} // namespace saas::core::redaction
