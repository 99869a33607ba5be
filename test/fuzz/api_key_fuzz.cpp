// SPDX-License-Identifier: PostgreSQL
// Texts that somebody presents as an API key: any bytes are read without an error, and a key has
// one text only.
#include "core/credentials/api_key.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace credentials = saas::core::credentials;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char *>(data), size};
    const auto result = credentials::parse_api_key(text);
    if (const auto *key = std::get_if<credentials::api_key>(&result)) {
        if (to_text(*key) != text)
            std::abort();
        return 0;
    }
    // Bytes taken for a key come back whole.
    if (size >= 53) {
        credentials::api_key key{static_cast<credentials::key_mode>(data[0] & 1), {}, {}, {}};
        std::copy_n(data + 1, 16, key.key.begin());
        std::copy_n(data + 17, 16, key.team.begin());
        std::copy_n(data + 33, 20, key.secret.begin());
        const auto again = credentials::parse_api_key(to_text(key));
        if (!std::holds_alternative<credentials::api_key>(again) ||
            std::get<credentials::api_key>(again) != key)
            std::abort();
    }
    return 0;
}
