// SPDX-License-Identifier: PostgreSQL
#include "core/webhook/hmac.hpp"

#include "core/error.hpp"
#include "core/sha256.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include <openssl/evp.h>

namespace saas::core::webhook {
namespace {

// Position, from 1, of the first secret under which `signature` is right; 0 when there is none.
std::int32_t matching_secret(const digest &signature, std::span<const bytes> parts,
                             std::span<const bytes> secrets) {
    for (std::size_t i = 0; i < secrets.size(); ++i) {
        if (!secrets[i].empty() && equal_constant_time(hmac_sha256(secrets[i], parts), signature))
            return static_cast<std::int32_t>(i + 1);
    }
    return 0;
}

// The verdict on one signature over these parts, by a scheme that signs no time.
verdict judge(const digest &signature, std::span<const bytes> parts,
              std::span<const bytes> secrets) {
    verdict result;
    if (std::all_of(secrets.begin(), secrets.end(), [](bytes s) { return s.empty(); })) {
        result.reason = refusal::no_secret;
        return result;
    }
    result.secret_no = matching_secret(signature, parts, secrets);
    if (result.secret_no == 0)
        result.reason = refusal::no_signature;
    return result;
}

verdict refused(refusal reason) {
    verdict result;
    result.reason = reason;
    return result;
}

constexpr std::size_t k_ed25519_key_bytes = 32;
constexpr std::size_t k_ed25519_signature_bytes = 64;
using ed25519_signature = std::array<std::uint8_t, k_ed25519_signature_bytes>;

// The signatures of a list, by version; what cannot be decoded cannot match and is skipped.
struct signatures {
    std::vector<digest> v1;
    std::vector<ed25519_signature> v1a;
};

signatures parse_signatures(std::string_view list) {
    signatures result;
    while (!list.empty()) {
        std::size_t space = list.find(' ');
        std::string_view item = list.substr(0, space);
        list.remove_prefix(space == std::string_view::npos ? list.size() : space + 1);
        digest mac;
        ed25519_signature asymmetric;
        if (item.starts_with("v1,") && from_base64(item.substr(3), mac))
            result.v1.push_back(mac);
        else if (item.starts_with("v1a,") && from_base64(item.substr(4), asymmetric))
            result.v1a.push_back(asymmetric);
    }
    return result;
}

std::string_view text_view(bytes data) noexcept {
    return {reinterpret_cast<const char *>(data.data()), data.size()};
}

// The bytes that Base64 of at most 128 characters stands for; empty for anything else.
std::vector<std::uint8_t> decode_secret(std::string_view text) {
    if (text.empty() || text.size() > 128 || text.size() % 4 != 0)
        return {};
    std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    std::vector<std::uint8_t> out(text.size() / 4 * 3 - padding);
    return from_base64(text, out) ? out : std::vector<std::uint8_t>{};
}

bool verify_ed25519(std::string_view public_key, const ed25519_signature &signature,
                    const std::string &message) {
    std::array<std::uint8_t, k_ed25519_key_bytes> raw;
    if (!from_base64(public_key, raw))
        return false;
    using key_pointer = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
    using context_pointer = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
    key_pointer key{EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw.data(), raw.size()),
                    EVP_PKEY_free};
    context_pointer context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    if (!key || !context ||
        EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1)
        throw error{k_internal_error, "OpenSSL refused an Ed25519 key"};
    bytes text = bytes_of(message);
    return EVP_DigestVerify(context.get(), signature.data(), signature.size(), text.data(),
                            text.size()) == 1;
}

// Whether one of the signatures is right under this secret.
bool matches(bytes secret, const signatures &given, std::span<const bytes> parts) {
    std::string_view text = text_view(secret);
    if (text.starts_with("whsec_") && !given.v1.empty()) {
        std::vector<std::uint8_t> key = decode_secret(text.substr(6));
        if (key.empty())
            return false;
        digest expected = hmac_sha256(key, parts);
        return std::any_of(given.v1.begin(), given.v1.end(), [&](const digest &signature) {
            return equal_constant_time(expected, signature);
        });
    }
    if (text.starts_with("whpk_") && !given.v1a.empty()) {
        std::string message;
        for (bytes part : parts)
            message.append(text_view(part));
        return std::any_of(given.v1a.begin(), given.v1a.end(), [&](const auto &signature) {
            return verify_ed25519(text.substr(5), signature, message);
        });
    }
    return false;
}

} // namespace

verdict verify_square(std::string_view header, std::string_view url, bytes body,
                      std::span<const bytes> secrets) {
    digest signature;
    if (!from_base64(header, signature))
        return refused(refusal::invalid_header);
    if (url.empty())
        return refused(refusal::no_url);
    const bytes parts[] = {bytes_of(url), body};
    return judge(signature, parts, secrets);
}

verdict verify_razorpay(std::string_view header, bytes body, std::span<const bytes> secrets) {
    digest signature;
    if (!from_hex(header, signature))
        return refused(refusal::invalid_header);
    const bytes parts[] = {body};
    return judge(signature, parts, secrets);
}

verdict verify_standard(const standard_headers &headers, bytes body, std::span<const bytes> secrets,
                        std::int64_t now, std::int64_t tolerance) {
    verdict result;
    std::optional<std::int64_t> time = parse_unix_seconds(headers.timestamp);
    // A dot in the id would let parts of it pass for the time.
    if (!time || headers.id.empty() || headers.id.find('.') != std::string_view::npos ||
        headers.id.size() > k_max_header_bytes || headers.signature.size() > k_max_header_bytes)
        return refused(refusal::invalid_header);
    result.signed_at = *time;
    if (std::all_of(secrets.begin(), secrets.end(), [](bytes s) { return s.empty(); })) {
        result.reason = refusal::no_secret;
        return result;
    }
    const signatures given = parse_signatures(headers.signature);
    const bytes dot = bytes_of(".");
    const bytes parts[] = {bytes_of(headers.id), dot, bytes_of(headers.timestamp), dot, body};
    for (std::size_t i = 0; i < secrets.size() && result.secret_no == 0; ++i) {
        if (matches(secrets[i], given, parts))
            result.secret_no = static_cast<std::int32_t>(i + 1);
    }
    if (result.secret_no == 0) {
        result.reason = refusal::no_signature;
        return result;
    }
    result.event_id = headers.id;
    result.reason = check_time(*time, now, tolerance);
    return result;
}

} // namespace saas::core::webhook
