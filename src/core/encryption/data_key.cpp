// SPDX-License-Identifier: PostgreSQL
#include "core/encryption/data_key.hpp"

#include "core/encryption/octets.hpp"
#include "core/error.hpp"

namespace saas::core::encryption {
namespace {

constexpr std::size_t k_longest_kind = 16;

octets identity_bytes(const data_key_identity &identity) {
    if (identity.kind.size() > k_longest_kind)
        throw error{k_internal_error, "a kind of keys has at most 16 letters"};
    octets out;
    out.add("pg_saas data key 1");
    out.add_number(identity.number);
    out.add(identity.tenant);
    out.add_number(static_cast<std::uint16_t>(identity.kind.size()));
    out.add(identity.kind);
    out.add_optional(identity.subject);
    out.add_optional(identity.asset);
    out.add_number(identity.version);
    out.add_number(identity.epoch);
    return out;
}

} // namespace

wrapped_key wrap(aead &cipher, const secret_key &under, std::span<const std::uint8_t> identity,
                 const secret_key &key) {
    constexpr std::size_t k_nonce = nonce_bytes(algorithm::xaes_256_gcm);
    wrapped_key out;
    const auto nonce = std::span{out}.first(k_nonce);
    random_key_bytes(nonce);
    cipher.seal(algorithm::xaes_256_gcm, {under.bytes(), nonce, identity}, key.bytes(),
                std::span{out}.subspan(k_nonce));
    return out;
}

bool unwrap(aead &cipher, const secret_key &under, std::span<const std::uint8_t> identity,
            std::span<const std::uint8_t> wrapped, secret_key &key) {
    constexpr std::size_t k_nonce = nonce_bytes(algorithm::xaes_256_gcm);
    return wrapped.size() == k_wrapped_bytes &&
           cipher.open(algorithm::xaes_256_gcm, {under.bytes(), wrapped.first(k_nonce), identity},
                       wrapped.subspan(k_nonce), key.bytes());
}

wrapped_key wrap_data_key(aead &cipher, const secret_key &under, const data_key_identity &identity,
                          const secret_key &key) {
    return wrap(cipher, under, identity_bytes(identity).bytes(), key);
}

bool unwrap_data_key(aead &cipher, const secret_key &under, const data_key_identity &identity,
                     std::span<const std::uint8_t> wrapped, secret_key &key) {
    return unwrap(cipher, under, identity_bytes(identity).bytes(), wrapped, key);
}

} // namespace saas::core::encryption
