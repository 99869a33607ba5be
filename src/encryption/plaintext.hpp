// SPDX-License-Identifier: PostgreSQL
// Values as they are encrypted: text in UTF-8 whatever the database's encoding, jsonb as its text.
#pragma once

#include <cstdint>
#include <span>

#include "pg/prelude.hpp"

namespace saas::encryption {

enum class content { text, bytes, json };

// The bytes to encrypt of a value. Plain frames only.
[[nodiscard]] std::span<const std::uint8_t> plaintext_of(Datum value, content what);

// The value that decrypted bytes stand for. Throws SA101, with the bytes wiped, when they stand for
// none: the server's own error would show them.
[[nodiscard]] Datum value_of(struct varlena *bytes, content what);

} // namespace saas::encryption
