// SPDX-License-Identifier: PostgreSQL
#include "core/webhook/verdict.hpp"

#include <charconv>
#include <chrono>

namespace saas::core::webhook {
namespace {

// a - b > limit, for a and b of either sign, without overflow.
bool exceeds(std::int64_t a, std::int64_t b, std::int64_t limit) noexcept {
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(a, b, &difference))
        return a > b;
    return difference > limit;
}

// The number that `length` digits at `at` stand for; -1 when one of them is none.
int digits(std::string_view text, std::size_t at, std::size_t length) noexcept {
    int value = 0;
    for (char c : text.substr(at, length)) {
        if (c < '0' || c > '9')
            return -1;
        value = value * 10 + (c - '0');
    }
    return value;
}

// "Z", or "." with digits and "Z".
bool is_end_of_time(std::string_view text) noexcept {
    if (!text.empty() && text.front() == '.') {
        std::size_t end = text.find_first_not_of("0123456789", 1);
        if (end == 1 || end == std::string_view::npos)
            return false;
        text.remove_prefix(end);
    }
    return text == "Z";
}

} // namespace

std::string_view text_of(refusal reason) noexcept {
    switch (reason) {
    case refusal::none:
        return {};
    case refusal::invalid_header:
        return "invalid signature header";
    case refusal::no_signature:
        return "no valid signature";
    case refusal::no_secret:
        return "no signing secret";
    case refusal::too_old:
        return "signature is too old";
    case refusal::in_future:
        return "signature is in the future";
    case refusal::no_url:
        return "the notification URL is needed";
    case refusal::invalid_body:
        return "the body does not have the signed members";
    case refusal::invalid_certificate:
        return "the certificate is not the provider's";
    case refusal::certificate_needed:
        return "certificate needed";
    }
    return {};
}

std::optional<std::int64_t> parse_unix_seconds(std::string_view text) noexcept {
    std::int64_t value = 0;
    // from_chars alone would take a sign.
    if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos)
        return std::nullopt;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

std::optional<std::int64_t> parse_utc_time(std::string_view text) noexcept {
    constexpr std::size_t k_seconds_end = std::string_view{"2015-05-18T15:45:13"}.size();
    if (text.size() <= k_seconds_end || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
        text[13] != ':' || text[16] != ':' || !is_end_of_time(text.substr(k_seconds_end)))
        return std::nullopt;
    int year = digits(text, 0, 4);
    int month = digits(text, 5, 2);
    int day = digits(text, 8, 2);
    int hour = digits(text, 11, 2);
    int minute = digits(text, 14, 2);
    int second = digits(text, 17, 2);
    if (year < 1970 || month < 1 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
        second < 0 || second > 59)
        return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{year},
                                           std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    if (!date.ok())
        return std::nullopt;
    std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
    return days * 86400 + hour * 3600 + minute * 60 + second;
}

refusal check_time(std::int64_t signed_at, std::int64_t now, std::int64_t tolerance) noexcept {
    if (exceeds(now, signed_at, tolerance))
        return refusal::too_old;
    if (exceeds(signed_at, now, tolerance))
        return refusal::in_future;
    return refusal::none;
}

} // namespace saas::core::webhook
