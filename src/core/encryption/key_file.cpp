// SPDX-License-Identifier: PostgreSQL
#include "core/encryption/key_file.hpp"

#include <openssl/evp.h>

#include "core/encryption/octets.hpp"
#include "core/error.hpp"
#include "core/sha256.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace saas::core::encryption {
namespace {

using bytes_in = std::span<const std::uint8_t>;

constexpr std::string_view k_magic = "SAASKEYS";
constexpr std::uint64_t k_version = 1;
constexpr std::size_t k_head_bytes = 40;
constexpr std::size_t k_entry_bytes = 112;
constexpr std::size_t k_mac_bytes = 32;

auto order_of(const uuid &tenant, key_purpose purpose, std::uint32_t epoch) {
    return std::tuple{tenant, purpose, epoch};
}
auto order_of(const key_file_entry &entry) {
    return order_of(entry.tenant, entry.purpose, entry.epoch);
}

digest mac(const secret_key &root, bytes_in bytes) {
    const secret_key key = subkey(root, "pg_saas key file");
    std::span<const std::uint8_t> parts[] = {bytes};
    return hmac_sha256(key.bytes(), parts);
}

const secret_key *find_root(root_keys roots, const key_check &check) {
    auto found = std::find_if(roots.begin(), roots.end(), [&](const secret_key &root) {
        return equal_constant_time(check_value(root), check);
    });
    return found == roots.end() ? nullptr : &*found;
}

octets entry_identity(const key_file_entry &entry) {
    octets out;
    out.add("pg_saas shred key 1");
    out.add(entry.tenant);
    out.add_number(static_cast<std::uint8_t>(entry.purpose));
    out.add_number(entry.epoch);
    out.add_number(entry.created_at);
    return out;
}

wrapped_key wrap_entry(aead &cipher, const secret_key &root, const key_file_entry &entry,
                       const secret_key &key) {
    return wrap(cipher, subkey(root, "pg_saas shred keys"), entry_identity(entry).bytes(), key);
}

octets entry_bytes(const key_file_entry &entry) {
    octets out;
    out.add(entry.tenant);
    out.add_number(entry.epoch);
    out.add_number(static_cast<std::uint8_t>(entry.purpose));
    out.add_number(static_cast<std::uint8_t>(entry.state));
    out.add_number(std::uint16_t{0});
    out.add_number(entry.created_at);
    out.add(entry.root);
    out.add(entry.wrapped);
    return out;
}

template <std::size_t Size>
void take(bytes_in &rest, std::array<std::uint8_t, Size> &out) {
    std::copy_n(rest.begin(), Size, out.begin());
    rest = rest.subspan(Size);
}
std::uint64_t take_number(bytes_in &rest, std::size_t size) {
    const std::uint64_t value = get_number(rest.first(size));
    rest = rest.subspan(size);
    return value;
}

std::optional<key_file_entry> parse_entry(bytes_in rest) {
    key_file_entry out{};
    take(rest, out.tenant);
    out.epoch = static_cast<std::uint32_t>(take_number(rest, 4));
    const auto purpose = take_number(rest, 1);
    const auto state = take_number(rest, 1);
    const auto reserved = take_number(rest, 2);
    out.created_at = static_cast<std::int64_t>(take_number(rest, 8));
    take(rest, out.root);
    take(rest, out.wrapped);
    if (purpose < 1 || purpose > 2 || state < 1 || state > 2 || reserved != 0)
        return std::nullopt;
    out.purpose = static_cast<key_purpose>(purpose);
    out.state = static_cast<key_state>(state);
    return out;
}

bool is_whole(bytes_in bytes) {
    if (bytes.size() < k_head_bytes + k_mac_bytes ||
        (bytes.size() - k_head_bytes - k_mac_bytes) % k_entry_bytes != 0 ||
        !std::equal(k_magic.begin(), k_magic.end(), bytes.begin()))
        return false;
    return get_number(bytes.subspan(8, 2)) == k_version &&
           get_number(bytes.subspan(10, 2)) == k_entry_bytes &&
           get_number(bytes.subspan(12, 4)) == 0 &&
           get_number(bytes.subspan(16, 8)) ==
               (bytes.size() - k_head_bytes - k_mac_bytes) / k_entry_bytes;
}

// Base64 of 32 bytes without a copy on the heap.
bool key_from_base64(std::string_view text, std::span<std::uint8_t, k_key_bytes> out) {
    constexpr std::size_t k_digits = 44;
    secret<k_digits / 4 * 3> decoded;
    if (text.size() != k_digits || text[k_digits - 2] == '=' || text[k_digits - 1] != '=')
        return false;
    const int length = EVP_DecodeBlock(
        decoded.bytes().data(), reinterpret_cast<const unsigned char *>(text.data()), k_digits);
    if (length != static_cast<int>(decoded.bytes().size()) || decoded.bytes()[k_key_bytes] != 0)
        return false;
    std::copy_n(decoded.bytes().begin(), out.size(), out.begin());
    return true;
}

} // namespace

std::optional<key_file> key_file::parse(bytes_in bytes, root_keys roots) {
    if (!is_whole(bytes))
        return std::nullopt;
    key_check check{};
    std::copy_n(bytes.begin() + 32, check.size(), check.begin());
    const secret_key *root = find_root(roots, check);
    const auto signed_part = bytes.first(bytes.size() - k_mac_bytes);
    if (root == nullptr || !equal_constant_time(mac(*root, signed_part), bytes.last(k_mac_bytes)))
        return std::nullopt;
    key_file out;
    out.generation_ = get_number(bytes.subspan(24, 8));
    for (auto rest = signed_part.subspan(k_head_bytes); !rest.empty();
         rest = rest.subspan(k_entry_bytes)) {
        auto entry = parse_entry(rest.first(k_entry_bytes));
        if (!entry || (!out.entries_.empty() && order_of(out.entries_.back()) >= order_of(*entry)))
            return std::nullopt;
        out.entries_.push_back(*entry);
    }
    return out;
}

std::vector<std::uint8_t> key_file::build(root_keys roots) const {
    const secret_key &root = roots.front();
    octets head;
    head.add(k_magic);
    head.add_number(static_cast<std::uint16_t>(k_version));
    head.add_number(static_cast<std::uint16_t>(k_entry_bytes));
    head.add_number(std::uint32_t{0});
    head.add_number(static_cast<std::uint64_t>(entries_.size()));
    head.add_number(generation_ + 1);
    head.add(check_value(root));
    std::vector<std::uint8_t> out;
    out.reserve(k_head_bytes + entries_.size() * k_entry_bytes + k_mac_bytes);
    out.insert(out.end(), head.bytes().begin(), head.bytes().end());
    for (const key_file_entry &entry : entries_) {
        const octets bytes = entry_bytes(entry);
        out.insert(out.end(), bytes.bytes().begin(), bytes.bytes().end());
    }
    const digest signature = mac(root, out);
    out.insert(out.end(), signature.begin(), signature.end());
    return out;
}

const key_file_entry *key_file::find(const uuid &tenant, key_purpose purpose,
                                     std::uint32_t epoch) const noexcept {
    const auto wanted = order_of(tenant, purpose, epoch);
    auto found = std::lower_bound(
        entries_.begin(), entries_.end(), wanted,
        [](const key_file_entry &entry, const auto &key) { return order_of(entry) < key; });
    return found != entries_.end() && order_of(*found) == wanted ? &*found : nullptr;
}

// The highest epoch is the current one, unless it was closed.
const key_file_entry *key_file::current(const uuid &tenant, key_purpose purpose) const noexcept {
    const auto beyond = order_of(tenant, purpose, std::numeric_limits<std::uint32_t>::max());
    auto after = std::upper_bound(
        entries_.begin(), entries_.end(), beyond,
        [](const auto &key, const key_file_entry &entry) { return key < order_of(entry); });
    if (after == entries_.begin())
        return nullptr;
    const key_file_entry &last = *(after - 1);
    return last.tenant == tenant && last.purpose == purpose && last.state == key_state::current
               ? &last
               : nullptr;
}

const key_file_entry &key_file::add_epoch(aead &cipher, root_keys roots, const uuid &tenant,
                                          key_purpose purpose, std::int64_t now,
                                          std::uint32_t after) {
    for (key_file_entry &entry : entries_) {
        if (entry.tenant == tenant && entry.purpose == purpose) {
            entry.state = key_state::former;
            after = std::max(after, entry.epoch);
        }
    }
    if (after == std::numeric_limits<std::uint32_t>::max())
        throw error{k_internal_error, "there is no epoch after the last"};
    secret_key key;
    random_key_bytes(key.bytes());
    key_file_entry made{
        tenant, purpose, after + 1, key_state::current, now, check_value(roots.front()), {}};
    made.wrapped = wrap_entry(cipher, roots.front(), made, key);
    auto place = std::upper_bound(
        entries_.begin(), entries_.end(), made,
        [](const key_file_entry &a, const key_file_entry &b) { return order_of(a) < order_of(b); });
    return *entries_.insert(place, made);
}

bool key_file::remove(const uuid &tenant, key_purpose purpose, std::uint32_t epoch) {
    const key_file_entry *found = find(tenant, purpose, epoch);
    if (found == nullptr)
        return false;
    entries_.erase(entries_.begin() + (found - entries_.data()));
    return true;
}

bool key_file::rewrap(aead &cipher, root_keys roots) {
    std::vector<key_file_entry> changed = entries_;
    for (key_file_entry &entry : changed) {
        secret_key key;
        if (!unwrap_entry(cipher, roots, entry, key))
            return false;
        entry.root = check_value(roots.front());
        entry.wrapped = wrap_entry(cipher, roots.front(), entry, key);
    }
    entries_ = std::move(changed);
    return true;
}

bool unwrap_entry(aead &cipher, root_keys roots, const key_file_entry &entry, secret_key &key) {
    const secret_key *root = find_root(roots, entry.root);
    return root != nullptr && unwrap(cipher, subkey(*root, "pg_saas shred keys"),
                                     entry_identity(entry).bytes(), entry.wrapped, key);
}

std::size_t parse_root_keys(std::string_view text, std::span<secret_key, k_most_roots> out) {
    std::size_t count = 0;
    bool right = true;
    while (right && !text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        right = count < out.size();
        if (!right)
            break;
        const auto key = out[count++].bytes();
        right = (from_hex(line, key) || key_from_base64(line, key)) &&
                std::any_of(key.begin(), key.end(), [](std::uint8_t byte) { return byte != 0; });
    }
    if (right && count > 0)
        return count;
    for (secret_key &key : out)
        key.wipe();
    return 0;
}

} // namespace saas::core::encryption
