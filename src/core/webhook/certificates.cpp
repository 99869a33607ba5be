// SPDX-License-Identifier: PostgreSQL
#include "core/webhook/certificates.hpp"

#include "core/error.hpp"
#include "core/sha256.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace saas::core::webhook {
namespace {

struct release {
    void operator()(BIO *p) const noexcept { BIO_free(p); }
    void operator()(X509_STORE *p) const noexcept { X509_STORE_free(p); }
    void operator()(X509_STORE_CTX *p) const noexcept { X509_STORE_CTX_free(p); }
    void operator()(EVP_MD_CTX *p) const noexcept { EVP_MD_CTX_free(p); }
    void operator()(STACK_OF(X509) * p) const noexcept { sk_X509_free(p); } // not what it holds
};
template <typename T>
using owned = std::unique_ptr<T, release>;

// OpenSSL keeps its errors in a queue of the thread, where the server's own use of it would find
// them.
struct quiet {
    ~quiet() { ERR_clear_error(); }
};

template <typename T>
owned<T> require(T *pointer) {
    if (pointer == nullptr)
        throw error{"53200", "out of memory"};
    return owned<T>{pointer};
}

} // namespace

std::vector<certificate> read_certificates(bytes pem) {
    std::vector<certificate> result;
    if (pem.empty() || pem.size() > k_max_pem_bytes)
        return result;
    const quiet guard;
    const auto source = require(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    // A callback that gives no passphrase: there is nobody to ask for one.
    pem_password_cb *no_passphrase = [](char *, int, int, void *) { return -1; };
    while (result.size() < k_max_certificates) {
        certificate next{PEM_read_bio_X509_AUX(source.get(), nullptr, no_passphrase, nullptr)};
        if (!next)
            break;
        result.push_back(std::move(next));
    }
    return result;
}

bool is_trusted(X509 *leaf, std::span<const certificate> intermediates,
                std::span<const certificate> trusted, const char *host, std::int64_t time) {
    const quiet guard;
    if (X509_check_host(leaf, host, 0, X509_CHECK_FLAG_NO_WILDCARDS, nullptr) != 1)
        return false;
    const auto store = require(X509_STORE_new());
    for (const certificate &anchor : trusted) {
        if (X509_STORE_add_cert(store.get(), anchor.get()) != 1)
            throw error{"53200", "out of memory"};
    }
    const auto chain = require(sk_X509_new_null());
    for (const certificate &link : intermediates) {
        if (sk_X509_push(chain.get(), link.get()) == 0)
            throw error{"53200", "out of memory"};
    }
    const auto context = require(X509_STORE_CTX_new());
    if (X509_STORE_CTX_init(context.get(), store.get(), leaf, chain.get()) != 1)
        throw error{"53200", "out of memory"};
    // What is trusted may be an intermediate authority, not only a root.
    X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_PARTIAL_CHAIN);
    X509_STORE_CTX_set_time(context.get(), 0, static_cast<time_t>(time));
    X509_VERIFY_PARAM_set_purpose(X509_STORE_CTX_get0_param(context.get()),
                                  X509_PURPOSE_SSL_SERVER);
    return X509_verify_cert(context.get()) == 1;
}

bool verify_rsa_sha256(X509 *signer, std::string_view message, bytes signature) {
    const quiet guard;
    EVP_PKEY *key = X509_get0_pubkey(signer);
    if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA ||
        EVP_PKEY_get_bits(key) < 2048)
        return false;
    const auto context = require(EVP_MD_CTX_new());
    bytes text = bytes_of(message);
    // The default padding of an RSA key is that of PKCS #1 v1.5.
    return EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
           EVP_DigestVerify(context.get(), signature.data(), signature.size(), text.data(),
                            text.size()) == 1;
}

} // namespace saas::core::webhook
