// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/numeric_bytes.hpp"

#include <cstring>

namespace saas::core::privacy {

std::size_t write_numeric(std::int64_t number, char *out) noexcept {
    constexpr std::uint16_t k_short = 0x8000;
    constexpr std::uint16_t k_negative = 0x2000;
    constexpr int k_most_digits = 5; // of 64 bits
    // The magnitude of the smallest number has no positive form.
    std::uint64_t rest = number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
    std::uint16_t digits[1 + k_most_digits];
    int first = 1 + k_most_digits;
    int end = first;
    for (; rest != 0; rest /= 10'000) {
        const auto digit = static_cast<std::uint16_t>(rest % 10'000);
        digits[--first] = digit;
        if (digit == 0 && end == first + 1)
            end = first; // zeros at the end are in the weight alone
    }
    // The weight is the place of the first digit, whatever was cut at the end.
    const int weight = first == 1 + k_most_digits ? 0 : k_most_digits - first;
    digits[--first] = static_cast<std::uint16_t>(k_short | (number < 0 ? k_negative : 0) | weight);
    const auto size = static_cast<std::size_t>(end - first) * sizeof(std::uint16_t);
    std::memcpy(out, digits + first, size);
    return size;
}

} // namespace saas::core::privacy
