// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/list_set.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace saas::core::fraud {
namespace {

constexpr sqlstate k_program_limit_exceeded{"54000"};

char lower_case(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
char upper_case(char c) noexcept {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}
char same_case(char c) noexcept {
    return c;
}

auto folding_of(list_kind kind) noexcept {
    switch (kind) {
    case list_kind::string:
    case list_kind::email:
    case list_kind::domain:
        return lower_case;
    case list_kind::country:
        return upper_case;
    default:
        return same_case;
    }
}

// 64 bits from any bytes: eight at a time, multiplied and folded (the mixing of wyhash, W. Yi, 2019, public
// domain description).
std::uint64_t mixed(std::uint64_t a, std::uint64_t b) noexcept {
    auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

std::uint64_t hash_of(std::string_view key) noexcept {
    std::uint64_t hash = 0x9E3779B97F4A7C15U ^ key.size();
    const char *at = key.data();
    std::size_t left = key.size();
    for (; left >= 8; left -= 8, at += 8) {
        std::uint64_t eight;
        std::memcpy(&eight, at, 8);
        hash = mixed(hash ^ eight, 0xD6E8FEB86659FD93U);
    }
    std::uint64_t rest = 0;
    if (left > 0)
        std::memcpy(&rest, at, left);
    return mixed(hash ^ rest ^ 0xA0761D6478BD642FU, 0xE7037ED1A0B428DBU);
}

constexpr std::size_t k_network_key = 17;

void write_network_key(const network &net, char *out) noexcept {
    out[0] = static_cast<char>(net.prefix);
    std::memcpy(out + 1, net.address.data(), 16);
}

} // namespace

void key_set::reserve(std::size_t count, std::size_t bytes) {
    bytes_.reserve(bytes + count * k_header);
    std::size_t slots = 16;
    while (slots * 3 < count * 4) // three quarters full at most
        slots *= 2;
    if (slots > slots_.size())
        rehash(slots);
}

std::string_view key_set::key_at(std::uint32_t offset) const noexcept {
    std::uint16_t length;
    std::memcpy(&length, &bytes_[offset], sizeof(length));
    return {&bytes_[offset] + k_header, length};
}

std::size_t key_set::slot_of(std::string_view key) const noexcept {
    std::size_t mask = slots_.size() - 1;
    std::size_t slot = hash_of(key) & mask;
    while (slots_[slot] != 0 && key_at(slots_[slot] - 1) != key)
        slot = (slot + 1) & mask;
    return slot;
}

void key_set::rehash(std::size_t slots) {
    std::vector<std::uint32_t> before(slots, 0);
    before.swap(slots_);
    for (std::uint32_t kept : before) {
        if (kept != 0)
            slots_[slot_of(key_at(kept - 1))] = kept;
    }
}

void key_set::add(std::string_view key, moment until, bool present) {
    if ((count_ + 1) * 4 > slots_.size() * 3)
        rehash(std::max<std::size_t>(16, slots_.size() * 2));
    std::size_t slot = slot_of(key);
    if (slots_[slot] == 0) {
        std::size_t offset = bytes_.size();
        if (offset + k_header + key.size() >= 0xFFFFFFFFU)
            throw error{k_program_limit_exceeded, "a fraud list is larger than 4 GiB"};
        bytes_.resize(offset + k_header + key.size());
        auto length = static_cast<std::uint16_t>(key.size());
        std::memcpy(&bytes_[offset], &length, sizeof(length));
        if (!key.empty())
            std::memcpy(&bytes_[offset] + k_header, key.data(), key.size());
        slots_[slot] = static_cast<std::uint32_t>(offset + 1);
        ++count_;
    }
    std::size_t offset = slots_[slot] - 1;
    std::memcpy(&bytes_[offset + 2], &until, sizeof(until));
    bytes_[offset + 10] = present ? 1 : 0;
}

key_set::answer key_set::find(std::string_view key, moment at) const noexcept {
    if (count_ == 0)
        return answer::unknown;
    std::uint32_t kept = slots_[slot_of(key)];
    if (kept == 0)
        return answer::unknown;
    std::size_t offset = kept - 1;
    moment until;
    std::memcpy(&until, &bytes_[offset + 2], sizeof(until));
    return bytes_[offset + 10] != 0 && at < until ? answer::present : answer::absent;
}

void list_set::remember_length(std::string_view key) {
    if (kind_ == list_kind::ip)
        lengths_.set(std::min<std::size_t>(static_cast<unsigned char>(key.front()), 128));
    else if (kind_ == list_kind::bin)
        lengths_.set(std::min<std::size_t>(key.size(), 128));
}

void list_set::load(std::string_view entry, moment until) {
    std::string key = list_key(kind_, entry);
    if (key.empty())
        return;
    remember_length(key);
    base_.add(key, until);
}

void list_set::change(std::string_view entry, moment until, bool present) {
    std::string key = list_key(kind_, entry);
    if (key.empty())
        return;
    remember_length(key);
    changes_.add(key, until, present);
}

bool list_set::holds_key(std::string_view key, moment at) const noexcept {
    key_set::answer changed = changes_.find(key, at);
    if (changed != key_set::answer::unknown)
        return changed == key_set::answer::present;
    return base_.find(key, at) == key_set::answer::present;
}

bool list_set::holds_domain(std::string_view words, moment at) const noexcept {
    if (std::size_t sign = words.rfind('@'); sign != std::string_view::npos)
        words.remove_prefix(sign + 1);
    while (words.ends_with('.'))
        words.remove_suffix(1);
    while (!words.empty()) {
        if (holds_key(words, at))
            return true;
        std::size_t dot = words.find('.');
        words = dot == std::string_view::npos ? std::string_view{} : words.substr(dot + 1);
    }
    return false;
}

bool list_set::holds_network(std::string_view words, moment at) const noexcept {
    auto wanted = parse_network(words);
    if (!wanted)
        return false;
    char key[k_network_key];
    for (std::size_t prefix = wanted->prefix + std::size_t{1}; prefix-- > 0;) {
        if (!lengths_[prefix])
            continue;
        write_network_key(shortened(*wanted, static_cast<std::uint8_t>(prefix)), key);
        if (holds_key({key, k_network_key}, at))
            return true;
    }
    return false;
}

bool list_set::holds_text(std::string_view words, moment at) const noexcept {
    if (words.size() > k_max_list_value)
        return false;
    std::array<char, k_max_list_value> copy;
    std::transform(words.begin(), words.end(), copy.begin(), folding_of(kind_));
    std::string_view folded{copy.data(), words.size()};
    switch (kind_) {
    case list_kind::domain:
        return holds_domain(folded, at);
    case list_kind::ip:
        return holds_network(folded, at);
    case list_kind::bin:
        for (std::size_t length = std::min<std::size_t>(folded.size(), 11); length >= 4; --length) {
            if (lengths_[length] && holds_key(folded.substr(0, length), at))
                return true;
        }
        return false;
    default:
        return holds_key(folded, at);
    }
}

value list_set::holds(const value &wanted, moment at) const noexcept {
    if (auto known = unlisted(wanted))
        return *known;
    if (wanted.type == value_type::text)
        return value::of(holds_text(wanted.view(), at));
    char digits[24];
    auto end = std::to_chars(digits, digits + sizeof(digits), wanted.integer).ptr;
    return value::of(holds_text({digits, static_cast<std::size_t>(end - digits)}, at));
}

std::string list_key(list_kind kind, std::string_view entry) {
    if (kind != list_kind::ip)
        return std::string{entry.substr(0, k_max_list_value)};
    auto net = parse_network(entry);
    if (!net)
        return {};
    std::string key(k_network_key, '\0');
    write_network_key(*net, key.data());
    return key;
}

} // namespace saas::core::fraud
