// SPDX-License-Identifier: PostgreSQL
// Tokens that prove who somebody is: only their SHA-256 is ever stored.
#include <array>
#include <string>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "pg/boundary.hpp"

#include "pg/prelude.hpp"

extern "C" {
#include "utils/builtins.h" // cstring_to_text_with_len
}

using namespace saas; // NOLINT: entry points only

SAAS_FUNCTION(saas_random_token) {
    std::array<std::uint8_t, 32> random;
    if (!pg_strong_random(random.data(), random.size()))
        throw core::error{core::k_internal_error, "could not generate random bytes"};
    std::string digits = core::to_hex(random);
    return pg::call([&] {
        return PointerGetDatum(
            cstring_to_text_with_len(digits.data(), static_cast<int>(digits.size())));
    });
}
