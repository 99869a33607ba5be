// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/network.hpp"

#include "core/fraud/operations.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace saas::core::fraud {
namespace {

// A decimal number of at most `most` without leading zeros, taken from the front of `words`.
std::optional<unsigned> take_decimal(std::string_view &words, unsigned most) noexcept {
    std::size_t length = 0;
    unsigned number = 0;
    while (length < words.size() && length < 3 && words[length] >= '0' && words[length] <= '9')
        number = number * 10 + static_cast<unsigned>(words[length++] - '0');
    if (length == 0 || number > most || (length > 1 && words.front() == '0'))
        return std::nullopt;
    words.remove_prefix(length);
    return number;
}

bool parse_v4(std::string_view words, std::uint8_t *four) noexcept {
    for (int i = 0; i < 4; ++i) {
        if (i > 0) {
            if (words.empty() || words.front() != '.')
                return false;
            words.remove_prefix(1);
        }
        auto octet = take_decimal(words, 255);
        if (!octet)
            return false;
        four[i] = static_cast<std::uint8_t>(*octet);
    }
    return words.empty();
}

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// One to four hexadecimal digits from the front of `words`.
std::optional<unsigned> take_group(std::string_view &words) noexcept {
    unsigned group = 0;
    std::size_t length = 0;
    while (length < words.size() && length < 4 && hex_digit(words[length]) >= 0)
        group = group * 16 + static_cast<unsigned>(hex_digit(words[length++]));
    if (length == 0)
        return std::nullopt;
    words.remove_prefix(length);
    return group;
}

// RFC 4291, section 2.2: groups of 16 bits, :: once for a run of zeros, an IPv4 address at the end.
bool parse_v6(std::string_view words, std::array<std::uint8_t, 16> &out) noexcept {
    std::size_t filled = 0;
    std::size_t gap = 17; // where :: stands; 17 for nowhere
    if (words.starts_with("::")) {
        gap = 0;
        words.remove_prefix(2);
    }
    while (!words.empty()) {
        if (filled > 14)
            return false;
        if (filled <= 12 && words.find('.') < words.find(':')) {
            if (!parse_v4(words, &out[filled]))
                return false;
            filled += 4;
            break;
        }
        auto group = take_group(words);
        if (!group)
            return false;
        out[filled++] = static_cast<std::uint8_t>(*group >> 8U);
        out[filled++] = static_cast<std::uint8_t>(*group & 0xFFU);
        if (words.empty())
            break;
        if (words.starts_with("::") && gap == 17) {
            gap = filled;
            words.remove_prefix(2);
        } else if (words.front() == ':' && words.size() > 1 && words[1] != ':') {
            words.remove_prefix(1);
        } else {
            return false;
        }
    }
    if (gap == 17)
        return filled == 16;
    if (filled > 14)
        return false;
    auto moved = out.begin() + static_cast<std::ptrdiff_t>(gap);
    auto end = out.begin() + static_cast<std::ptrdiff_t>(filled);
    std::move_backward(moved, end, out.end());
    std::fill(moved, out.end() - (end - moved), std::uint8_t{0});
    return true;
}

double number_in(const value &a) noexcept {
    return a.type == value_type::integer ? static_cast<double>(a.integer) : a.real;
}

} // namespace

std::optional<network> parse_network(std::string_view words) noexcept {
    network out;
    std::string_view prefix;
    if (std::size_t slash = words.find('/'); slash != std::string_view::npos) {
        prefix = words.substr(slash + 1);
        words = words.substr(0, slash);
        if (prefix.empty())
            return std::nullopt;
    }
    bool v4 = words.find(':') == std::string_view::npos;
    if (v4) {
        out.address[10] = out.address[11] = 0xFF;
        if (!parse_v4(words, &out.address[12]))
            return std::nullopt;
    } else if (!parse_v6(words, out.address)) {
        return std::nullopt;
    }
    if (prefix.empty())
        return out;
    auto bits = take_decimal(prefix, v4 ? 32 : 128);
    if (!bits || !prefix.empty())
        return std::nullopt;
    return shortened(out, static_cast<std::uint8_t>(*bits + (v4 ? 96 : 0)));
}

network shortened(const network &whole, std::uint8_t prefix) noexcept {
    network out = whole;
    out.prefix = std::min(whole.prefix, prefix);
    for (unsigned i = 0; i < 16; ++i) {
        unsigned kept = out.prefix > i * 8U ? std::min(out.prefix - i * 8U, 8U) : 0U;
        out.address[i] = static_cast<std::uint8_t>(out.address[i] & (0xFF00U >> kept));
    }
    return out;
}

bool contains(const network &outer, const network &inner) noexcept {
    return inner.prefix >= outer.prefix &&
           shortened(inner, outer.prefix).address == outer.address;
}

value cidr_match(const value &ip, const value &net) noexcept {
    if (value found = obstacle(ip, net); found.type != value_type::none)
        return found;
    if (ip.type != value_type::text || net.type != value_type::text)
        return value::failed(failure_kind::type_mismatch);
    auto inner = parse_network(ip.view());
    auto outer = parse_network(net.view());
    if (!inner || !outer)
        return value::failed(failure_kind::type_mismatch);
    return value::of(contains(*outer, *inner));
}

value distance_km(const value &latitude_a, const value &longitude_a, const value &latitude_b,
                  const value &longitude_b) noexcept {
    const value given[] = {to_number(latitude_a), to_number(longitude_a), to_number(latitude_b),
                           to_number(longitude_b)};
    value found = obstacle(obstacle(given[0], given[1]), obstacle(given[2], given[3]));
    if (found.type != value_type::none)
        return found;
    double radians[4];
    for (std::size_t i = 0; i < 4; ++i) {
        double degrees = number_in(given[i]);
        if (!(std::fabs(degrees) <= (i % 2 == 0 ? 90.0 : 180.0)))
            return value::failed(failure_kind::out_of_range);
        radians[i] = degrees * std::numbers::pi / 180.0;
    }
    double half_latitude = std::sin((radians[2] - radians[0]) / 2);
    double half_longitude = std::sin((radians[3] - radians[1]) / 2);
    double h = half_latitude * half_latitude +
               std::cos(radians[0]) * std::cos(radians[2]) * half_longitude * half_longitude;
    return value::of(2 * 6371.0088 * std::asin(std::min(1.0, std::sqrt(h))));
}

} // namespace saas::core::fraud
