// SPDX-License-Identifier: PostgreSQL
#include "core/payments/event_time.hpp"

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <string>

namespace saas::core::payments {
namespace {

constexpr std::int64_t k_second = 1000000; // microseconds
constexpr std::int64_t k_day = 86400 * k_second;
constexpr std::size_t k_longest_fraction = 9;
constexpr int k_hours_of_offset = 15; // the greatest that the server takes

// Reads from the left; once something does not fit, it stays so.
class cursor {
  public:
    explicit cursor(std::string_view rest) : rest_{rest} {}

    bool take(char expected) {
        if (!rest_.starts_with(expected))
            return false;
        rest_.remove_prefix(1);
        return true;
    }

    void need(char expected) { good_ = take(expected) && good_; }

    int number(std::size_t digits) {
        int value = 0;
        for (std::size_t n = 0; n < digits; ++n) {
            if (!is_digit()) {
                good_ = false;
                return 0;
            }
            value = value * 10 + (rest_.front() - '0');
            rest_.remove_prefix(1);
        }
        return value;
    }

    // Microseconds of ".5"; the server rounds the number, so does this.
    std::int64_t fraction() {
        std::string digits{"0."};
        for (; is_digit(); rest_.remove_prefix(1))
            digits += rest_.front();
        good_ = good_ && digits.size() > 2 && digits.size() <= k_longest_fraction + 2;
        return good_ ? std::llrint(std::strtod(digits.c_str(), nullptr) * 1e6) : 0;
    }

    [[nodiscard]] bool is_done() const { return good_ && rest_.empty(); }

  private:
    [[nodiscard]] bool is_digit() const {
        return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9';
    }

    std::string_view rest_;
    bool good_ = true;
};

// Seconds to the east; nothing for one that there is not.
std::optional<std::int64_t> read_offset(cursor &in) {
    if (in.take('Z'))
        return 0;
    const bool is_west = in.take('-');
    if (!is_west)
        in.need('+');
    const int hours = in.number(2);
    (void)in.take(':');
    const int minutes = in.number(2);
    if (hours > k_hours_of_offset || minutes > 59)
        return std::nullopt;
    const std::int64_t seconds = (hours * 60 + minutes) * std::int64_t{60};
    return is_west ? -seconds : seconds;
}

} // namespace

std::optional<std::int64_t> read_rfc3339(std::string_view text) {
    cursor in{text};
    const int year = in.number(4);
    in.need('-');
    const int month = in.number(2);
    in.need('-');
    const int day = in.number(2);
    in.need('T');
    const int hour = in.number(2);
    in.need(':');
    const int minute = in.number(2);
    int second = 0;
    std::int64_t micros = 0;
    if (in.take(':')) {
        second = in.number(2);
        micros = in.take('.') ? in.fraction() : 0;
    }
    const std::optional<std::int64_t> offset = read_offset(in);
    const std::chrono::year_month_day date{std::chrono::year{year},
                                           std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    const std::int64_t time =
        (hour * std::int64_t{3600} + minute * std::int64_t{60} + second) * k_second + micros;
    if (!in.is_done() || !offset || !date.ok() || year == 0 || minute > 59 || second > 60 ||
        time > k_day)
        return std::nullopt;
    const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
    return days * k_day + time - *offset * k_second;
}

} // namespace saas::core::payments
