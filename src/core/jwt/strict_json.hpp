// SPDX-License-Identifier: PostgreSQL
// JSON as tokens and keys need it: what two parsers could read differently is refused.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace saas::core::jwt {

inline constexpr std::size_t k_max_json_depth = 32;

// The object that `text` is (RFC 8259, UTF-8, at most k_max_json_depth deep). Otherwise nullopt,
// with the reason in words that follow "it": not an object, a name that is given twice within one
// object (RFC 7519, section 4 lets us refuse it), a string or name with a NUL character, a number
// beyond double precision.
[[nodiscard]] std::optional<boost::json::object> parse_object(std::string_view text,
                                                              std::string &reason);

// The string that the object has under `name`: null without such a member. Sets `wrong` when the
// member is something else, and leaves it alone otherwise.
[[nodiscard]] const boost::json::string *string_member(const boost::json::object &object,
                                                       std::string_view name, bool &wrong);

[[nodiscard]] inline std::string_view view(const boost::json::string &text) noexcept {
    return {text.data(), text.size()};
}

} // namespace saas::core::jwt
