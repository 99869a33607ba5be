// SPDX-License-Identifier: PostgreSQL
#include "core/encryption/ciphertext.hpp"

#include "core/encryption/octets.hpp"
#include "core/encryption/secret.hpp"

#include <algorithm>
#include <vector>

namespace saas::core::encryption {
namespace {

constexpr std::size_t k_key_number_at = 4;
constexpr std::uint8_t k_deterministic_mark = 1;

octets associated_data(std::span<const std::uint8_t> header_bytes, const binding &bound) noexcept {
    octets out;
    out.add("C1");
    out.add(header_bytes);
    out.add_optional(bound.tenant);
    out.add_optional(bound.asset);
    out.add_optional(bound.row);
    return out;
}

std::size_t mark_bytes(algorithm chosen) noexcept {
    return chosen == algorithm::aes_256_siv ? 1 : 0;
}

// Bytes of a plaintext in between, wiped at the end.
class plain_copy {
public:
    explicit plain_copy(std::size_t size) : bytes_(size) {}
    ~plain_copy() { wipe(bytes_); }
    plain_copy(const plain_copy &) = delete;
    plain_copy &operator=(const plain_copy &) = delete;
    [[nodiscard]] std::span<std::uint8_t> bytes() noexcept { return bytes_; }

private:
    std::vector<std::uint8_t> bytes_;
};

} // namespace

std::uint8_t flags_of(const binding &bound) noexcept {
    return static_cast<std::uint8_t>(k_tenant_bound | (bound.asset ? k_asset_bound : 0) |
                                     (bound.row ? k_row_bound : 0));
}

std::optional<header> parse_header(std::span<const std::uint8_t> value) noexcept {
    return parse_header(value, value.size());
}

std::optional<header> parse_header(std::span<const std::uint8_t> value, std::size_t size) noexcept {
    constexpr unsigned k_known_flags = k_row_bound | k_tenant_bound | k_asset_bound;
    if (value.size() < k_header_bytes || value[0] != k_ciphertext_version || value[3] != 0)
        return std::nullopt;
    const bool known = value[1] >= 1 && value[1] <= 3 && (value[2] & ~k_known_flags) == 0 &&
                       (value[2] & k_tenant_bound) != 0;
    if (!known)
        return std::nullopt;
    header out{static_cast<algorithm>(value[1]), value[2],
               get_number(value.subspan(k_key_number_at, sizeof(std::uint64_t)))};
    if (size < sealed_size(out.chosen, 0))
        return std::nullopt;
    return out;
}

std::size_t sealed_size(algorithm chosen, std::size_t plain) noexcept {
    return k_header_bytes + nonce_bytes(chosen) + mark_bytes(chosen) + plain + k_tag_bytes;
}

std::size_t plain_size(const header &known, std::size_t sealed) noexcept {
    return sealed - sealed_size(known.chosen, 0);
}

void value_cipher::seal(algorithm chosen, std::uint64_t key_number,
                        std::span<const std::uint8_t> key, const binding &bound,
                        std::int64_t process, std::span<const std::uint8_t> plaintext,
                        std::span<std::uint8_t> out) {
    const auto head = out.first(k_header_bytes);
    head[0] = k_ciphertext_version;
    head[1] = static_cast<std::uint8_t>(chosen);
    head[2] = flags_of(bound);
    head[3] = 0;
    put_number(head.subspan(k_key_number_at), key_number);
    const auto nonce = out.subspan(k_header_bytes, nonce_bytes(chosen));
    const auto body = out.subspan(k_header_bytes + nonce.size());
    const octets associated = associated_data(head, bound);
    const message_frame frame{key, nonce, associated.bytes()};
    if (chosen != algorithm::aes_256_siv) {
        nonces_.take(process, nonce);
        cipher_.seal(chosen, frame, plaintext, body);
        return;
    }
    plain_copy marked{plaintext.size() + 1};
    marked.bytes()[0] = k_deterministic_mark;
    std::copy(plaintext.begin(), plaintext.end(), marked.bytes().begin() + 1);
    cipher_.seal(chosen, frame, marked.bytes(), body);
}

bool value_cipher::open(const header &known, std::span<const std::uint8_t> key,
                        const binding &bound, std::span<const std::uint8_t> value,
                        std::span<std::uint8_t> out) {
    if (known.flags != flags_of(bound))
        return false;
    const auto nonce = value.subspan(k_header_bytes, nonce_bytes(known.chosen));
    const auto body = value.subspan(k_header_bytes + nonce.size());
    const octets associated = associated_data(value.first(k_header_bytes), bound);
    const message_frame frame{key, nonce, associated.bytes()};
    if (known.chosen != algorithm::aes_256_siv)
        return cipher_.open(known.chosen, frame, body, out);
    plain_copy marked{out.size() + 1};
    if (!cipher_.open(known.chosen, frame, body, marked.bytes()) ||
        marked.bytes()[0] != k_deterministic_mark)
        return false;
    std::copy(marked.bytes().begin() + 1, marked.bytes().end(), out.begin());
    return true;
}

} // namespace saas::core::encryption
