// SPDX-License-Identifier: PostgreSQL
// What a credential is for, beyond the role that it acts with: names such as `payments:read`,
// joined with colons from the general to the special. `*` as the last part stands for everything
// below.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace saas::core::context {

inline constexpr std::size_t k_most_scopes = 50;
inline constexpr std::size_t k_longest_scope = 64;

using scope_list = std::vector<std::string>;

// Parts of lower-case letters, digits, `_` and `-` that begin with a letter, or `*` as the last
// one.
[[nodiscard]] bool is_scope(std::string_view text) noexcept;

// Whether what is granted includes what is wanted; both are scopes.
[[nodiscard]] bool scope_covers(std::string_view granted, std::string_view wanted) noexcept;
[[nodiscard]] bool scope_covers(const scope_list &granted, std::string_view wanted) noexcept;

// The same list. Throws core::error 22023 when there are more than k_most_scopes or one is no
// scope.
[[nodiscard]] scope_list checked_scopes(scope_list scopes);

// The scopes in one text, joined by commas; empty for none.
[[nodiscard]] std::string join_scopes(const scope_list &scopes);

// Reads that text; nullopt when something in it is no scope or there are more than k_most_scopes.
[[nodiscard]] std::optional<scope_list> split_scopes(std::string_view text);

} // namespace saas::core::context
