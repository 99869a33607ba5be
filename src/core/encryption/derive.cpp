// SPDX-License-Identifier: PostgreSQL
#include "core/encryption/derive.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "core/error.hpp"
#include "core/sha256.hpp"

#include <algorithm>
#include <memory>
#include <string>

namespace saas::core::encryption {
namespace {

struct free_kdf_context {
    void operator()(EVP_KDF_CTX *context) const noexcept { EVP_KDF_CTX_free(context); }
};

EVP_KDF *hkdf() {
    static EVP_KDF *const algorithm = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
    return algorithm;
}

// OpenSSL takes no null pointer for an empty value.
OSSL_PARAM octets(const char *name, std::span<const std::uint8_t> value) {
    static std::uint8_t nothing = 0;
    void *data = value.empty() ? &nothing : const_cast<std::uint8_t *>(value.data());
    return OSSL_PARAM_construct_octet_string(name, data, value.size());
}

} // namespace

void hkdf_sha256(std::span<const std::uint8_t> key, std::span<const std::uint8_t> salt,
                 std::span<const std::uint8_t> info, std::span<std::uint8_t> out) {
    std::unique_ptr<EVP_KDF_CTX, free_kdf_context> context{EVP_KDF_CTX_new(hkdf())};
    char digest_name[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest_name, 0),
        octets(OSSL_KDF_PARAM_KEY, key), octets(OSSL_KDF_PARAM_SALT, salt),
        octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
    if (context == nullptr ||
        EVP_KDF_derive(context.get(), out.data(), out.size(), parameters) != 1)
        throw error{k_internal_error, "OpenSSL refused HKDF"};
}

secret_key subkey(const secret_key &key, std::string_view label) {
    secret_key out;
    hkdf_sha256(key.bytes(), {}, bytes_of(label), out.bytes());
    return out;
}

std::span<const std::uint8_t> value_key(const secret_key &data_key, algorithm chosen,
                                        secret<64> &out) {
    const std::string label = "pg_saas value " + std::string{name_of(chosen)};
    auto used = out.bytes().first(key_bytes(chosen));
    hkdf_sha256(data_key.bytes(), {}, bytes_of(label), used);
    return used;
}

key_check check_value(const secret_key &key) {
    std::span<const std::uint8_t> parts[] = {bytes_of("kcv")};
    const digest whole = hmac_sha256(key.bytes(), parts);
    key_check out;
    std::copy_n(whole.begin(), out.size(), out.begin());
    return out;
}

} // namespace saas::core::encryption
