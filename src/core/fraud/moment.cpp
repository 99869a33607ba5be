// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/moment.hpp"

#include "core/fraud/lexer.hpp"
#include "core/fraud/operations.hpp"

#include <cmath>

namespace saas::core::fraud {
namespace {

// Reads a text from the left; a step that does not fit makes it fail for good.
class reader {
public:
    explicit reader(std::string_view words) noexcept : rest_{words} {}

    // Exactly `count` digits.
    int digits(std::size_t count) noexcept {
        int number = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') {
                fits_ = false;
                return 0;
            }
            number = number * 10 + (rest_.front() - '0');
            rest_.remove_prefix(1);
        }
        return number;
    }
    bool accept(char c) noexcept {
        if (rest_.empty() || rest_.front() != c)
            return false;
        rest_.remove_prefix(1);
        return true;
    }
    void expect(char c) noexcept { fits_ = accept(c) && fits_; }
    [[nodiscard]] bool at_digit() const noexcept {
        return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9';
    }
    [[nodiscard]] bool finished() const noexcept { return fits_ && rest_.empty(); }
    [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }

private:
    std::string_view rest_;
    bool fits_ = true;
};

// Days from 1970-01-01, by H. Hinnant's algorithm for the civil calendar (chrono-compatible date algorithms).
std::int64_t days_from_civil(std::int64_t y, int m, int d) noexcept {
    y -= m <= 2 ? 1 : 0;
    std::int64_t era = (y >= 0 ? y : y - 399) / 400;
    std::int64_t of_era = y - era * 400;
    std::int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
}

int length_of_month(int year, int month) noexcept {
    constexpr int k_lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : k_lengths[month - 1];
}

std::int64_t fraction_of_second(reader &text) noexcept {
    std::int64_t fraction = text.digits(1);
    int places = 1;
    for (; text.at_digit(); ++places) {
        int digit = text.digits(1);
        fraction = places < 6 ? fraction * 10 + digit : fraction;
    }
    for (; places < 6; ++places)
        fraction *= 10;
    return fraction;
}

// Offset from UTC in seconds; `fits` is false for one that no clock has.
std::int64_t zone_offset(reader &text, bool &fits) noexcept {
    if (text.empty() || text.accept('Z') || text.accept('z'))
        return 0;
    bool west = text.accept('-');
    if (!west)
        text.expect('+');
    int hours = text.digits(2);
    int minutes = 0;
    if (text.accept(':') || text.at_digit())
        minutes = text.digits(2);
    fits = hours <= 18 && minutes <= 59;
    std::int64_t offset = hours * 3600 + minutes * 60;
    return west ? -offset : offset;
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) noexcept {
    return a / b - (a % b < 0 ? 1 : 0);
}

} // namespace

std::optional<moment> parse_moment(std::string_view words) noexcept {
    reader text{words};
    int year = text.digits(4);
    text.expect('-');
    int month = text.digits(2);
    text.expect('-');
    int day = text.digits(2);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > length_of_month(year, month))
        return std::nullopt;
    std::int64_t seconds = days_from_civil(year, month, day) * 86'400;
    std::int64_t fraction = 0;
    bool fits = true;
    if (text.accept('T') || text.accept('t') || text.accept(' ')) {
        int hour = text.digits(2);
        text.expect(':');
        int minute = text.digits(2);
        int second = 0;
        if (text.accept(':')) {
            second = text.digits(2);
            fraction = text.accept('.') ? fraction_of_second(text) : 0;
        }
        fits = hour <= 23 && minute <= 59 && second <= 60;
        bool zone_fits = true;
        seconds += hour * 3600 + minute * 60 + second - zone_offset(text, zone_fits);
        fits = fits && zone_fits;
    }
    if (!fits || !text.finished())
        return std::nullopt;
    return seconds * k_second + fraction;
}

value to_moment(const value &a) noexcept {
    if (a.type == value_type::missing || a.type == value_type::failure)
        return a;
    if (a.type == value_type::text) {
        if (auto found = parse_moment(a.view()))
            return value::of(*found);
    }
    value seconds = to_number(a);
    if (!seconds.is_number())
        return seconds;
    double number = seconds.type == value_type::integer ? static_cast<double>(seconds.integer)
                                                        : seconds.real;
    if (!(std::fabs(number) < 9e12))
        return value::failed(failure_kind::out_of_range);
    return value::of(static_cast<std::int64_t>(std::llround(number * 1e6)));
}

value age_in_days(const value &a, moment now) noexcept {
    value then = to_moment(a);
    if (then.type != value_type::integer)
        return then;
    std::int64_t distance = 0;
    if (__builtin_sub_overflow(now, then.integer, &distance))
        return value::failed(failure_kind::out_of_range);
    return value::of(static_cast<double>(distance) / static_cast<double>(k_day));
}

std::int64_t seconds_of_unit(std::string_view unit) noexcept {
    struct named {
        std::string_view word;
        std::int64_t seconds;
    };
    static constexpr named k_units[] = {
        {"s", 1},          {"sec", 1},         {"second", 1},     {"seconds", 1},
        {"m", 60},         {"min", 60},        {"minute", 60},    {"minutes", 60},
        {"h", 3'600},      {"hour", 3'600},    {"hours", 3'600},  {"d", 86'400},
        {"day", 86'400},   {"days", 86'400},   {"w", 604'800},    {"week", 604'800},
        {"weeks", 604'800}};
    for (const named &known : k_units) {
        if (same_word(known.word, unit))
            return known.seconds;
    }
    return 0;
}

value utc_hour(moment at) noexcept {
    std::int64_t seconds = floor_divide(at, k_second);
    return value::of((seconds - floor_divide(seconds, 86'400) * 86'400) / 3'600);
}

value utc_weekday(moment at) noexcept {
    std::int64_t days = floor_divide(at, k_day) + 4; // 1970-01-01 was a Thursday
    return value::of(days - floor_divide(days, 7) * 7);
}

} // namespace saas::core::fraud
