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

constexpr bool is_symbol(char c) {
    return c != '\0' && std::string_view{"+-*/<>=~!@#%^&|`?"}.find(c) != std::string_view::npos;
}

std::size_t end_of_comment(std::string_view sql, std::size_t from) {
    if (sql[from] == '-')
        return std::min(sql.find_first_of("\n\r", from), sql.size());
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
    while (from < sql.size() && (starts_name(sql[from]) || is_digit(sql[from]) || sql[from] == '.'))
        ++from;
    return from;
}

// Behind blanks and comments.
std::size_t end_of_blank(std::string_view sql, std::size_t from) {
    for (;;) {
        if (from < sql.size() && is_space(sql[from]))
            ++from;
        else if (comment_at(sql, from))
            from = end_of_comment(sql, from);
        else
            return from;
    }
}

// Behind the string that begins at `from`. One with escapes goes on in the next '…' when there are only
// blanks and comments between, and has escapes there as well.
std::size_t end_of_string(std::string_view sql, std::size_t from, bool backslashes) {
    std::size_t end = end_of_quoted(sql, from, backslashes);
    while (backslashes) {
        const std::size_t next = end_of_blank(sql, end);
        if (next >= sql.size() || sql[next] != '\'')
            break;
        end = end_of_quoted(sql, next, true);
    }
    return end;
}

// Whether the word before a quote makes backslashes escape in it.
bool escapes(std::string_view word) { return word == "e" || word == "E"; }

// Whether what begins with a quote may be a quoted name. So quotes that never end cost no time.
bool ends_soon(std::string_view sql) {
    const std::string_view window = sql.substr(0, 2 * k_name_bytes);
    return end_of_quoted(window, 0, false) < window.size() || window.size() == sql.size();
}

bool before_source(std::string_view word) {
    return word == "from" || word == "join" || word == "using" || word == "table";
}

bool before_target(std::string_view word) {
    return word == "into" || word == "update" || word == "copy";
}

} // namespace

void name_scanner::skip_blank() noexcept {
    if (mode_ == strings::opaque)
        position_ = end_of_blank(sql_, position_);
    else
        while (is_space(at(position_)))
            ++position_;
}

bool name_scanner::at_name() const noexcept {
    return starts_name(at(position_)) || at(position_) == '"';
}

// Skips one token that is no name. False when a name or an operator begins here, or at the end.
bool name_scanner::skip_other() noexcept {
    skip_blank();
    const char c = at(position_);
    if (position_ >= sql_.size() || at_name() || is_symbol(c))
        return false;
    first_ = first_ || c == ';';
    if (c != '(')
        place_ = c == ',' ? place::source : c == ':' ? place::type : place::other;
    if (c == '\'' && mode_ == strings::opaque) {
        position_ = end_of_string(sql_, position_, backslashes_);
    } else if (c == '$') {
        const std::string_view tag = dollar_tag(sql_, position_);
        if (tag.empty())
            ++position_;
        else
            position_ = mode_ == strings::code ? position_ + tag.size()
                                               : end_of_dollar_quoted(sql_, position_, tag);
    } else if (is_digit(c)) {
        position_ = end_of_number(sql_, position_);
        skip_string_behind(sql_.substr(position_ - 1, 1));
    } else {
        ++position_;
    }
    return true;
}

// Skips E'…', B'…', X'…' and N'…' when such a word ends here and a string follows at once.
bool name_scanner::skip_string_behind(std::string_view word) noexcept {
    if (at(position_) != '\'' || mode_ != strings::opaque || word.size() > 2)
        return false;
    position_ = end_of_string(sql_, position_, backslashes_ || escapes(word));
    return true;
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

void name_scanner::read_symbol(name_use &out) noexcept {
    std::size_t length = 0;
    do {
        if (length < k_name_bytes - 1)
            out.name[length++] = at(position_);
        ++position_;
    } while (is_symbol(at(position_)) && !(mode_ == strings::opaque && comment_at(sql_, position_)));
    out.name[length] = '\0';
    out.symbol = true;
    place_ = place::other;
}

// What the word says of those behind it.
void name_scanner::note_keyword(const name_use &word) noexcept {
    const std::string_view name{word.name};
    if (word.first) {
        creating_ = name == "create";
        if (name == "do")
            mode_ = strings::code;
    }
    defines_ = creating_ && (name == "function" || name == "procedure");
    if (before_source(name))
        place_ = place::source;
    else if (before_target(name))
        place_ = place::target;
    else if (name == "as")
        place_ = place::type;
    else if (name != "only")
        place_ = place::other;
}

void name_scanner::read_name(name_use &out) noexcept {
    const std::size_t begin = position_;
    const bool quoted = at(begin) == '"';
    if (quoted && mode_ == strings::code && !ends_soon(sql_.substr(begin))) {
        ++position_; // a string of another language
        return;
    }
    const bool defined = defines_;
    out.source = place_ == place::source;
    out.target = place_ == place::target;
    out.type = place_ == place::type;
    out.escaped = read_part(out.name);
    if (!quoted && skip_string_behind(out.name)) {
        out.name[0] = '\0';
        return;
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
    out.called = at(position_) == '(' && !defined;
    out.first = first_;
    first_ = false;
    if (quoted || out.schema[0] != '\0') {
        place_ = place::other;
        defines_ = false;
    } else {
        note_keyword(out);
    }
    if (quoted && mode_ == strings::code)
        position_ = begin + 1; // perhaps a string of another language
}

bool name_scanner::next(name_use &out) noexcept {
    for (;;) {
        while (skip_other()) {
        }
        if (position_ >= sql_.size())
            return false;
        out = name_use{};
        if (!at_name())
            read_symbol(out);
        else
            read_name(out);
        if (out.name[0] != '\0' || out.escaped)
            return true;
    }
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
        const std::size_t begin = i;
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
            i = end_of_string(sql, i, escaped);
        } else if (sql[i] == '"') {
            to.put("\"?\"");
            i = end_of_quoted(sql, i, false);
        } else {
            i = mask_other(sql, i, to);
        }
        escaped = backslashes || (is_digit(sql[begin]) && escapes(sql.substr(i - 1, 1)));
    }
    return to.length;
}

} // namespace saas::core::redaction
