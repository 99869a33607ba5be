// SPDX-License-Identifier: PostgreSQL
#include "core/deploy/package.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "core/error.hpp"
#include "core/sha256.hpp"

namespace saas::core::deploy {
namespace {

constexpr bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

constexpr bool is_identifier(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The words of each line, comments and empty lines left out.
std::vector<std::vector<std::string>> words_by_line(std::string_view text) {
    std::vector<std::vector<std::string>> lines;
    while (!text.empty()) {
        std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        line = line.substr(0, line.find('#'));
        std::vector<std::string> words;
        for (std::size_t i = 0; i < line.size();) {
            if (is_space(line[i])) {
                ++i;
                continue;
            }
            std::size_t start = i;
            while (i < line.size() && !is_space(line[i]))
                ++i;
            words.emplace_back(line.substr(start, i - start));
        }
        if (!words.empty())
            lines.push_back(std::move(words));
    }
    return lines;
}

bool contains(const std::vector<module_entry> &modules, std::string_view name) {
    return std::any_of(modules.begin(), modules.end(),
                       [&](const module_entry &m) { return m.name == name; });
}

std::string quoted(std::string_view identifier) {
    std::string out{"\""};
    for (char c : identifier) {
        if (c == '"')
            out.push_back('"');
        out.push_back(c);
    }
    out.push_back('"');
    return out;
}

} // namespace

std::vector<module_entry> parse_module_list(std::string_view text) {
    std::vector<module_entry> modules;
    for (auto &words : words_by_line(text)) {
        module_entry entry{words.front(), {words.begin() + 1, words.end()}};
        if (contains(modules, entry.name))
            throw error{k_invalid_parameter_value, "module \"" + entry.name + "\" is listed twice"};
        for (const std::string &required : entry.required) {
            if (!contains(modules, required))
                throw error{k_invalid_parameter_value,
                            "module \"" + entry.name + "\" requires \"" + required +
                                "\", which is not listed before it"};
        }
        modules.push_back(std::move(entry));
    }
    return modules;
}

std::vector<module_entry> select_modules(const std::vector<module_entry> &all,
                                         const std::vector<std::string> &wanted) {
    if (wanted.empty())
        return all;
    std::set<std::string> chosen;
    for (const std::string &name : wanted) {
        if (!contains(all, name)) {
            std::string known;
            for (const module_entry &entry : all)
                known += (known.empty() ? "" : ", ") + entry.name;
            throw error{k_invalid_parameter_value, "there is no module \"" + name + "\"", {},
                        "The modules are: " + known + "."};
        }
        chosen.insert(name);
    }
    // Requirements stand before the module that has them, so one pass from the end finds them all.
    for (auto entry = all.rbegin(); entry != all.rend(); ++entry) {
        if (chosen.count(entry->name) != 0)
            chosen.insert(entry->required.begin(), entry->required.end());
    }
    std::vector<module_entry> selected;
    std::copy_if(all.begin(), all.end(), std::back_inserter(selected),
                 [&](const module_entry &entry) { return chosen.count(entry.name) != 0; });
    return selected;
}

std::vector<std::string> removal_order(const std::vector<module_entry> &all,
                                       const std::vector<std::string> &deployed,
                                       const std::vector<std::string> &needed) {
    std::set<std::string> chosen{needed.begin(), needed.end()};
    // Whoever requires a module stands after it, so one pass finds them all.
    for (const module_entry &entry : all) {
        const bool requires_one = std::any_of(entry.required.begin(), entry.required.end(),
                                              [&](const std::string &r) { return chosen.count(r) != 0; });
        if (requires_one && std::count(deployed.begin(), deployed.end(), entry.name) != 0)
            chosen.insert(entry.name);
    }
    std::vector<std::string> order;
    for (auto entry = all.rbegin(); entry != all.rend(); ++entry) {
        if (chosen.count(entry->name) != 0)
            order.push_back(entry->name);
    }
    return order;
}

bool mentions(std::string_view message, std::string_view name) noexcept {
    if (name.empty())
        return false;
    for (std::size_t at = message.find(name); at != std::string_view::npos; at = message.find(name, at + 1)) {
        const std::size_t end = at + name.size();
        const bool begins = at == 0 || !(is_identifier(message[at - 1]) || message[at - 1] == '.');
        const bool ends = end == message.size() || !is_identifier(message[end]);
        if (begins && ends)
            return true;
    }
    return false;
}

std::vector<declared_table> parse_manifest(std::string_view text) {
    std::vector<declared_table> tables;
    for (auto &words : words_by_line(text)) {
        bool known = words[0] == "tenant" || words[0] == "reference" || words[0] == "local";
        if (words.size() != 2 || !known)
            throw error{k_invalid_parameter_value,
                        "invalid line in a manifest: \"" + words[0] + " …\"", {},
                        "Write tenant, reference or local, and the name of one table."};
        tables.push_back({words[1], words[0]});
    }
    return tables;
}

migration_name parse_migration_name(std::string_view file) {
    migration_name parsed{0, {}, false};
    std::string_view stem = file;
    auto drop_suffix = [&](std::string_view suffix) {
        bool has = stem.size() > suffix.size() && stem.ends_with(suffix);
        if (has)
            stem.remove_suffix(suffix.size());
        return has;
    };
    bool valid = drop_suffix(".sql");
    parsed.down = drop_suffix(".down");
    valid = valid && stem.size() > 5 && stem[4] == '_';
    if (valid) {
        auto [end, problem] = std::from_chars(stem.data(), stem.data() + 4, parsed.version);
        valid = problem == std::errc{} && end == stem.data() + 4 && parsed.version > 0;
    }
    if (!valid)
        throw error{k_invalid_parameter_value,
                    "invalid name of a migration: \"" + std::string{file} + "\"", {},
                    "Name it NNNN_what.sql or NNNN_what.down.sql, from 0001 on."};
    parsed.name = std::string{stem};
    return parsed;
}

std::string checksum(std::string_view text) {
    std::string lines{text};
    lines.erase(std::remove(lines.begin(), lines.end(), '\r'), lines.end());
    return to_hex(sha256(bytes_of(lines)));
}

std::string rename_roles(std::string_view sql, const std::vector<renamed_role> &roles) {
    std::string out;
    out.reserve(sql.size());
    for (std::size_t i = 0; i < sql.size();) {
        if (!is_identifier(sql[i])) {
            out.push_back(sql[i++]);
            continue;
        }
        std::size_t start = i;
        while (i < sql.size() && is_identifier(sql[i]))
            ++i;
        std::string_view word = sql.substr(start, i - start);
        auto role = std::find_if(roles.begin(), roles.end(),
                                 [&](const renamed_role &r) { return r.from == word; });
        bool rename = role != roles.end() && role->to != role->from;
        out += rename ? quoted(role->to) : std::string{word};
    }
    return out;
}

int line_of(std::string_view text, std::size_t offset) noexcept {
    offset = std::min(offset, text.size());
    auto end = text.begin() + static_cast<std::ptrdiff_t>(offset);
    return 1 + static_cast<int>(std::count(text.begin(), end, '\n'));
}

std::size_t skip_characters(std::string_view text, std::size_t offset, int count) noexcept {
    auto continues = [&](std::size_t i) {
        return i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U;
    };
    for (; count > 0 && offset < text.size(); --count) {
        ++offset;
        while (continues(offset))
            ++offset;
    }
    return offset;
}

std::size_t skip_blank(std::string_view sql, std::size_t offset) noexcept {
    while (offset < sql.size()) {
        if (is_space(sql[offset])) {
            ++offset;
        } else if (sql.substr(offset, 2) == "--") {
            std::size_t end = sql.find('\n', offset);
            offset = end == std::string_view::npos ? sql.size() : end + 1;
        } else if (sql.substr(offset, 2) == "/*") {
            int depth = 0; // comments nest in SQL
            do {
                if (sql.substr(offset, 2) == "/*") {
                    ++depth;
                    offset += 2;
                } else if (sql.substr(offset, 2) == "*/") {
                    --depth;
                    offset += 2;
                } else {
                    ++offset;
                }
            } while (depth > 0 && offset < sql.size());
        } else {
            break;
        }
    }
    return std::min(offset, sql.size());
}

} // namespace saas::core::deploy
