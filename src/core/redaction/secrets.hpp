// SPDX-License-Identifier: PostgreSQL
// Which functions of schema saas are given, or give back, what must not be read in a log.
#pragma once

#include <string_view>

namespace saas::core::redaction {

// Functions of schema saas that take or return plaintext, keys or credentials, by name.
[[nodiscard]] bool names_secret_function(std::string_view name) noexcept;

// Whether a parameter of that name holds a secret: p_password, p_token, p_session_token, p_secret, …
// Functions of schema saas with such a parameter count without being listed.
[[nodiscard]] bool names_secret_parameter(std::string_view name) noexcept;

} // namespace saas::core::redaction
