// SPDX-License-Identifier: PostgreSQL
#include "core/audit/column_list.hpp"

#include <string>

namespace saas::core::audit {
namespace {

// Independent of the locale, unlike std::isspace.
constexpr bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

} // namespace

void column_name::clear() noexcept {
    length_ = 0;
    bytes_[0] = '\0';
}

bool column_name::append(char byte) noexcept {
    if (length_ == k_name_bytes)
        return false;
    bytes_[length_++] = byte;
    bytes_[length_] = '\0';
    return true;
}

column_list::column_list(std::string_view text) noexcept : text_{text} {
    skip_space();
    ended_ = at_ == text_.size();
}

bool column_list::next(column_name &out) {
    if (ended_)
        return false;
    out.clear();
    skip_space();
    if (at_ < text_.size() && text_[at_] == '"')
        read_quoted(out);
    else
        read_plain(out);
    skip_space();
    if (at_ == text_.size()) {
        ended_ = true;
    } else if (text_[at_] == ',') {
        ++at_;
    } else {
        fail("expected a comma", at_);
    }
    return true;
}

void column_list::read_quoted(column_name &out) {
    const std::size_t opening = at_++;
    for (; at_ < text_.size(); ++at_) {
        if (text_[at_] != '"') {
            add(out, text_[at_]);
        } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
            add(out, '"');
            ++at_;
        } else {
            ++at_;
            if (out.view().empty())
                fail("empty column name", opening);
            return;
        }
    }
    fail("unclosed quote", opening);
}

void column_list::read_plain(column_name &out) {
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '"' && !is_space(text_[at_]))
        add(out, text_[at_++]);
    if (out.view().empty())
        fail("empty column name", at_);
}

void column_list::skip_space() noexcept {
    while (at_ < text_.size() && is_space(text_[at_]))
        ++at_;
}

void column_list::add(column_name &out, char byte) const {
    if (!out.append(byte))
        fail("column name longer than 63 bytes", at_);
}

void column_list::fail(const char *what, std::size_t position) const {
    throw error{k_bad_audit_trigger, "invalid list of columns in an audit trigger",
                std::string{what} + " at position " + std::to_string(position + 1) + " of \"" +
                    std::string{text_} + "\".",
                "Separate column names by commas; quote a name with unusual characters."};
}

void check_table_name(std::string_view name) {
    const std::size_t dot = name.find('.');
    const bool well_formed = dot != std::string_view::npos && dot > 0 && dot <= k_name_bytes &&
                             dot + 1 < name.size() && name.size() - dot - 1 <= k_name_bytes &&
                             name.find('.', dot + 1) == std::string_view::npos;
    if (!well_formed)
        throw error{k_bad_audit_trigger, "invalid table name in an audit trigger",
                    "\"" + std::string{name} + "\" does not have the form schema.table.",
                    "Create audit triggers by saas.audit_table()."};
}

} // namespace saas::core::audit
