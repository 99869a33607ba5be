// SPDX-License-Identifier: PostgreSQL
#include "core/encryption/blind_index.hpp"

#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "core/sha256.hpp"

namespace saas::core::encryption {
namespace {

// Bytes of the character that begins with this one.
constexpr std::size_t length_of(char lead) {
    const auto byte = static_cast<unsigned char>(lead);
    return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// Lower case of a character of two bytes.
constexpr std::uint32_t lower_of(std::uint32_t c) {
    const bool pairs = (c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177) ||
                       (c >= 0x460 && c <= 0x481) || (c >= 0x48A && c <= 0x4BF) ||
                       (c >= 0x4D0 && c <= 0x52F); // upper case is even
    const bool odd_pairs = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E) ||
                           (c >= 0x4C1 && c <= 0x4CE); // upper case is odd
    if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3AB && c != 0x3A2) ||
        (c >= 0x410 && c <= 0x42F))
        return c + 0x20;
    if (c >= 0x400 && c <= 0x40F)
        return c + 0x50;
    if (c == 0x130)
        return 'i';
    if (c == 0x178)
        return 0xFF;
    if (c == 0x3C2) // final sigma
        return 0x3C3;
    if (pairs && c != 0x131)
        return c | 1U;
    return odd_pairs && (c & 1U) != 0 ? c + 1 : c;
}

void append_lower(std::string &out, std::string_view character) {
    const char c = character[0];
    if (character.size() == 1) {
        out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (character.size() == 2) {
        const auto code = (static_cast<std::uint32_t>(c) & 0x1FU) << 6U |
                          (static_cast<std::uint32_t>(character[1]) & 0x3FU);
        const std::uint32_t lower = lower_of(code);
        if (lower < 0x80) {
            out += static_cast<char>(lower);
        } else {
            out += static_cast<char>(0xC0U | lower >> 6U);
            out += static_cast<char>(0x80U | (lower & 0x3FU));
        }
    } else {
        out += character;
    }
}

std::int64_t first_bits(const digest &mac, int bits) noexcept {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < sizeof(number); ++i)
        number = number << 8U | mac[i];
    return static_cast<std::int64_t>(number >> static_cast<unsigned>(64 - bits));
}

// Fetched once: that costs more than a short value.
EVP_MAC *hmac_algorithm() {
    static EVP_MAC *const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    return algorithm;
}

constexpr bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

} // namespace

std::string fold(std::string_view text) {
    while (!text.empty() && is_blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back()))
        text.remove_suffix(1);
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const std::string_view character = text.substr(i, length_of(text[i]));
        append_lower(out, character);
        i += character.size();
    }
    return out;
}

std::string_view first_characters(std::string_view folded, std::size_t count) noexcept {
    std::size_t end = 0;
    for (; count > 0; --count) {
        if (end >= folded.size())
            return {};
        end += length_of(folded[end]);
    }
    return folded.substr(0, end);
}

std::string last_four(std::string_view folded) {
    std::array<std::string_view, 4> last{};
    std::size_t found = 0;
    for (std::size_t i = 0; i < folded.size();) {
        const std::string_view character = folded.substr(i, length_of(folded[i]));
        i += character.size();
        const char c = character[0];
        if (character.size() > 1 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            last[found++ % last.size()] = character;
    }
    std::string out;
    for (std::size_t i = 0; found >= last.size() && i < last.size(); ++i)
        out += last[(found + i) % last.size()];
    return out;
}

std::int64_t blind_index(std::span<const std::uint8_t> key, std::string_view text, int bits) {
    const std::array<std::span<const std::uint8_t>, 1> parts{bytes_of(text)};
    return first_bits(hmac_sha256(key, parts), bits);
}

index_hasher::index_hasher() = default;
index_hasher::~index_hasher() { forget(); }

std::int64_t index_hasher::blind_index(std::span<const std::uint8_t> key, std::string_view text, int bits) {
    if (key.size() != k_key_bytes)
        throw error{k_internal_error, "the key of an index has 32 bytes"};
    const bool known = context_ != nullptr && equal_constant_time(key_.bytes(), key);
    if (!known) {
        forget();
        context_ = EVP_MAC_CTX_new(hmac_algorithm());
        std::copy(key.begin(), key.end(), key_.bytes().begin());
    }
    char name[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", name, 0),
                                     OSSL_PARAM_construct_end()};
    auto *context = static_cast<EVP_MAC_CTX *>(context_);
    const auto value = bytes_of(text);
    digest mac{};
    std::size_t length = 0;
    if (context == nullptr ||
        EVP_MAC_init(context, known ? nullptr : key.data(), known ? 0 : key.size(),
                     known ? nullptr : parameters) != 1 ||
        EVP_MAC_update(context, value.data(), value.size()) != 1 ||
        EVP_MAC_final(context, mac.data(), &length, mac.size()) != 1) {
        forget();
        throw error{k_internal_error, "OpenSSL refused HMAC-SHA256"};
    }
    return first_bits(mac, bits);
}

void index_hasher::forget() noexcept {
    EVP_MAC_CTX_free(static_cast<EVP_MAC_CTX *>(context_));
    context_ = nullptr;
    key_.wipe();
}

} // namespace saas::core::encryption
