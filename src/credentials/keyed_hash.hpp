// SPDX-License-Identifier: PostgreSQL
// What is stored of a secret: the id of a row of saas.credential_keys and HMAC-SHA256 under its
// key. Who reads the hashes but not the keys can neither try candidates nor make a hash of their
// own.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "pg/prelude.hpp"

namespace saas::credentials {

using keyed_hash = std::array<std::uint8_t, 48>;

// The hash of `text` under the newest key. `kind` keeps the hashes of different kinds of secrets
// apart; it is a word without a zero byte. Throws SA021 when there is no key.
[[nodiscard]] keyed_hash hash_of(std::string_view kind, std::string_view text);

// The same under the key with this id, for what was hashed before a newer key was made. None when the key is gone.
[[nodiscard]] std::optional<keyed_hash> hash_under(const std::array<std::uint8_t, 16> &id,
                                                   std::string_view kind, std::string_view text);

// Whether `stored` is the hash of `text`, in time that does not depend on how much of it is right.
// False when it is no such hash or its key is gone.
[[nodiscard]] bool matches(std::span<const std::uint8_t> stored, std::string_view kind,
                           std::string_view text);

} // namespace saas::credentials
