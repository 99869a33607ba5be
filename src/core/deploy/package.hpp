// SPDX-License-Identifier: PostgreSQL
// What the files of the schema package say: the ordered list of modules, each module's manifest of
// tables, names and checksums of migrations. Texts come in; reading files is the caller's task.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace saas::core::deploy {

struct module_entry {
    std::string name;
    std::vector<std::string> required; // modules that must be deployed before, all listed earlier
};

// Reads modules.list: one module a line, then the modules it requires; `#` begins a comment.
// Throws core::error 22023 for a name twice or a requirement that is not listed before.
[[nodiscard]] std::vector<module_entry> parse_module_list(std::string_view text);

// The modules to deploy: `wanted` with everything they require, in the order of `all`; all of them
// when `wanted` is empty. Throws core::error 22023 for an unknown name.
[[nodiscard]] std::vector<module_entry> select_modules(const std::vector<module_entry> &all,
                                                       const std::vector<std::string> &wanted);

// The modules that have to go before one of them can lose what `needed` use: these and, of the `deployed` ones, all that
// require one of them, by whatever way, the last of `all` first.
[[nodiscard]] std::vector<std::string> removal_order(const std::vector<module_entry> &all,
                                                     const std::vector<std::string> &deployed,
                                                     const std::vector<std::string> &needed);

// Whether a qualified name stands in a message of the server, and not as a part of a longer one.
[[nodiscard]] bool mentions(std::string_view message, std::string_view name) noexcept;

struct declared_table {
    std::string name; // without schema
    std::string kind; // tenant, reference or local: ARCHITECTURE section 2
};

// Reads a module's manifest: `tenant NAME`, `reference NAME` or `local NAME` a line.
// Throws core::error 22023 naming the line.
[[nodiscard]] std::vector<declared_table> parse_manifest(std::string_view text);

struct migration_name {
    int version; // 1 and up
    std::string name;
    bool down;
};

// Reads NNNN_what.sql or NNNN_what.down.sql. Throws core::error 22023 for any other form.
[[nodiscard]] migration_name parse_migration_name(std::string_view file);

// SHA-256 of a file's text in hexadecimal digits, carriage returns left out, so that a checkout with
// other line ends has the same checksum.
[[nodiscard]] std::string checksum(std::string_view text);

struct renamed_role {
    std::string_view from; // the name that the package's files use
    std::string to;        // the name configured for this database
};

// Replaces whole identifiers that name a role of the package by the configured name, quoted.
[[nodiscard]] std::string rename_roles(std::string_view sql,
                                       const std::vector<renamed_role> &roles);

// The line, counted from 1, on which the byte at `offset` stands.
[[nodiscard]] int line_of(std::string_view text, std::size_t offset) noexcept;

// The offset `count` characters (UTF-8) after `offset`; the server counts positions in characters.
[[nodiscard]] std::size_t skip_characters(std::string_view text, std::size_t offset,
                                          int count) noexcept;

// The offset of the first byte at or after `offset` that is neither white space nor comment.
[[nodiscard]] std::size_t skip_blank(std::string_view sql, std::size_t offset) noexcept;

} // namespace saas::core::deploy
