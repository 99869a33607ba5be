// SPDX-License-Identifier: PostgreSQL
// Values as the server writes them in ISO style and UTC, without its general formatting, which costs more than
// to search the text.
#pragma once

#include <cstddef>
#include <cstdint>

namespace saas::core::privacy {

// Room that is enough for each of the functions below.
inline constexpr std::size_t k_plain_text_room = 40;

// 36 characters. `bytes`: the 16 of the id.
std::size_t write_uuid(const std::uint8_t *bytes, char *out) noexcept;

// YYYY-MM-DD; `days` since 2000-01-01. Returns the length; 0 outside the years 1 to 9999.
std::size_t write_date(std::int64_t days, char *out) noexcept;

// YYYY-MM-DD hh:mm:ss[.ffffff][+00]; `microseconds` since 2000-01-01, zeros at the end of a fraction left out. Returns the
// length; 0 outside the years 1 to 9999.
std::size_t write_timestamp(std::int64_t microseconds, bool with_zone, char *out) noexcept;

} // namespace saas::core::privacy
