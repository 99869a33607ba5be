// SPDX-License-Identifier: PostgreSQL
// Keys as OpenSSL holds them.
#pragma once

#include <memory>
#include <string>

#include <openssl/evp.h>

#include "core/jwt/key.hpp"

namespace saas::core::jwt {

struct pkey_free {
    void operator()(EVP_PKEY *pkey) const noexcept { EVP_PKEY_free(pkey); }
};
struct mac_context_free {
    void operator()(EVP_MAC_CTX *context) const noexcept { EVP_MAC_CTX_free(context); }
};
using mac_pointer = std::unique_ptr<EVP_MAC_CTX, mac_context_free>;
using pkey_pointer = std::unique_ptr<EVP_PKEY, pkey_free>;

struct key_material {
    mac_pointer mac;   // of HMAC: begun with the secret, to be copied for each use
    pkey_pointer pkey; // of the others
};

// Keeps the library's errors from piling up behind a refusal, where the server's own use of the
// library could find them.
class error_queue {
public:
    error_queue() noexcept;
    ~error_queue();
    error_queue(const error_queue &) = delete;
    error_queue &operator=(const error_queue &) = delete;
};

// HMAC with SHA-256 under this secret. The library wipes its copy. Throws core::error XX000.
[[nodiscard]] mac_pointer make_hmac(std::string_view secret);

// The public key, or the pair, as integers in big-endian order without leading zeros. Each gives
// null when the library finds the numbers wrong; core::error XX000 when it has no memory.
struct rsa_numbers {
    std::string_view n, e;                // always
    std::string_view d, p, q, dp, dq, qi; // the private half, or all empty
};
// Whether the modulus of a public RSA key is composite takes milliseconds to find out: `is_known`
// leaves it out for a key that was found right before.
[[nodiscard]] pkey_pointer make_rsa(const rsa_numbers &numbers, bool is_known = false);
// 32 bytes each; `d` is empty for a public key. The point must lie on P-256.
[[nodiscard]] pkey_pointer make_p256(std::string_view x, std::string_view y, std::string_view d);
// 32 bytes: the public key, or the seed when `is_private`.
[[nodiscard]] pkey_pointer make_ed25519(std::string_view bytes, bool is_private);

} // namespace saas::core::jwt
