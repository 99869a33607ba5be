// SPDX-License-Identifier: PostgreSQL
// Whole numbers as the server stores values of type numeric (PostgreSQL 9.1 and later): base 10000, the highest digit
// first, in the short form that every whole number of 64 bits fits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace saas::core::privacy {

// Room that is enough for any number.
inline constexpr std::size_t k_numeric_room = 12;

// Writes what follows the length word of the value, in the byte order of the machine, without zeros at the end of its
// digits, as the server does. Returns the number of bytes: 2 to 12.
std::size_t write_numeric(std::int64_t number, char *out) noexcept;

} // namespace saas::core::privacy
