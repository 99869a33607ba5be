// SPDX-License-Identifier: PostgreSQL
#include "core/encryption/text_form.hpp"

#include "core/sha256.hpp"

namespace saas::core::encryption {

std::string to_text_form(std::span<const std::uint8_t> value) {
    return std::string{k_text_form_prefix} + to_base64(value);
}

std::optional<std::size_t> text_form_bytes(std::string_view text) noexcept {
    if (!text.starts_with(k_text_form_prefix))
        return std::nullopt;
    text.remove_prefix(k_text_form_prefix.size());
    if (text.empty() || text.size() % 4 != 0)
        return std::nullopt;
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    return text.size() / 4 * 3 - padding;
}

bool from_text_form(std::string_view text, std::span<std::uint8_t> out) {
    return from_base64(text.substr(k_text_form_prefix.size()), out);
}

} // namespace saas::core::encryption
