// SPDX-License-Identifier: PostgreSQL
// Looking things up in JSON that came from outside.
//
// Everything here may ereport and allocates in the current memory context: plain frames only.
#pragma once

#include <cstdint>
#include <string_view>

#include "pg/prelude.hpp"

extern "C" {
#include "utils/jsonb.h" // Jsonb
}

namespace saas::pg {

enum class header_state : std::uint8_t { found, missing, ambiguous };

// Finds a header of a request in {"Name": "value", …}: names compare without regard to ASCII case,
// a value is a string or an array of one string. Ambiguous: given several times, in several values,
// or as something that is not a string. `value` points into `headers`.
header_state find_header(Jsonb *headers, const char *name, std::string_view &value);

enum class json_state : std::uint8_t { valid, not_utf8, not_json, too_deep };

inline constexpr int k_max_json_depth = 512; // jsonb itself recurses on the server's stack

// Checks that `text` is one JSON value in UTF-8, and gives the string that the outermost object has
// under `key`: `value` is allocated, in the database's encoding, or null when there is no such
// string. With a key given twice the last one counts, as in jsonb. Raises 22P05 for a string that
// the encoding cannot hold.
json_state find_string(std::string_view text, const char *key, char **value);

} // namespace saas::pg
