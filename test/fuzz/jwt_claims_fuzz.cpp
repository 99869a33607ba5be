// SPDX-License-Identifier: PostgreSQL
// Claims from a setting that anyone may have written: any bytes are read without an error, and what is
// read as an identity comes back from the plainest claims that say the same.
#include "core/context/jwt_claims.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

namespace context = saas::core::context;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char *>(data), size};
    auto identity = context::parse_jwt_claims(text);
    if (!identity)
        return 0;
    if (size > context::k_max_claims_bytes)
        std::abort();
    const std::string plain = "{\"sub\":\"" + saas::core::to_text(identity->user) +
                              "\",\"team_id\":\"" + saas::core::to_text(identity->team) + "\"}";
    if (context::parse_jwt_claims(plain) != identity)
        std::abort();
    return 0;
}
