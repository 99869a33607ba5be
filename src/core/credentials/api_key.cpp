// SPDX-License-Identifier: PostgreSQL
#include "core/credentials/api_key.hpp"

#include <algorithm>
#include <span>

#include <boost/crc.hpp>

#include "core/base32.hpp"

namespace saas::core::credentials {
namespace {

constexpr std::array<std::string_view, 2> k_starts{"sk_live_", "sk_test_"};
constexpr std::size_t k_start_length = 8;
constexpr std::size_t k_checksum_bytes = 3;
constexpr std::size_t k_body_bytes = 16 + 16 + k_secret_bytes;

using checksum = std::array<std::uint8_t, k_checksum_bytes>;
static_assert(k_start_length + (k_body_bytes + k_checksum_bytes) * 8 / 5 == k_api_key_length);

checksum checksum_of(std::string_view start, std::span<const std::uint8_t> body) {
    boost::crc_optimal<24, 0x864CFB, 0xB704CE, 0, false, false> sum;
    sum.process_bytes(start.data(), start.size());
    sum.process_bytes(body.data(), body.size());
    const auto value = sum.checksum();
    return {static_cast<std::uint8_t>(value >> 16 & 0xff),
            static_cast<std::uint8_t>(value >> 8 & 0xff), static_cast<std::uint8_t>(value & 0xff)};
}

} // namespace

std::string to_text(const api_key &key) {
    const std::string_view start = k_starts[static_cast<std::size_t>(key.mode)];
    std::array<std::uint8_t, k_body_bytes + k_checksum_bytes> bytes{};
    auto end = std::copy(key.key.begin(), key.key.end(), bytes.begin());
    end = std::copy(key.team.begin(), key.team.end(), end);
    end = std::copy(key.secret.begin(), key.secret.end(), end);
    const checksum sum = checksum_of(start, std::span{bytes}.first(k_body_bytes));
    std::copy(sum.begin(), sum.end(), end);
    std::string digits = to_base32(bytes, false);
    std::transform(digits.begin(), digits.end(), digits.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return std::string{start} + digits;
}

std::variant<api_key, key_problem> parse_api_key(std::string_view text) {
    const auto start = std::find(k_starts.begin(), k_starts.end(), text.substr(0, k_start_length));
    if (start == k_starts.end())
        return key_problem::other_form;
    const std::string_view digits = text.substr(k_start_length);
    if (text.size() != k_api_key_length || std::any_of(digits.begin(), digits.end(), [](char c) {
            return c == '=' || (c >= 'A' && c <= 'Z');
        }))
        return key_problem::mistyped;
    const auto bytes = from_base32(digits);
    if (!bytes || bytes->size() != k_body_bytes + k_checksum_bytes)
        return key_problem::mistyped;
    const auto body = std::span{*bytes}.first(k_body_bytes);
    const checksum sum = checksum_of(*start, body);
    if (!std::equal(sum.begin(), sum.end(), bytes->begin() + k_body_bytes))
        return key_problem::mistyped;
    api_key key{static_cast<key_mode>(start - k_starts.begin()), {}, {}, {}};
    std::copy_n(body.begin(), 16, key.key.begin());
    std::copy_n(body.begin() + 16, 16, key.team.begin());
    std::copy_n(body.begin() + 32, k_secret_bytes, key.secret.begin());
    return key;
}

} // namespace saas::core::credentials
