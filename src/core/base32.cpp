// SPDX-License-Identifier: PostgreSQL
#include "core/base32.hpp"

namespace saas::core {
namespace {

constexpr std::string_view k_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr unsigned k_bits = 5; // of a digit

int value_of(char c) noexcept {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

// The digits without the padding; nullopt when there is padding that does not belong there.
std::optional<std::string_view> without_padding(std::string_view text) noexcept {
    const std::size_t last = text.find_last_not_of('=');
    const std::string_view digits = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
    const std::size_t padding = text.size() - digits.size();
    if (padding != 0 && (padding >= 8 || text.size() % 8 != 0))
        return std::nullopt;
    return digits;
}

} // namespace

std::string to_base32(std::span<const std::uint8_t> data, bool padded) {
    std::string out;
    out.reserve((data.size() + 4) / 5 * 8);
    unsigned pending = 0;
    unsigned bits = 0;
    for (std::uint8_t byte : data) {
        pending = (pending << 8 | byte) & 0xfffU; // at most 4 old bits and 8 new ones
        for (bits += 8; bits >= k_bits; bits -= k_bits)
            out.push_back(k_digits[pending >> (bits - k_bits) & 31U]);
    }
    if (bits > 0)
        out.push_back(k_digits[pending << (k_bits - bits) & 31U]);
    while (padded && out.size() % 8 != 0)
        out.push_back('=');
    return out;
}

std::optional<std::vector<std::uint8_t>> from_base32(std::string_view text) {
    const auto digits = without_padding(text);
    if (!digits)
        return std::nullopt;
    std::vector<std::uint8_t> out;
    out.reserve(digits->size() * k_bits / 8);
    unsigned pending = 0;
    unsigned bits = 0;
    for (char c : *digits) {
        const int value = value_of(c);
        if (value < 0)
            return std::nullopt;
        pending = (pending << k_bits | static_cast<unsigned>(value)) & 0xfffU;
        bits += k_bits;
        if (bits >= 8) {
            bits -= 8;
            out.push_back(static_cast<std::uint8_t>(pending >> bits & 0xffU));
        }
    }
    // What is left over is less than a digit, and zero.
    if (bits >= k_bits || (pending & ((1U << bits) - 1)) != 0)
        return std::nullopt;
    return out;
}

} // namespace saas::core
