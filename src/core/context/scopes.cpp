// SPDX-License-Identifier: PostgreSQL
#include "core/context/scopes.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace saas::core::context {
namespace {

bool is_letter(char c) noexcept {
    return c >= 'a' && c <= 'z';
}

bool is_part(std::string_view part) noexcept {
    return !part.empty() && is_letter(part.front()) &&
           std::all_of(part.begin(), part.end(), [](char c) {
               return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
           });
}

} // namespace

bool is_scope(std::string_view text) noexcept {
    if (text.empty() || text.size() > k_longest_scope)
        return false;
    for (;;) {
        const std::size_t colon = text.find(':');
        if (colon == std::string_view::npos)
            return text == "*" || is_part(text);
        if (!is_part(text.substr(0, colon)))
            return false;
        text.remove_prefix(colon + 1);
    }
}

bool scope_covers(std::string_view granted, std::string_view wanted) noexcept {
    if (granted == wanted)
        return true;
    return !granted.empty() && granted.back() == '*' &&
           wanted.starts_with(granted.substr(0, granted.size() - 1));
}

bool scope_covers(const scope_list &granted, std::string_view wanted) noexcept {
    return std::any_of(granted.begin(), granted.end(),
                       [&](const std::string &scope) { return scope_covers(scope, wanted); });
}

scope_list checked_scopes(scope_list scopes) {
    if (scopes.size() > k_most_scopes || !std::all_of(scopes.begin(), scopes.end(), is_scope))
        throw error{
            k_invalid_parameter_value,
            "these are no scopes",
            {},
            "At most 50 names such as payments:read, or payments:* for all below, of at most 64 "
            "characters: lower-case letters, digits, underscores and hyphens between colons."};
    return scopes;
}

std::string join_scopes(const scope_list &scopes) {
    std::string text;
    for (const std::string &scope : scopes) {
        if (!text.empty())
            text += ',';
        text += scope;
    }
    return text;
}

std::optional<scope_list> split_scopes(std::string_view text) {
    scope_list scopes;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        if (!is_scope(text.substr(0, comma)) || scopes.size() == k_most_scopes)
            return std::nullopt;
        scopes.emplace_back(text.substr(0, comma));
        if (comma + 1 == text.size())
            return std::nullopt; // nothing after the last comma
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return scopes;
}

} // namespace saas::core::context
