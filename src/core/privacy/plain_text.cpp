// SPDX-License-Identifier: PostgreSQL
#include "core/privacy/plain_text.hpp"

namespace saas::core::privacy {
namespace {

constexpr std::int64_t k_microseconds_a_day = 86'400'000'000;
constexpr std::int64_t k_first_day = -730'119; // 0001-01-01
constexpr std::int64_t k_last_day = 2'921'939; // 9999-12-31

char *digits(std::int64_t number, int count, char *out) noexcept {
    for (int i = count - 1; i >= 0; --i, number /= 10)
        out[i] = static_cast<char>('0' + number % 10);
    return out + count;
}

} // namespace

std::size_t write_uuid(const std::uint8_t *bytes, char *out) noexcept {
    constexpr char hex[] = "0123456789abcdef";
    char *to = out;
    for (int i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        *to++ = hex[bytes[i] >> 4];
        *to++ = hex[bytes[i] & 15];
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
    char *to = digits(year, 4, out);
    *to++ = '-';
    to = digits(month, 2, to);
    *to++ = '-';
    to = digits(day, 2, to);
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
    std::int64_t fraction = rest % 1'000'000;
    const std::int64_t seconds = rest / 1'000'000;
    char *to = out + date;
    *to++ = ' ';
    to = digits(seconds / 3600, 2, to);
    *to++ = ':';
    to = digits(seconds / 60 % 60, 2, to);
    *to++ = ':';
    to = digits(seconds % 60, 2, to);
    if (fraction != 0) {
        int count = 6;
        for (; fraction % 10 == 0; fraction /= 10)
            --count;
        *to++ = '.';
        to = digits(fraction, count, to);
    }
    if (with_zone) {
        *to++ = '+';
        to = digits(0, 2, to);
    }
    return static_cast<std::size_t>(to - out);
}

} // namespace saas::core::privacy
