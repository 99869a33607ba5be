// SPDX-License-Identifier: PostgreSQL
// Arguments of the audit trigger: the logical table name and lists of column names. Reading them
// allocates nothing, so that a caller may use the server between two names.
#pragma once

#include "core/error.hpp"

#include <cstddef>
#include <string_view>

namespace saas::core::audit {

// An audit trigger that is defined or used wrongly.
inline constexpr sqlstate k_bad_audit_trigger{"SA040"};

// Longest name that the server stores, in bytes (NAMEDATALEN - 1).
inline constexpr std::size_t k_name_bytes = 63;

// One column name with its quotes removed.
class column_name {
public:
    [[nodiscard]] std::string_view view() const noexcept { return {bytes_, length_}; }
    // Ends with a NUL, for the server's functions.
    [[nodiscard]] const char *c_str() const noexcept { return bytes_; }
    void clear() noexcept;
    // Appends one byte; false when the name is already k_name_bytes long.
    [[nodiscard]] bool append(char byte) noexcept;

private:
    char bytes_[k_name_bytes + 1] = {};
    std::size_t length_ = 0;
};

// Walks a list such as  name, "odd, name", "with ""quotes"""  : SQL identifiers between commas,
// except that an unquoted name is taken as it is written, without folding to lower case. White
// space around a name is skipped. An empty text is an empty list.
class column_list {
public:
    // `text` must outlive the list.
    explicit column_list(std::string_view text) noexcept;

    // Reads the next name into `out`. False at the end. Throws core::error SA040 with the position
    // (from 1) at an empty name, an unclosed quote, a name of more than k_name_bytes or text after
    // a closing quote.
    [[nodiscard]] bool next(column_name &out);

private:
    void read_quoted(column_name &out);
    void read_plain(column_name &out);
    void skip_space() noexcept;
    void add(column_name &out, char byte) const;
    [[noreturn]] void fail(const char *what, std::size_t position) const;

    std::string_view text_;
    std::size_t at_ = 0;
    bool ended_ = false;
};

// Checks the logical name of an audited table: "schema.table", both parts non-empty, at most
// k_name_bytes each, without further dots. Throws core::error SA040.
void check_table_name(std::string_view name);

} // namespace saas::core::audit
