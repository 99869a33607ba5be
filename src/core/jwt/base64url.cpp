// SPDX-License-Identifier: PostgreSQL
#include "core/jwt/base64url.hpp"

#include <array>

namespace saas::core::jwt {
namespace {

constexpr std::string_view k_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::uint8_t k_none = 255;

constexpr std::array<std::uint8_t, 256> make_values() {
    std::array<std::uint8_t, 256> values{};
    values.fill(k_none);
    for (std::size_t i = 0; i < k_digits.size(); ++i)
        values[static_cast<std::uint8_t>(k_digits[i])] = static_cast<std::uint8_t>(i);
    return values;
}

constexpr std::array<std::uint8_t, 256> k_values = make_values();

} // namespace

std::optional<std::string> from_base64url(std::string_view text) {
    if (text.size() % 4 == 1)
        return std::nullopt;
    std::string out(text.size() * 6 / 8, '\0');
    char *at = out.data();
    std::uint32_t bits = 0;
    unsigned count = 0;   // of bits that are not written yet
    std::uint8_t bad = 0; // the bits of k_none that no digit has
    for (char c : text) {
        const std::uint8_t value = k_values[static_cast<std::uint8_t>(c)];
        bad = static_cast<std::uint8_t>(bad | (value & 0xC0));
        bits = (bits << 6) | (value & 63U);
        count += 6;
        if (count >= 8) {
            count -= 8;
            *at++ = static_cast<char>(static_cast<std::uint8_t>(bits >> count));
        }
    }
    if (bad != 0 || (bits & ((1U << count) - 1)) != 0)
        return std::nullopt;
    return out;
}

std::string to_base64url(std::span<const std::uint8_t> data) {
    std::string out;
    out.reserve((data.size() * 4 + 2) / 3);
    std::uint32_t bits = 0;
    int count = 0;
    for (std::uint8_t byte : data) {
        bits = (bits << 8) | byte;
        count += 8;
        while (count >= 6) {
            count -= 6;
            out.push_back(k_digits[(bits >> count) & 63]);
        }
        bits &= (1U << count) - 1;
    }
    if (count > 0)
        out.push_back(k_digits[(bits << (6 - count)) & 63]);
    return out;
}

} // namespace saas::core::jwt
