// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/plain_text.hpp"

#include <array>
#include <cstring>

namespace saas::core::privacy {
namespace {

constexpr std::int64_t k_microseconds_a_day = 86'400'000'000;
constexpr std::int64_t k_first_day = -730'119; // 0001-01-01
constexpr std::int64_t k_last_day = 2'921'939; // 9999-12-31

// The two characters of each byte in hexadecimal, and of each number below 100.
constexpr std::array<char, 512> k_hex_pairs = [] {
    constexpr char digits[] = "0123456789abcdef";
    std::array<char, 512> out{};
    for (std::size_t i = 0; i < 256; ++i) {
        out[2 * i] = digits[i / 16];
        out[2 * i + 1] = digits[i % 16];
    }
    return out;
}();
constexpr std::array<char, 200> k_decimal_pairs = [] {
    std::array<char, 200> out{};
    for (std::size_t i = 0; i < 100; ++i) {
        out[2 * i] = static_cast<char>('0' + i / 10);
        out[2 * i + 1] = static_cast<char>('0' + i % 10);
    }
    return out;
}();

// Two digits of a number below 100.
char *two_digits(std::int64_t number, char *out) noexcept {
    std::memcpy(out, &k_decimal_pairs[2 * static_cast<std::size_t>(number)], 2);
    return out + 2;
}

} // namespace

std::size_t write_uuid(const std::uint8_t *bytes, char *out) noexcept {
    char *to = out;
    for (int i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        std::memcpy(to, &k_hex_pairs[2 * std::size_t{bytes[i]}], 2);
        to += 2;
    }
    return static_cast<std::size_t>(to - out);
}

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
std::size_t write_date(std::int64_t days, char *out) noexcept {
    if (days < k_first_day || days > k_last_day)
        return 0;
    const std::int64_t shifted = days + 730'425; // since 0000-03-01
    const std::int64_t era = shifted / 146'097;
    const std::int64_t day_of_era = shifted - era * 146'097;
    const std::int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const std::int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;
    const std::int64_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    const std::int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    char *to = two_digits(year % 100, two_digits(year / 100, out));
    *to++ = '-';
    to = two_digits(month, to);
    *to++ = '-';
    to = two_digits(day, to);
    return static_cast<std::size_t>(to - out);
}

std::size_t write_timestamp(std::int64_t microseconds, bool with_zone, char *out) noexcept {
    std::int64_t days = microseconds / k_microseconds_a_day;
    std::int64_t rest = microseconds % k_microseconds_a_day;
    if (rest < 0) {
        rest += k_microseconds_a_day;
        --days;
    }
    const std::size_t date = write_date(days, out);
    if (date == 0)
        return 0;
    const std::int64_t fraction = rest % 1'000'000;
    const std::int64_t seconds = rest / 1'000'000;
    char *to = out + date;
    *to++ = ' ';
    to = two_digits(seconds / 3600, to);
    *to++ = ':';
    to = two_digits(seconds / 60 % 60, to);
    *to++ = ':';
    to = two_digits(seconds % 60, to);
    if (fraction != 0) {
        *to++ = '.';
        to = two_digits(fraction / 10'000, to);
        to = two_digits(fraction / 100 % 100, to);
        to = two_digits(fraction % 100, to);
        while (to[-1] == '0')
            --to;
    }
    if (with_zone) {
        *to++ = '+';
        to = two_digits(0, to);
    }
    return static_cast<std::size_t>(to - out);
}

} // namespace saas::core::privacy
