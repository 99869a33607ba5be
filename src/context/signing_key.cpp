// SPDX-License-Identifier: PostgreSQL
#include "context/signing_key.hpp"

#include "pg/secret_key.hpp"

namespace saas::context {

std::optional<core::context::signing_key> read_signing_key() {
    const auto found = pg::read_secret_key("context_keys");
    if (!found)
        return std::nullopt;
    return found->key;
}

} // namespace saas::context
