// SPDX-License-Identifier: PostgreSQL
// Encrypted values in columns of type text: "enc1:" and Base64.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/encryption/ciphertext.hpp"

namespace saas::core::encryption {

inline constexpr std::string_view k_text_form_prefix = "enc1:";

[[nodiscard]] std::string to_text_form(std::span<const std::uint8_t> value);

// The bytes of a text that has the prefix and Base64 behind it; nullopt otherwise.
[[nodiscard]] std::optional<std::size_t> text_form_bytes(std::string_view text) noexcept;

// Decodes a text of which text_form_bytes() gave out.size(). False when it is no Base64.
[[nodiscard]] bool from_text_form(std::string_view text, std::span<std::uint8_t> out);

} // namespace saas::core::encryption
