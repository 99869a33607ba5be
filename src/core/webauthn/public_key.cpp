// SPDX-License-Identifier: PostgreSQL
#include "core/webauthn/public_key.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>

#include <openssl/evp.h>

#include "core/error.hpp"
#include "core/jwt/key.hpp"
#include "core/sha256.hpp"

namespace saas::core::webauthn {
namespace {

// Labels of the map (RFC 9052, table 4; RFC 9053, tables 19 and 20; RFC 8230, table 4).
constexpr std::int64_t k_type = 1;
constexpr std::int64_t k_algorithm = 3;
constexpr std::int64_t k_curve = -1; // or the modulus of RSA
constexpr std::int64_t k_x = -2;     // or the exponent of RSA
constexpr std::int64_t k_y = -3;

constexpr std::int64_t k_octet_pair = 1;
constexpr std::int64_t k_elliptic = 2;
constexpr std::int64_t k_rsa = 3;
constexpr std::int64_t k_p256 = 1;
constexpr std::int64_t k_ed25519 = 6;
constexpr std::size_t k_coordinate_bytes = 32;
constexpr std::size_t k_ed25519_signature_bytes = 64;
constexpr std::uint64_t k_least_exponent = 65'537;
constexpr std::size_t k_max_exponent_bytes = 4;

struct digest_context_free {
    void operator()(EVP_MD_CTX *context) const noexcept { EVP_MD_CTX_free(context); }
};
using digest_context = std::unique_ptr<EVP_MD_CTX, digest_context_free>;

std::int64_t number_of(const cbor_item &map, std::int64_t label) noexcept {
    const auto found = find(map, label);
    return found ? found->integer().value_or(0) : 0; // no label's value here is 0
}

// Bytes of a length that is given, or of any with 0; empty when there are no such.
std::string_view bytes_of(const cbor_item &map, std::int64_t label, std::size_t size) noexcept {
    const auto found = find(map, label);
    if (!found || found->kind != cbor_kind::bytes || (size != 0 && found->content.size() != size))
        return {};
    return {reinterpret_cast<const char *>(found->content.data()), found->content.size()};
}

std::uint64_t number_of(std::string_view big_endian) noexcept {
    std::uint64_t out = 0;
    for (char byte : big_endian)
        out = out << 8U | static_cast<std::uint8_t>(byte);
    return out;
}

jwt::pkey_pointer make_rsa(std::string_view n, std::string_view e, bool is_known) {
    // RFC 8230, section 4: no leading zeros. The exponent as for JSON Web Keys.
    if (n.empty() || e.empty() || n.front() == '\0' || e.front() == '\0' ||
        e.size() > k_max_exponent_bytes || number_of(e) < k_least_exponent ||
        n.size() > jwt::k_max_rsa_bits / 8)
        return nullptr;
    auto made = jwt::make_rsa({n, e, {}, {}, {}, {}, {}, {}}, is_known);
    if (made == nullptr || EVP_PKEY_get_bits(made.get()) < jwt::k_min_rsa_bits)
        return nullptr;
    return made;
}

// Whether the bytes are one of the eight points of Ed25519 whose order divides 8, or spell a
// coordinate in a second way (RFC 8032, section 5.1.3). Under such a key anybody could sign.
bool is_weak_ed25519(std::string_view key) {
    constexpr std::array<std::string_view, 5> k_weak{
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
    std::string unsigned_key{key}; // without the sign of the other coordinate
    unsigned_key.back() = static_cast<char>(key.back() & 0x7f);
    const std::string digits = to_hex(core::bytes_of(unsigned_key));
    const bool is_reduced = digits.substr(2) != k_weak[4].substr(2) || digits <= k_weak[4];
    return !is_reduced || std::find(k_weak.begin(), k_weak.end(), digits) != k_weak.end();
}

} // namespace

std::optional<public_key> parse_public_key(const cbor_item &map, bool is_known) {
    const std::int64_t type = number_of(map, k_type);
    const auto signs = static_cast<algorithm>(number_of(map, k_algorithm));
    jwt::pkey_pointer made;
    if (type == k_elliptic && signs == algorithm::es256 && number_of(map, k_curve) == k_p256) {
        const auto x = bytes_of(map, k_x, k_coordinate_bytes);
        const auto y = bytes_of(map, k_y, k_coordinate_bytes);
        made = x.empty() || y.empty() ? nullptr : jwt::make_p256(x, y, {});
    } else if (type == k_octet_pair && signs == algorithm::eddsa &&
               number_of(map, k_curve) == k_ed25519) {
        const auto x = bytes_of(map, k_x, k_coordinate_bytes);
        made = x.empty() || is_weak_ed25519(x) ? nullptr : jwt::make_ed25519(x, false);
    } else if (type == k_rsa && signs == algorithm::rs256) {
        made = make_rsa(bytes_of(map, k_curve, 0), bytes_of(map, k_x, 0), is_known);
    }
    if (made == nullptr)
        return std::nullopt;
    return public_key{signs, std::move(made)};
}

bool verify_signature(const public_key &with, bytes_in input, bytes_in signature) {
    const jwt::error_queue errors;
    const auto most = static_cast<std::size_t>(EVP_PKEY_get_size(with.material.get()));
    const bool fits = with.signs == algorithm::eddsa ? signature.size() == k_ed25519_signature_bytes
                      : with.signs == algorithm::rs256 ? signature.size() == most
                                                       : signature.size() <= most;
    if (!fits)
        return false;
    const digest_context context{EVP_MD_CTX_new()};
    const EVP_MD *digest = with.signs == algorithm::eddsa ? nullptr : EVP_sha256();
    if (context == nullptr ||
        EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, with.material.get()) != 1)
        throw error{k_internal_error, "OpenSSL refused a signature"};
    return EVP_DigestVerify(context.get(), signature.data(), signature.size(), input.data(),
                            input.size()) == 1;
}

} // namespace saas::core::webauthn
