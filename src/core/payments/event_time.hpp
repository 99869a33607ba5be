// SPDX-License-Identifier: PostgreSQL
// Times as providers write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace saas::core::payments {

// A time of RFC 3339 with its offset, "2024-02-29T23:59:60.5+01:00"; seconds may be left out, the offset may be
// without a colon, a fraction has 1 to 9 digits and is rounded to the even microsecond. In microseconds since
// 1970-01-01 UTC. Nothing for what is no such time: another form, a day that there is not, the year 0, an offset of
// 16 hours or more. As the server reads them, :60 is the next minute, and no time is later than 24:00.
[[nodiscard]] std::optional<std::int64_t> read_rfc3339(std::string_view text);

} // namespace saas::core::payments
