// SPDX-License-Identifier: PostgreSQL
#include "core/sha256.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "core/error.hpp"

#include <algorithm>
#include <memory>

namespace saas::core {
namespace {

[[noreturn]] void refused(const char *what) {
    throw error{k_internal_error, std::string{"OpenSSL refused "} + what};
}

// The algorithm is fetched once; a fetch per call costs more than hashing a kilobyte.
EVP_MAC *hmac_algorithm() {
    static EVP_MAC *const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    return algorithm;
}

const EVP_MD *sha256_algorithm() {
    static const EVP_MD *const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return algorithm;
}

EVP_MD_CTX *context_of(void *hasher) {
    return static_cast<EVP_MD_CTX *>(hasher);
}

struct mac_context_free {
    void operator()(EVP_MAC_CTX *context) const noexcept { EVP_MAC_CTX_free(context); }
};
using mac_context = std::unique_ptr<EVP_MAC_CTX, mac_context_free>;

// HMAC over SHA-256 without a key: naming the digest makes the library look it up, which costs more than
// signing. Copies take the keys, so that none stays here.
const EVP_MAC_CTX *keyless_hmac() {
    static const mac_context prepared = [] {
        mac_context made{EVP_MAC_CTX_new(hmac_algorithm())};
        char name[] = "SHA256";
        const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", name, 0),
                                         OSSL_PARAM_construct_end()};
        if (made == nullptr || EVP_MAC_CTX_set_params(made.get(), parameters) != 1)
            refused("HMAC-SHA256");
        return made;
    }();
    return prepared.get();
}

} // namespace

digest sha256(std::span<const std::uint8_t> data) {
    digest out{};
    unsigned length = 0;
    if (EVP_Digest(data.data(), data.size(), out.data(), &length, sha256_algorithm(), nullptr) != 1)
        refused("SHA-256");
    return out;
}

sha256_hasher::sha256_hasher() : context_{EVP_MD_CTX_new()} {
    if (context_ == nullptr ||
        EVP_DigestInit_ex(context_of(context_), sha256_algorithm(), nullptr) != 1)
        refused("SHA-256");
}

sha256_hasher::~sha256_hasher() {
    EVP_MD_CTX_free(context_of(context_));
}

void sha256_hasher::begin() {
    if (EVP_DigestInit_ex(context_of(context_), nullptr, nullptr) != 1) // the same algorithm again
        refused("SHA-256");
}

void sha256_hasher::add(std::span<const std::uint8_t> data) {
    if (EVP_DigestUpdate(context_of(context_), data.data(), data.size()) != 1)
        refused("SHA-256");
}

digest sha256_hasher::end() {
    digest out{};
    if (EVP_DigestFinal_ex(context_of(context_), out.data(), nullptr) != 1)
        refused("SHA-256");
    return out;
}

digest hmac_sha256(std::span<const std::uint8_t> key,
                   std::span<const std::span<const std::uint8_t>> parts) {
    const mac_context context{EVP_MAC_CTX_dup(keyless_hmac())};
    static const std::uint8_t nothing = 0; // a null key means "keep the old one" to OpenSSL
    const std::uint8_t *key_data = key.empty() ? &nothing : key.data();
    if (context == nullptr ||
        EVP_MAC_init(context.get(), key_data, key.size(), nullptr) != 1)
        refused("HMAC-SHA256");
    for (auto part : parts) {
        if (EVP_MAC_update(context.get(), part.data(), part.size()) != 1)
            refused("HMAC-SHA256");
    }
    digest out{};
    std::size_t length = 0;
    if (EVP_MAC_final(context.get(), out.data(), &length, out.size()) != 1)
        refused("HMAC-SHA256");
    return out;
}

bool equal_constant_time(std::span<const std::uint8_t> a,
                         std::span<const std::uint8_t> b) noexcept {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string to_base64(std::span<const std::uint8_t> data) {
    std::string out((data.size() + 2) / 3 * 4 + 1, '\0'); // the library ends it with a zero byte
    const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char *>(out.data()), data.data(),
                                       static_cast<int>(data.size()));
    out.resize(static_cast<std::size_t>(length));
    return out;
}

bool from_base64(std::string_view text, std::span<std::uint8_t> out) {
    if (text.size() != (out.size() + 2) / 3 * 4)
        return false;
    std::string decoded(text.size() / 4 * 3, '\0');
    const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char *>(decoded.data()),
                                       reinterpret_cast<const unsigned char *>(text.data()),
                                       static_cast<int>(text.size()));
    if (length < 0 || static_cast<std::size_t>(length) < out.size())
        return false;
    std::copy_n(decoded.begin(), out.size(), out.begin());
    return to_base64(out) == text;
}

std::string to_hex(std::span<const std::uint8_t> data) {
    static constexpr char k_digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(data.size() * 2);
    for (std::uint8_t byte : data) {
        out.push_back(k_digits[byte >> 4]);
        out.push_back(k_digits[byte & 15]);
    }
    return out;
}

bool from_hex(std::string_view text, std::span<std::uint8_t> out) noexcept {
    if (text.size() != out.size() * 2)
        return false;
    auto value = [](char c) -> int {
        if (c >= '0' && c <= '9')
            return c - '0';
        if (c >= 'a' && c <= 'f')
            return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
            return c - 'A' + 10;
        return -1;
    };
    for (std::size_t i = 0; i < out.size(); ++i) {
        int high = value(text[2 * i]);
        int low = value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return true;
}

} // namespace saas::core
