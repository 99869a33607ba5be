// SPDX-License-Identifier: PostgreSQL
#include "core/webhook/paypal.hpp"

#include "core/sha256.hpp"
#include "core/webhook/certificates.hpp"

#include <boost/crc.hpp>

#include <algorithm>

namespace saas::core::webhook {
namespace {

constexpr std::string_view k_scheme = "https://";
constexpr std::size_t k_max_url_bytes = 512;
constexpr std::size_t k_max_signature_bytes = 1024;

bool is_lower_or_digit(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

std::string_view host_of(std::string_view url) noexcept {
    if (!url.starts_with(k_scheme))
        return {};
    url.remove_prefix(k_scheme.size());
    return url.substr(0, url.find('/'));
}

bool is_sandbox(std::string_view host) noexcept {
    return host == "sandbox.paypal.com" || host.ends_with(".sandbox.paypal.com");
}

// What the elements of `secrets` are.
struct inputs {
    std::vector<certificate> presented; // the first one signs
    std::vector<certificate> trusted;
    bool has_webhook_id = false;
};

std::string_view text_view(bytes data) noexcept {
    return {reinterpret_cast<const char *>(data.data()), data.size()};
}

bool is_certificate(bytes secret) noexcept {
    return text_view(secret).starts_with("-----BEGIN CERTIFICATE-----");
}

bool is_trusted_certificate(bytes secret) noexcept {
    return text_view(secret).starts_with("-----BEGIN TRUSTED CERTIFICATE-----");
}

bool is_webhook_id(bytes secret) noexcept {
    return !secret.empty() && !is_certificate(secret) && !is_trusted_certificate(secret);
}

void move_all(std::vector<certificate> &&from, std::vector<certificate> &to) {
    for (certificate &each : from)
        to.push_back(std::move(each));
}

inputs read_inputs(std::span<const bytes> secrets) {
    inputs result;
    for (bytes secret : secrets) {
        if (is_certificate(secret))
            move_all(read_certificates(secret), result.presented);
        else if (is_trusted_certificate(secret))
            move_all(read_certificates(secret), result.trusted);
        else
            result.has_webhook_id = result.has_webhook_id || !secret.empty();
    }
    return result;
}

bool equal_ignoring_case(std::string_view a, std::string_view lower) noexcept {
    return std::equal(a.begin(), a.end(), lower.begin(), lower.end(), [](char x, char y) {
        return (x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x) == y;
    });
}

// The bytes of a Base64 text of whatever length; empty when it is none.
std::vector<std::uint8_t> decode(std::string_view text) {
    if (text.empty() || text.size() > k_max_signature_bytes || text.size() % 4 != 0)
        return {};
    std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    std::vector<std::uint8_t> out(text.size() / 4 * 3 - padding);
    return from_base64(text, out) ? out : std::vector<std::uint8_t>{};
}

// Position, from 1, of the webhook whose id is signed; 0 when it is none of these.
std::int32_t matching_webhook(const paypal_headers &headers, bytes body,
                              std::span<const bytes> secrets, X509 *signer, bytes signature) {
    const std::string checksum = std::to_string(crc32(body));
    for (std::size_t i = 0; i < secrets.size(); ++i) {
        if (!is_webhook_id(secrets[i]))
            continue;
        std::string message{headers.transmission_id};
        message.append("|").append(headers.transmission_time).append("|");
        message.append(text_view(secrets[i])).append("|").append(checksum);
        if (verify_rsa_sha256(signer, message, signature))
            return static_cast<std::int32_t>(i + 1);
    }
    return 0;
}

} // namespace

bool is_paypal_certificate_url(std::string_view url) noexcept {
    std::string_view host = host_of(url);
    if (url.size() > k_max_url_bytes || (host != "paypal.com" && !host.ends_with(".paypal.com")) ||
        host.starts_with('.') || host.find("..") != std::string_view::npos ||
        !std::all_of(host.begin(), host.end(),
                     [](char c) { return is_lower_or_digit(c) || c == '.' || c == '-'; }))
        return false;
    std::string_view path = url.substr(k_scheme.size() + host.size());
    return path.size() > 1 && path.find("..") == std::string_view::npos &&
           std::all_of(path.begin(), path.end(), [](char c) {
               return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '/' || c == '-' ||
                      c == '_' || c == '.';
           });
}

const char *paypal_certificate_name(std::string_view url) noexcept {
    return is_sandbox(host_of(url)) ? "messageverificationcerts.sandbox.paypal.com"
                                    : "messageverificationcerts.paypal.com";
}

std::uint32_t crc32(bytes data) {
    boost::crc_32_type checksum;
    checksum.process_bytes(data.data(), data.size());
    return checksum.checksum();
}

verdict verify_paypal(const paypal_headers &headers, bytes body, std::span<const bytes> secrets,
                      std::int64_t now, std::int64_t tolerance) {
    verdict result;
    const std::optional<std::int64_t> time = parse_utc_time(headers.transmission_time);
    const std::vector<std::uint8_t> signature = decode(headers.signature);
    // A bar in the id would let parts of it pass for the time.
    if (!time || signature.empty() || headers.transmission_id.empty() ||
        headers.transmission_id.size() > 255 ||
        headers.transmission_id.find('|') != std::string_view::npos ||
        !equal_ignoring_case(headers.algorithm, "sha256withrsa")) {
        result.reason = refusal::invalid_header;
        return result;
    }
    result.signed_at = *time;
    if (!is_paypal_certificate_url(headers.certificate_url)) {
        result.reason = refusal::invalid_certificate;
        return result;
    }
    const inputs given = read_inputs(secrets);
    const char *host = paypal_certificate_name(headers.certificate_url);
    if (!given.has_webhook_id)
        result.reason = refusal::no_secret;
    else if (given.presented.empty())
        result.reason = refusal::certificate_needed;
    else if (!is_trusted(given.presented.front().get(), given.presented, given.trusted, host,
                         *time))
        result.reason = refusal::invalid_certificate;
    if (!result.ok())
        return result;
    result.secret_no =
        matching_webhook(headers, body, secrets, given.presented.front().get(), signature);
    result.reason =
        result.secret_no == 0 ? refusal::no_signature : check_time(*time, now, tolerance);
    return result;
}

} // namespace saas::core::webhook
