// SPDX-License-Identifier: PostgreSQL
#include "core/webauthn/authenticator_data.hpp"

#include <algorithm>

namespace saas::core::webauthn {
namespace {

constexpr std::size_t k_hash_bytes = 32;
constexpr std::size_t k_fixed_bytes = 37; // hash, flags, counter
constexpr std::size_t k_model_bytes = 16;

// Bits 1 and 5 are reserved, and mean nothing yet.
constexpr unsigned k_user_present = 0x01;
constexpr unsigned k_user_verified = 0x04;
constexpr unsigned k_backup_eligible = 0x08;
constexpr unsigned k_backed_up = 0x10;
constexpr unsigned k_has_credential = 0x40;
constexpr unsigned k_has_extensions = 0x80;

std::optional<attested_credential> take_credential(bytes_in &data) noexcept {
    if (data.size() < k_model_bytes + 2)
        return std::nullopt;
    attested_credential out{};
    std::copy_n(data.begin(), k_model_bytes, out.model.begin());
    const std::size_t size =
        static_cast<std::size_t>(data[k_model_bytes]) << 8U | data[k_model_bytes + 1];
    data = data.subspan(k_model_bytes + 2);
    if (size == 0 || size > k_max_credential_id_bytes || data.size() < size)
        return std::nullopt;
    out.id = data.first(size);
    data = data.subspan(size);
    const bytes_in from = data;
    const auto map = take_item(data);
    if (!map || map->kind != cbor_kind::map)
        return std::nullopt;
    out.public_key = from.first(from.size() - data.size());
    out.key_map = *map;
    return out;
}

} // namespace

std::optional<authenticator_data> parse_authenticator_data(bytes_in data) noexcept {
    if (data.size() < k_fixed_bytes)
        return std::nullopt;
    const unsigned flags = data[k_hash_bytes];
    authenticator_data out{data.first(k_hash_bytes),
                           (flags & k_user_present) != 0,
                           (flags & k_user_verified) != 0,
                           (flags & k_backup_eligible) != 0,
                           (flags & k_backed_up) != 0,
                           0,
                           std::nullopt};
    if (out.backed_up && !out.backup_eligible)
        return std::nullopt;
    for (std::size_t i = k_hash_bytes + 1; i < k_fixed_bytes; ++i)
        out.sign_count = out.sign_count << 8U | data[i];
    data = data.subspan(k_fixed_bytes);
    if ((flags & k_has_credential) != 0) {
        out.credential = take_credential(data);
        if (!out.credential)
            return std::nullopt;
    }
    if ((flags & k_has_extensions) != 0) {
        const auto extensions = take_item(data);
        if (!extensions || extensions->kind != cbor_kind::map)
            return std::nullopt;
    }
    return data.empty() ? std::optional{out} : std::nullopt;
}

} // namespace saas::core::webauthn
