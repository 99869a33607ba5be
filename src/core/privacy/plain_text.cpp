// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/plain_text.hpp"

#include <array>
#include <cstring>

namespace saas::core::privacy {
namespace {

constexpr std::int64_t k_microseconds_a_day = 86'400'000'000;
constexpr std::int64_t k_first_day = -730'119; // 0001-01-01
constexpr std::int64_t k_last_day = 2'921'939; // 9999-12-31

using two = std::array<char, 2>;

template <std::size_t Count, std::size_t Base>
constexpr std::array<two, Count> make_pairs() noexcept {
    std::array<two, Count> pairs{};
    for (std::size_t i = 0; i < Count; ++i)
        pairs[i] = {"0123456789abcdef"[i / Base], "0123456789abcdef"[i % Base]};
    return pairs;
}
constexpr auto k_decimals = make_pairs<100, 10>();
constexpr auto k_hexadecimals = make_pairs<256, 16>();

// 0 … 99
char *two_digits(std::int64_t number, char *out) noexcept {
    std::memcpy(out, k_decimals[static_cast<std::size_t>(number)].data(), 2);
    return out + 2;
}

// 0 … 9999
char *four_digits(std::int64_t number, char *out) noexcept {
    return two_digits(number % 100, two_digits(number / 100, out));
}

// The same without zeros before it.
char *some_digits(std::int64_t number, char *out) noexcept {
    if (number >= 1000)
        return four_digits(number, out);
    if (number >= 100) {
        *out = static_cast<char>('0' + number / 100);
        return two_digits(number % 100, out + 1);
    }
    if (number >= 10)
        return two_digits(number, out);
    *out = static_cast<char>('0' + number);
    return out + 1;
}

} // namespace

void write_hexadecimal(std::span<const std::uint8_t> bytes, char *out) noexcept {
    for (const std::uint8_t byte : bytes) {
        std::memcpy(out, k_hexadecimals[byte].data(), 2);
        out += 2;
    }
}

std::size_t write_uuid(const std::uint8_t *bytes, char *out) noexcept {
    char *to = out;
    for (int i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        std::memcpy(to, k_hexadecimals[bytes[i]].data(), 2);
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
    char *to = four_digits(year, out);
    *to++ = '-';
    to = two_digits(month, to);
    *to++ = '-';
    to = two_digits(day, to);
    return static_cast<std::size_t>(to - out);
}

std::size_t write_timestamp(std::int64_t microseconds, bool with_zone, known_day &day, char *out) noexcept {
    std::int64_t days = microseconds / k_microseconds_a_day;
    std::int64_t rest = microseconds % k_microseconds_a_day;
    if (rest < 0) {
        rest += k_microseconds_a_day;
        --days;
    }
    if (days != day.days) {
        if (write_date(days, day.text) == 0)
            return 0;
        day.days = days;
    }
    std::memcpy(out, day.text, sizeof(day.text));
    const std::int64_t fraction = rest % 1'000'000;
    const std::int64_t seconds = rest / 1'000'000;
    char *to = out + sizeof(day.text);
    *to++ = ' ';
    to = two_digits(seconds / 3600, to);
    *to++ = ':';
    to = two_digits(seconds / 60 % 60, to);
    *to++ = ':';
    to = two_digits(seconds % 60, to);
    if (fraction != 0) {
        *to++ = '.';
        to = two_digits(fraction % 100, four_digits(fraction / 100, to));
        while (to[-1] == '0')
            --to;
    }
    if (with_zone) {
        *to++ = '+';
        to = two_digits(0, to);
    }
    return static_cast<std::size_t>(to - out);
}

std::size_t write_decimal(const decimal &number, char *out) noexcept {
    constexpr int k_figures = 4; // of a digit
    const int before = number.weight < 0 ? 1 : (number.weight + 1) * k_figures;
    // The sign, the point, and the last digit whole.
    if (number.weight > 1000 || number.scale > 1000 ||
        static_cast<std::size_t>(before + number.scale + 2 + k_figures) > k_decimal_room)
        return 0;
    const auto digit = [&number](int at) {
        std::int16_t value = 0;
        if (at >= 0 && at < number.count)
            std::memcpy(&value, number.digits + 2 * at, sizeof(value));
        return value < 0 || value > 9999 ? 0 : value;
    };
    char *to = out;
    if (number.is_negative)
        *to++ = '-';
    to = some_digits(number.weight < 0 ? 0 : digit(0), to);
    for (int at = 1; at <= number.weight; ++at)
        to = four_digits(digit(at), to);
    if (number.scale == 0)
        return static_cast<std::size_t>(to - out);
    *to++ = '.';
    char *const point = to;
    for (int at = number.weight + 1; to - point < number.scale; ++at)
        to = four_digits(digit(at), to);
    return static_cast<std::size_t>(point + number.scale - out);
}

} // namespace saas::core::privacy
