// SPDX-License-Identifier: PostgreSQL
// An authenticator and a browser for tests: they make credentials and prove them, with OpenSSL's
// keys.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "core/jwt/base64url.hpp"
#include "core/jwt/key_material.hpp"
#include "core/sha256.hpp"

namespace saas::authenticator {

inline std::string head(unsigned major, std::size_t number) {
    std::string out;
    const auto byte = [&](std::size_t value) { out.push_back(static_cast<char>(value & 0xff)); };
    if (number < 24) {
        byte(major << 5U | number);
    } else if (number < 256) {
        byte(major << 5U | 24U);
        byte(number);
    } else {
        byte(major << 5U | 25U);
        byte(number >> 8U);
        byte(number);
    }
    return out;
}
inline std::string number(long value) {
    return value >= 0 ? head(0, static_cast<std::size_t>(value))
                      : head(1, static_cast<std::size_t>(-1 - value));
}
inline std::string bytes(const std::string &value) {
    return head(2, value.size()) + value;
}
inline std::string text(const std::string &value) {
    return head(3, value.size()) + value;
}
inline std::string map(std::size_t pairs, const std::string &content) {
    return head(5, pairs) + content;
}

inline std::string base64url(const std::string &value) {
    return core::jwt::to_base64url(core::bytes_of(value));
}
inline std::string hash(const std::string &value) {
    const core::digest out = core::sha256(core::bytes_of(value));
    return {reinterpret_cast<const char *>(out.data()), out.size()};
}

enum class kind { es256, eddsa, rs256 };

struct device {
    kind of = kind::es256;
    core::jwt::pkey_pointer key;
    std::string id = "credential number one";
    std::string relying_party = "example.org";
    std::string origin = "https://example.org";
    std::string more_client_data; // ",\"name\":value"
    unsigned flags = 0x01;        // user present
    std::uint32_t counter = 0;

    explicit device(kind which) : of{which} {
        const core::jwt::error_queue errors;
        key.reset(which == kind::es256 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")
                  : which == kind::eddsa
                      ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                      : EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048}));
    }

    [[nodiscard]] std::string number_of_key(const char *name, std::size_t size) const {
        BIGNUM *value = nullptr;
        EVP_PKEY_get_bn_param(key.get(), name, &value);
        std::string out(size == 0 ? static_cast<std::size_t>(BN_num_bytes(value)) : size, '\0');
        BN_bn2binpad(value, reinterpret_cast<unsigned char *>(out.data()),
                     static_cast<int>(out.size()));
        BN_free(value);
        return out;
    }
    // COSE_Key.
    [[nodiscard]] std::string public_key() const {
        if (of == kind::rs256)
            return map(4, number(1) + number(3) + number(3) + number(-257) + number(-1) +
                              bytes(number_of_key(OSSL_PKEY_PARAM_RSA_N, 0)) + number(-2) +
                              bytes(number_of_key(OSSL_PKEY_PARAM_RSA_E, 0)));
        if (of == kind::es256)
            return map(5, number(1) + number(2) + number(3) + number(-7) + number(-1) + number(1) +
                              number(-2) + bytes(number_of_key(OSSL_PKEY_PARAM_EC_PUB_X, 32)) +
                              number(-3) + bytes(number_of_key(OSSL_PKEY_PARAM_EC_PUB_Y, 32)));
        std::string raw(32, '\0');
        std::size_t size = raw.size();
        EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char *>(raw.data()),
                                    &size);
        return map(4, number(1) + number(1) + number(3) + number(-8) + number(-1) + number(6) +
                          number(-2) + bytes(raw));
    }
    [[nodiscard]] std::string sign(const std::string &input) const {
        const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                              EVP_MD_CTX_free};
        std::string out(1024, '\0');
        std::size_t size = out.size();
        EVP_DigestSignInit(context.get(), nullptr, of == kind::eddsa ? nullptr : EVP_sha256(),
                           nullptr, key.get());
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char *>(out.data()), &size,
                       reinterpret_cast<const unsigned char *>(input.data()), input.size());
        out.resize(size);
        return out;
    }

    [[nodiscard]] std::string authenticator_data(unsigned more_flags,
                                                 const std::string &rest) const {
        std::string out = hash(relying_party);
        out.push_back(static_cast<char>(flags | more_flags));
        for (int shift = 24; shift >= 0; shift -= 8)
            out.push_back(static_cast<char>(counter >> static_cast<unsigned>(shift) & 0xff));
        return out + rest;
    }
    [[nodiscard]] std::string new_credential() const {
        std::string out(16, '\x11');
        out.push_back(static_cast<char>(id.size() >> 8U));
        out.push_back(static_cast<char>(id.size() & 0xff));
        return authenticator_data(0x40, out + id + public_key());
    }
    [[nodiscard]] std::string client_data(const std::string &type,
                                          const std::string &challenge) const {
        return R"({"type":")" + type + R"(","challenge":")" + base64url(challenge) +
               R"(","origin":")" + origin + "\"" + more_client_data + "}";
    }
    [[nodiscard]] std::string wrapped(const std::string &response) const {
        return R"({"id":")" + base64url(id) + R"(","rawId":")" + base64url(id) +
               R"(","type":"public-key","response":{)" + response +
               R"(},"clientExtensionResults":{}})";
    }

    // PublicKeyCredential.toJSON() of a registration, out of its parts.
    [[nodiscard]] std::string registration_of(const std::string &client,
                                              const std::string &object) const {
        return wrapped(R"("clientDataJSON":")" + base64url(client) + R"(","attestationObject":")" +
                       base64url(object) + R"(","transports":["usb","nfc","smoke"])");
    }
    [[nodiscard]] std::string attestation_object(const std::string &format,
                                                 const std::string &statement,
                                                 const std::string &data) const {
        return map(3, text("fmt") + text(format) + text("attStmt") + statement + text("authData") +
                          bytes(data));
    }
    [[nodiscard]] std::string register_with_none(const std::string &challenge) const {
        return registration_of(client_data("webauthn.create", challenge),
                               attestation_object("none", map(0, ""), new_credential()));
    }
    [[nodiscard]] std::string self_attested(const std::string &client) const {
        const std::string data = new_credential();
        const long algorithm = of == kind::es256 ? -7 : of == kind::eddsa ? -8 : -257;
        return attestation_object("packed",
                                  map(2, text("alg") + number(algorithm) + text("sig") +
                                             bytes(sign(data + hash(client)))),
                                  data);
    }

    // The same of an authentication.
    [[nodiscard]] std::string assertion_of(const std::string &client, const std::string &data,
                                           const std::string &signature) const {
        return wrapped(R"("clientDataJSON":")" + base64url(client) + R"(","authenticatorData":")" +
                       base64url(data) + R"(","signature":")" + base64url(signature) +
                       R"(","userHandle":")" + base64url("a user") + "\"");
    }
    [[nodiscard]] std::string assert_for(const std::string &challenge) const {
        const std::string client = client_data("webauthn.get", challenge);
        const std::string data = authenticator_data(0, "");
        return assertion_of(client, data, sign(data + hash(client)));
    }
};

} // namespace saas::authenticator
