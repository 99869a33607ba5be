// SPDX-License-Identifier: PostgreSQL
#include "core/jwt/key_material.hpp"

#include <utility>
#include <vector>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "core/error.hpp"

namespace saas::core::jwt {
namespace {

struct builder_free {
    void operator()(OSSL_PARAM_BLD *builder) const noexcept { OSSL_PARAM_BLD_free(builder); }
};
struct parameters_free {
    void operator()(OSSL_PARAM *parameters) const noexcept { OSSL_PARAM_free(parameters); }
};
struct context_free {
    void operator()(EVP_PKEY_CTX *context) const noexcept { EVP_PKEY_CTX_free(context); }
};
struct number_free {
    void operator()(BIGNUM *number) const noexcept { BN_clear_free(number); }
};
using context_pointer = std::unique_ptr<EVP_PKEY_CTX, context_free>;

[[noreturn]] void no_memory() {
    throw error{k_internal_error, "OpenSSL refused to make a key"};
}

const unsigned char *bytes(std::string_view text) noexcept {
    return reinterpret_cast<const unsigned char *>(text.data());
}

// Collects what a key consists of and makes it.
class parts {
public:
    parts() : builder_{OSSL_PARAM_BLD_new()} {
        if (builder_ == nullptr)
            no_memory();
    }

    void number(const char *name, std::string_view big_endian) {
        if (big_endian.empty())
            return;
        std::unique_ptr<BIGNUM, number_free> number{
            BN_bin2bn(bytes(big_endian), static_cast<int>(big_endian.size()), nullptr)};
        if (number == nullptr || OSSL_PARAM_BLD_push_BN(builder_.get(), name, number.get()) != 1)
            no_memory();
        numbers_.push_back(std::move(number)); // the builder refers to it
    }
    void octets(const char *name, std::string_view value) {
        if (OSSL_PARAM_BLD_push_octet_string(builder_.get(), name, value.data(), value.size()) != 1)
            no_memory();
    }
    void text(const char *name, const char *value) {
        if (OSSL_PARAM_BLD_push_utf8_string(builder_.get(), name, value, 0) != 1)
            no_memory();
    }

    // Null when the numbers make no such key, or a public key that a check finds wrong.
    pkey_pointer make(const char *type, bool is_private, bool is_known = false) {
        const std::unique_ptr<OSSL_PARAM, parameters_free> parameters{
            OSSL_PARAM_BLD_to_param(builder_.get())};
        const context_pointer context{EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr)};
        if (parameters == nullptr || context == nullptr ||
            EVP_PKEY_fromdata_init(context.get()) != 1)
            no_memory();
        EVP_PKEY *made = nullptr;
        if (EVP_PKEY_fromdata(context.get(), &made,
                              is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                              parameters.get()) != 1)
            return nullptr;
        pkey_pointer pkey{made};
        if (is_known)
            return pkey;
        const context_pointer check{EVP_PKEY_CTX_new_from_pkey(nullptr, made, nullptr)};
        if (check == nullptr)
            no_memory();
        if (EVP_PKEY_public_check(check.get()) != 1)
            return nullptr;
        return pkey;
    }

private:
    std::unique_ptr<OSSL_PARAM_BLD, builder_free> builder_;
    std::vector<std::unique_ptr<BIGNUM, number_free>> numbers_;
};

} // namespace

error_queue::error_queue() noexcept {
    ERR_set_mark();
}

error_queue::~error_queue() {
    ERR_pop_to_mark();
}

mac_pointer make_hmac(std::string_view secret) {
    static EVP_MAC *const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    char name[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end()};
    mac_pointer context{EVP_MAC_CTX_new(algorithm)};
    if (context == nullptr ||
        EVP_MAC_init(context.get(), bytes(secret), secret.size(), parameters) != 1)
        no_memory();
    return context;
}

pkey_pointer make_rsa(const rsa_numbers &numbers, bool is_known) {
    const error_queue errors;
    parts of;
    of.number(OSSL_PKEY_PARAM_RSA_N, numbers.n);
    of.number(OSSL_PKEY_PARAM_RSA_E, numbers.e);
    of.number(OSSL_PKEY_PARAM_RSA_D, numbers.d);
    of.number(OSSL_PKEY_PARAM_RSA_FACTOR1, numbers.p);
    of.number(OSSL_PKEY_PARAM_RSA_FACTOR2, numbers.q);
    of.number(OSSL_PKEY_PARAM_RSA_EXPONENT1, numbers.dp);
    of.number(OSSL_PKEY_PARAM_RSA_EXPONENT2, numbers.dq);
    of.number(OSSL_PKEY_PARAM_RSA_COEFFICIENT1, numbers.qi);
    return of.make("RSA", !numbers.d.empty(), is_known);
}

pkey_pointer make_p256(std::string_view x, std::string_view y, std::string_view d) {
    const error_queue errors;
    std::string point{'\x04'}; // uncompressed
    point.append(x).append(y);
    parts of;
    of.text(OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1");
    of.octets(OSSL_PKEY_PARAM_PUB_KEY, point);
    of.number(OSSL_PKEY_PARAM_PRIV_KEY, d);
    return of.make("EC", !d.empty());
}

pkey_pointer make_ed25519(std::string_view bytes_of_key, bool is_private) {
    const error_queue errors;
    const auto make = is_private ? EVP_PKEY_new_raw_private_key : EVP_PKEY_new_raw_public_key;
    return pkey_pointer{make(EVP_PKEY_ED25519, nullptr, bytes(bytes_of_key), bytes_of_key.size())};
}

} // namespace saas::core::jwt
