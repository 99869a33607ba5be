// SPDX-License-Identifier: PostgreSQL
#include "core/uuid.hpp"

#include "core/sha256.hpp"

#include <algorithm>

namespace saas::core {

uuid uuid_v7_generator::next(std::uint64_t unix_microseconds,
                             std::span<const std::uint8_t, k_random_bytes> random) noexcept {
    const std::uint64_t now =
        unix_microseconds / 1000 << 12 | (unix_microseconds % 1000 << 12) / 1000;
    last_ = std::max(now, last_ + 1);
    const std::uint64_t milliseconds = last_ >> 12;
    uuid value{};
    for (int i = 0; i < 6; ++i)
        value[static_cast<std::size_t>(i)] =
            static_cast<std::uint8_t>(milliseconds >> (40 - 8 * i));
    value[6] = static_cast<std::uint8_t>(0x70 | (last_ >> 8 & 0x0f));
    value[7] = static_cast<std::uint8_t>(last_ & 0xff);
    std::copy(random.begin(), random.end(), value.begin() + 8);
    value[8] = static_cast<std::uint8_t>((value[8] & 0x3f) | 0x80);
    return value;
}

std::string to_text(const uuid &value) {
    std::string hex = to_hex(value);
    for (std::size_t at : {8U, 13U, 18U, 23U})
        hex.insert(at, 1, '-');
    return hex;
}

std::optional<uuid> parse_uuid(std::string_view text) noexcept {
    static constexpr std::size_t k_hyphens[] = {8, 13, 18, 23};
    if (text.size() != 36)
        return std::nullopt;
    std::array<char, 32> digits{};
    std::size_t used = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        bool hyphen = std::find(std::begin(k_hyphens), std::end(k_hyphens), i) != std::end(k_hyphens);
        if (hyphen != (text[i] == '-'))
            return std::nullopt;
        if (!hyphen)
            digits[used++] = text[i];
    }
    uuid value{};
    if (!from_hex({digits.data(), digits.size()}, value))
        return std::nullopt;
    return value;
}

} // namespace saas::core
