// SPDX-License-Identifier: PostgreSQL
#include "core/jwt/key.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <openssl/crypto.h>

#include "core/jwt/base64url.hpp"
#include "core/jwt/key_material.hpp"
#include "core/jwt/strict_json.hpp"
#include "core/sha256.hpp"

namespace saas::core::jwt {
namespace {

namespace json = boost::json;

constexpr std::size_t k_coordinate_bytes = 32; // of P-256, and of Ed25519
constexpr std::size_t k_max_number_bytes = k_max_rsa_bits / 8;
constexpr std::uint64_t k_min_exponent = 65537;

// Why a key cannot be used, in words that follow "the key".
struct unusable {
    std::string problem;
};

// A decoded member, wiped when it goes: it may be a private number.
struct octets {
    std::string value;

    octets() = default;
    explicit octets(std::string bytes) : value{std::move(bytes)} {}
    octets(octets &&) = default;
    octets &operator=(octets &&) = default;
    ~octets() { OPENSSL_cleanse(value.data(), value.size()); }
};

std::optional<std::string_view> text_member(const json::object &jwk, std::string_view name) {
    bool wrong = false;
    const json::string *text = string_member(jwk, name, wrong);
    if (wrong)
        throw unusable{"has a member " + std::string{name} + " that is no string"};
    return text == nullptr ? std::nullopt : std::optional{view(*text)};
}

octets octets_member(const json::object &jwk, std::string_view name, std::size_t longest) {
    auto text = text_member(jwk, name);
    if (!text)
        throw unusable{"has no member " + std::string{name}};
    if (text->size() > longest / 3 * 4 + 4)
        throw unusable{"is too large"};
    auto bytes = from_base64url(*text);
    if (!bytes)
        throw unusable{"has a member " + std::string{name} + " that is not base64url"};
    return octets{*std::move(bytes)};
}

octets coordinate(const json::object &jwk, std::string_view name) {
    octets bytes = octets_member(jwk, name, k_coordinate_bytes);
    if (bytes.value.size() != k_coordinate_bytes)
        throw unusable{"has a member " + std::string{name} + " that is not 32 bytes long"};
    return bytes;
}

// Base64urlUInt of RFC 7518, section 2: no more bytes than the number needs.
octets number(const json::object &jwk, std::string_view name) {
    octets bytes = octets_member(jwk, name, k_max_number_bytes);
    if (bytes.value.empty() || bytes.value.front() == '\0')
        throw unusable{"has a member " + std::string{name} +
                       " that is not a number in its shortest form"};
    return bytes;
}

int bits_of(const std::string &number) noexcept {
    int bits = static_cast<int>(number.size()) * 8;
    for (auto first = static_cast<std::uint8_t>(number[0]); first < 128;
         first = static_cast<std::uint8_t>(first << 1))
        --bits;
    return bits;
}

void check_rsa_size(const std::string &modulus, const std::string &exponent) {
    if (bits_of(modulus) < k_min_rsa_bits)
        throw unusable{"has an RSA modulus of fewer than 2048 bits"};
    if (bits_of(modulus) > k_max_rsa_bits)
        throw unusable{"has an RSA modulus of more than 4096 bits"};
    std::uint64_t value = 0;
    if (exponent.size() <= 4) {
        for (char byte : exponent)
            value = value << 8 | static_cast<std::uint8_t>(byte);
    }
    if (value < k_min_exponent || value % 2 == 0)
        throw unusable{"has an RSA exponent that is not an odd number from 65537 to 4294967295"};
}

void read_rsa(const json::object &jwk, purpose use, key_material &material) {
    const octets n = number(jwk, "n");
    const octets e = number(jwk, "e");
    check_rsa_size(n.value, e.value);
    std::array<octets, 6> half;
    if (use == purpose::sign) {
        constexpr std::array<const char *, 6> k_names{"d", "p", "q", "dp", "dq", "qi"};
        if (jwk.contains("oth"))
            throw unusable{"has more than two prime factors"};
        for (std::size_t i = 0; i < half.size(); ++i)
            half[i] = number(jwk, k_names[i]);
    }
    material.pkey = make_rsa({n.value, e.value, half[0].value, half[1].value, half[2].value,
                              half[3].value, half[4].value, half[5].value});
    if (material.pkey == nullptr)
        throw unusable{"is no RSA key"};
}

void read_ec(const json::object &jwk, purpose use, key_material &material) {
    if (text_member(jwk, "crv") != "P-256")
        throw unusable{"is on a curve other than P-256"};
    const octets x = coordinate(jwk, "x");
    const octets y = coordinate(jwk, "y");
    const octets d = use == purpose::sign ? coordinate(jwk, "d") : octets{};
    material.pkey = make_p256(x.value, y.value, d.value);
    if (material.pkey == nullptr)
        throw unusable{"is no point on the curve"};
}

// Whether this is a point whose order divides 8, in any of its encodings: under such a key one signature
// fits every message, or every eighth (RFC 8032, section 5.1; the sign of x makes no difference).
bool has_small_order(std::string_view point) {
    constexpr std::array<std::string_view, 7> k_points{
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
    std::string y{point};
    y.back() = static_cast<char>(y.back() & 0x7f);
    return std::ranges::count(k_points, to_hex(bytes_of(y))) != 0;
}

void read_okp(const json::object &jwk, purpose use, key_material &material) {
    if (text_member(jwk, "crv") != "Ed25519")
        throw unusable{"is on a curve other than Ed25519"};
    const octets x = coordinate(jwk, "x");
    const octets d = use == purpose::sign ? coordinate(jwk, "d") : octets{};
    if (has_small_order(x.value))
        throw unusable{"is a point of small order"};
    material.pkey = make_ed25519(use == purpose::sign ? d.value : x.value, use == purpose::sign);
    if (material.pkey == nullptr)
        throw unusable{"is no Ed25519 key"};
    std::array<std::uint8_t, k_coordinate_bytes> derived{};
    std::size_t size = derived.size();
    if (EVP_PKEY_get_raw_public_key(material.pkey.get(), derived.data(), &size) != 1 ||
        !equal_constant_time(derived, bytes_of(x.value)))
        throw unusable{"has halves that do not belong together"};
}

void read_secret(const json::object &jwk, key_material &material) {
    const octets secret = octets_member(jwk, "k", k_max_secret_bytes);
    if (secret.value.size() < k_min_secret_bytes)
        throw unusable{"is a secret of fewer than 32 bytes"};
    if (secret.value.size() > k_max_secret_bytes)
        throw unusable{"is a secret of more than 1024 bytes"};
    material.mac = make_hmac(secret.value);
}

bool names_operation(const json::value &operations, std::string_view name) {
    if (!operations.is_array())
        throw unusable{"has a member key_ops that is no array"};
    for (const json::value &operation : operations.get_array()) {
        if (operation.is_string() && view(operation.get_string()) == name)
            return true;
    }
    return false;
}

// What the key says it is for (RFC 7517, sections 4.2 to 4.4).
void check_use(const json::object &jwk, purpose use, algorithm value) {
    if (text_member(jwk, "use").value_or("sig") != "sig")
        throw unusable{"is not for signatures (use)"};
    const json::value *operations = jwk.if_contains("key_ops");
    if (operations != nullptr &&
        !names_operation(*operations, use == purpose::sign ? "sign" : "verify"))
        throw unusable{use == purpose::sign ? "is not for signing (key_ops)"
                                            : "is not for verifying (key_ops)"};
    if (text_member(jwk, "alg").value_or(name_of(value)) != name_of(value))
        throw unusable{"is for an algorithm that is not supported"};
    if (use == purpose::verify && value != algorithm::hs256 && jwk.contains("d"))
        throw unusable{"has its private half, which belongs to the issuer alone"};
}

algorithm algorithm_of(const json::object &jwk) {
    const auto type = text_member(jwk, "kty");
    if (type == "oct")
        return algorithm::hs256;
    if (type == "RSA")
        return algorithm::rs256;
    if (type == "EC")
        return algorithm::es256;
    if (type == "OKP")
        return algorithm::eddsa;
    throw unusable{type ? "is of a kind that is not supported" : "has no member kty"};
}

void read(const json::object &jwk, purpose use, key &into) {
    if (auto id = text_member(jwk, "kid")) {
        if (id->empty() || id->size() > k_max_key_id_bytes)
            throw unusable{"has an identifier that is empty or longer than 256 bytes"};
        into.id = std::string{*id};
    }
    const algorithm value = algorithm_of(jwk);
    check_use(jwk, use, value);
    auto material = std::make_shared<key_material>();
    switch (value) {
    case algorithm::hs256:
        read_secret(jwk, *material);
        break;
    case algorithm::rs256:
        read_rsa(jwk, use, *material);
        break;
    case algorithm::es256:
        read_ec(jwk, use, *material);
        break;
    case algorithm::eddsa:
        read_okp(jwk, use, *material);
        break;
    }
    into.material = std::move(material);
    into.signs = value;
}

// The members that make a key, in the order of their names: RFC 7638, section 3.2; RFC 8037,
// section 2.
std::vector<std::string_view> thumbprint_members(std::string_view type) {
    if (type == "RSA")
        return {"e", "kty", "n"};
    if (type == "EC")
        return {"crv", "kty", "x", "y"};
    if (type == "OKP")
        return {"crv", "kty", "x"};
    return {"k", "kty"};
}

} // namespace

std::string_view name_of(algorithm value) noexcept {
    switch (value) {
    case algorithm::hs256:
        return "HS256";
    case algorithm::rs256:
        return "RS256";
    case algorithm::es256:
        return "ES256";
    case algorithm::eddsa:
        return "EdDSA";
    }
    return {};
}

std::optional<algorithm> parse_algorithm(std::string_view name) noexcept {
    for (algorithm value :
         {algorithm::hs256, algorithm::rs256, algorithm::es256, algorithm::eddsa}) {
        if (name == name_of(value))
            return value;
    }
    return std::nullopt;
}

key parse_key(const json::object &jwk, purpose use) {
    key parsed;
    try {
        read(jwk, use, parsed);
    } catch (unusable &reason) {
        parsed.problem = std::move(reason.problem);
    }
    return parsed;
}

// All members are base64url or fixed words, so that none needs an escape.
std::string thumbprint(const json::object &jwk) {
    bool wrong = false;
    const json::string *type = string_member(jwk, "kty", wrong);
    std::string text{"{"};
    for (std::string_view name : thumbprint_members(type == nullptr ? "" : view(*type))) {
        const json::string *value = string_member(jwk, name, wrong);
        if (text.size() > 1)
            text += ',';
        text.append("\"").append(name).append("\":\"");
        text.append(value == nullptr ? std::string_view{} : view(*value)).append("\"");
    }
    text += '}';
    const digest hash = sha256(bytes_of(text));
    OPENSSL_cleanse(text.data(), text.size());
    return to_base64url(hash);
}

} // namespace saas::core::jwt
