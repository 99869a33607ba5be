// SPDX-License-Identifier: PostgreSQL
// Values as the server writes them in ISO style and UTC, without its general formatting, which costs more than
// to search the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace saas::core::privacy {

// Room that is enough for each of the functions below.
inline constexpr std::size_t k_plain_text_room = 40;

// Two small digits a byte.
void write_hexadecimal(std::span<const std::uint8_t> bytes, char *out) noexcept;

// 36 characters. `bytes`: the 16 of the id.
std::size_t write_uuid(const std::uint8_t *bytes, char *out) noexcept;

// YYYY-MM-DD; `days` since 2000-01-01. Returns the length; 0 outside the years 1 to 9999.
std::size_t write_date(std::int64_t days, char *out) noexcept;

// The day that was written last: times of neighbouring rows are often of one day.
struct known_day {
    std::int64_t days = INT64_MIN;
    char text[10] = {};
};

// YYYY-MM-DD hh:mm:ss[.ffffff][+00]; `microseconds` since 2000-01-01, zeros at the end of a fraction left out. Returns the
// length; 0 outside the years 1 to 9999.
std::size_t write_timestamp(std::int64_t microseconds, bool with_zone, known_day &day, char *out) noexcept;
inline std::size_t write_timestamp(std::int64_t microseconds, bool with_zone, char *out) noexcept {
    known_day day;
    return write_timestamp(microseconds, with_zone, day, out);
}

// A number of digits to the base of 10,000, the first of which counts 10,000 to the power of `weight`, with `scale` digits
// behind the point.
struct decimal {
    const char *digits; // `count` numbers of 16 bits, in the processor's order, at any address
    int count;
    int weight;
    int scale;
    bool is_negative;
};
inline constexpr std::size_t k_decimal_room = 128;

// As the server writes it. Returns the length; 0 for one that may need more than k_decimal_room.
std::size_t write_decimal(const decimal &number, char *out) noexcept;

} // namespace saas::core::privacy
