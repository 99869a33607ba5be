// SPDX-License-Identifier: PostgreSQL
// Key sets: any text is SA119 or a set whose keys can be used or say why not; those that can take a
// signature of any bytes without an error, and none of them takes a forged one.
#include "core/jwt/key_set.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/error.hpp"

namespace jwt = saas::core::jwt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char *>(data), size};
    try {
        const jwt::key_set set = jwt::parse_key_set(text);
        for (const jwt::key &key : set.keys) {
            if (key.signs.has_value() != key.problem.empty())
                std::abort();
            if (key.signs && jwt::verify_signature(key, "input", text.substr(0, 64)))
                std::abort();
        }
        (void)jwt::describe_key(text);
        (void)jwt::sign(jwt::parse_signing_key(text), "input");
    } catch (const saas::core::error &e) {
        if (e.state().code() != "SA119")
            std::abort();
    }
    return 0;
}
