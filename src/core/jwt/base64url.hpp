// SPDX-License-Identifier: PostgreSQL
// Base64 for URLs without padding (RFC 4648, section 5; RFC 7515, section 2), read strictly: every
// sequence of bytes has exactly one text.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace saas::core::jwt {

// The bytes that `text` stands for; nullopt for another alphabet, padding, white space, a length
// that no encoder writes, or bits at the end that belong to no byte. The result may hold a secret.
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);

[[nodiscard]] std::string to_base64url(std::span<const std::uint8_t> data);

} // namespace saas::core::jwt
