// SPDX-License-Identifier: PostgreSQL
// LIKE patterns: any bytes match or do not, without reading beyond their end; % alone matches all,
// and a text matches itself when each of its characters is escaped.
#include "core/access/wildcard.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace subject = saas::core::access;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view input{reinterpret_cast<const char *>(data), size};
    const std::size_t split = std::min(input.find('\0'), size);
    const std::string text{input.substr(0, split)};
    const std::string pattern{input.substr(std::min(split + 1, size))};
    std::string itself;
    for (char byte : text)
        itself += {'\\', byte};
    for (subject::character_length length : {subject::single_byte_length, subject::utf8_length}) {
        const bool found = subject::matches(text, pattern, length, saas::core::cancel_poll{});
        if (found && !subject::is_valid_pattern(pattern))
            std::abort();
        if (!subject::matches(text, "%", length, saas::core::cancel_poll{}))
            std::abort();
    }
    if (!subject::matches(text, itself, subject::single_byte_length, saas::core::cancel_poll{}))
        std::abort();
    return 0;
}
