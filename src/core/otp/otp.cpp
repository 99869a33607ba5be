// SPDX-License-Identifier: PostgreSQL
#include "core/otp/otp.hpp"

#include <algorithm>
#include <array>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "core/base32.hpp"
#include "core/error.hpp"
#include "core/sha256.hpp"

namespace saas::core::otp {
namespace {

constexpr std::array<std::string_view, 3> k_names{"SHA1", "SHA256", "SHA512"};
constexpr std::size_t k_shortest_secret = 16;
constexpr std::size_t k_longest_secret = 128;

struct mac {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> bytes{};
    std::size_t size = 0;
};

mac hmac_of(std::span<const std::uint8_t> secret, std::uint64_t counter, algorithm hash) {
    std::array<std::uint8_t, 8> message{};
    for (std::size_t i = 0; i < message.size(); ++i)
        message[i] = static_cast<std::uint8_t>(counter >> (56 - 8 * i) & 0xff);
    static const std::uint8_t nothing = 0; // a null key means something else to OpenSSL
    mac out;
    if (EVP_Q_mac(nullptr, "HMAC", nullptr, name_of(hash).data(), nullptr,
                  secret.empty() ? &nothing : secret.data(), secret.size(), message.data(),
                  message.size(), out.bytes.data(), out.bytes.size(), &out.size) == nullptr)
        throw error{k_internal_error, "OpenSSL refused HMAC"};
    return out;
}

bool is_unreserved(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

// Percent-encoding of all but unreserved characters (RFC 3986, section 2).
std::string encoded(std::string_view text) {
    std::string out;
    for (char c : text) {
        if (is_unreserved(c)) {
            out += c;
            continue;
        }
        std::string digits = to_hex({reinterpret_cast<const std::uint8_t *>(&c), 1});
        std::transform(digits.begin(), digits.end(), digits.begin(),
                       [](char d) { return d >= 'a' ? static_cast<char>(d - 'a' + 'A') : d; });
        out += '%' + digits;
    }
    return out;
}

} // namespace

std::string_view name_of(algorithm which) noexcept {
    return k_names[static_cast<std::size_t>(which)];
}

std::optional<algorithm> parse_algorithm(std::string_view name) noexcept {
    const auto found = std::find(k_names.begin(), k_names.end(), name);
    if (found == k_names.end())
        return std::nullopt;
    return static_cast<algorithm>(found - k_names.begin());
}

void check(std::span<const std::uint8_t> secret, const parameters &form) {
    if (secret.size() < k_shortest_secret || secret.size() > k_longest_secret)
        throw error{k_invalid_parameter_value,
                    "a one-time password needs a secret of 16 to 128 bytes"};
    if (form.digits < 6 || form.digits > 8)
        throw error{k_invalid_parameter_value, "a one-time password has 6 to 8 digits"};
    if (form.period < 15 || form.period > 300)
        throw error{k_invalid_parameter_value,
                    "a one-time password changes every 15 to 300 seconds"};
}

std::string code_of(std::span<const std::uint8_t> secret, std::uint64_t counter, algorithm hash,
                    int digits) {
    const mac keyed = hmac_of(secret, counter, hash);
    // Dynamic truncation (RFC 4226, section 5.3).
    const std::size_t offset = keyed.bytes[keyed.size - 1] & 0x0fU;
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i)
        number = number << 8 | keyed.bytes[offset + i];
    number &= 0x7fffffffU;
    std::string code(static_cast<std::size_t>(digits), '0');
    for (auto digit = code.rbegin(); digit != code.rend(); ++digit, number /= 10)
        *digit = static_cast<char>('0' + number % 10);
    return code;
}

std::uint64_t step_at(std::int64_t unix_seconds, int period) noexcept {
    return unix_seconds < 0 ? 0 : static_cast<std::uint64_t>(unix_seconds / period);
}

std::optional<std::uint64_t> matching_step(std::span<const std::uint8_t> secret,
                                           std::string_view code, std::uint64_t now, int window,
                                           const parameters &form) {
    if (window < 0 || window > 10)
        throw error{k_invalid_parameter_value, "the window of one-time passwords is 0 to 10 steps"};
    std::optional<std::uint64_t> found;
    const auto wide = static_cast<std::uint64_t>(window);
    for (std::uint64_t step = now < wide ? 0 : now - wide; step <= now + wide; ++step) {
        const std::string right = code_of(secret, step, form.hash, form.digits);
        if (equal_constant_time(bytes_of(right), bytes_of(code)))
            found = step;
    }
    return found;
}

std::string uri_of(std::span<const std::uint8_t> secret, std::string_view issuer,
                   std::string_view account, const parameters &form) {
    return "otpauth://totp/" + encoded(issuer) + ":" + encoded(account) +
           "?secret=" + to_base32(secret, false) + "&issuer=" + encoded(issuer) +
           "&algorithm=" + std::string{name_of(form.hash)} +
           "&digits=" + std::to_string(form.digits) + "&period=" + std::to_string(form.period);
}

} // namespace saas::core::otp
