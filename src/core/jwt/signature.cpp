// SPDX-License-Identifier: PostgreSQL
#include "core/jwt/key.hpp"

#include <array>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "core/jwt/errors.hpp"
#include "core/jwt/key_material.hpp"
#include "core/sha256.hpp"

namespace saas::core::jwt {
namespace {

constexpr std::size_t k_ecdsa_half = 32;              // bytes of r and of s (RFC 7518, section 3.4)
constexpr std::size_t k_ed25519_signature_bytes = 64; // RFC 8032, section 5.1.6

struct digest_context_free {
    void operator()(EVP_MD_CTX *context) const noexcept { EVP_MD_CTX_free(context); }
};
using digest_context = std::unique_ptr<EVP_MD_CTX, digest_context_free>;

struct ecdsa_free {
    void operator()(ECDSA_SIG *signature) const noexcept { ECDSA_SIG_free(signature); }
};
using ecdsa_pointer = std::unique_ptr<ECDSA_SIG, ecdsa_free>;

[[noreturn]] void refused() {
    throw error{k_internal_error, "OpenSSL refused a signature"};
}

[[noreturn]] void bad_pair() {
    throw error{k_unusable_key,
                "the halves of the key do not belong together",
                {},
                "Give the JWK as it was made, with all members of its private half."};
}

const unsigned char *bytes(std::string_view text) noexcept {
    return reinterpret_cast<const unsigned char *>(text.data());
}

// Ed25519 hashes by itself.
const EVP_MD *digest_of(algorithm value) {
    static const EVP_MD *const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return value == algorithm::eddsa ? nullptr : sha256;
}

// r and s as DER, which OpenSSL takes; empty when it has no memory.
std::string to_der(std::string_view r_and_s) {
    const ecdsa_pointer signature{ECDSA_SIG_new()};
    BIGNUM *r = BN_bin2bn(bytes(r_and_s), k_ecdsa_half, nullptr);
    BIGNUM *s = BN_bin2bn(bytes(r_and_s) + k_ecdsa_half, k_ecdsa_half, nullptr);
    if (signature == nullptr || ECDSA_SIG_set0(signature.get(), r, s) != 1) {
        BN_free(r);
        BN_free(s);
        refused();
    }
    std::array<unsigned char, 2 * k_ecdsa_half + 8> der{};
    unsigned char *end = der.data();
    const int length = i2d_ECDSA_SIG(signature.get(), &end);
    if (length <= 0)
        refused();
    return {reinterpret_cast<const char *>(der.data()), static_cast<std::size_t>(length)};
}

std::string from_der(const std::string &der) {
    const unsigned char *at = bytes(der);
    const ecdsa_pointer signature{d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()))};
    std::string out(2 * k_ecdsa_half, '\0');
    auto *half = reinterpret_cast<unsigned char *>(out.data());
    if (signature == nullptr ||
        BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), half, k_ecdsa_half) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), half + k_ecdsa_half, k_ecdsa_half) < 0)
        refused();
    return out;
}

digest hmac(const key_material &material, std::string_view input) {
    const mac_pointer context{EVP_MAC_CTX_dup(material.mac.get())};
    digest out{};
    std::size_t length = 0;
    if (context == nullptr || EVP_MAC_update(context.get(), bytes(input), input.size()) != 1 ||
        EVP_MAC_final(context.get(), out.data(), &length, out.size()) != 1)
        refused();
    return out;
}

bool verify_with(EVP_PKEY *pkey, algorithm value, std::string_view input,
                 std::string_view signature) {
    const digest_context context{EVP_MD_CTX_new()};
    if (context == nullptr ||
        EVP_DigestVerifyInit(context.get(), nullptr, digest_of(value), nullptr, pkey) != 1)
        refused();
    return EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(input),
                            input.size()) == 1;
}

std::string sign_with(EVP_PKEY *pkey, algorithm value, std::string_view input) {
    const digest_context context{EVP_MD_CTX_new()};
    std::size_t length = 0;
    if (context == nullptr ||
        EVP_DigestSignInit(context.get(), nullptr, digest_of(value), nullptr, pkey) != 1 ||
        EVP_DigestSign(context.get(), nullptr, &length, bytes(input), input.size()) != 1)
        refused();
    std::string out(length, '\0');
    if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char *>(out.data()), &length,
                       bytes(input), input.size()) != 1)
        bad_pair(); // the library verifies what it signs with RSA
    out.resize(length);
    return out;
}

} // namespace

bool verify_signature(const key &with, std::string_view input, std::string_view signature) {
    const error_queue errors;
    EVP_PKEY *pkey = with.material->pkey.get();
    switch (*with.signs) {
    case algorithm::hs256:
        return equal_constant_time(hmac(*with.material, input), bytes_of(signature));
    case algorithm::rs256:
        return signature.size() == static_cast<std::size_t>(EVP_PKEY_get_size(pkey)) &&
               verify_with(pkey, algorithm::rs256, input, signature);
    case algorithm::es256:
        return signature.size() == 2 * k_ecdsa_half &&
               verify_with(pkey, algorithm::es256, input, to_der(signature));
    case algorithm::eddsa:
        return signature.size() == k_ed25519_signature_bytes &&
               verify_with(pkey, algorithm::eddsa, input, signature);
    }
    return false;
}

std::string sign(const key &with, std::string_view input) {
    const error_queue errors;
    std::string signature;
    if (*with.signs == algorithm::hs256) {
        const digest mac = hmac(*with.material, input);
        signature.assign(reinterpret_cast<const char *>(mac.data()), mac.size());
    } else {
        signature = sign_with(with.material->pkey.get(), *with.signs, input);
        if (*with.signs == algorithm::es256)
            signature = from_der(signature);
    }
    if (!verify_signature(with, input, signature))
        bad_pair();
    return signature;
}

} // namespace saas::core::jwt
