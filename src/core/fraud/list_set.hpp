// SPDX-License-Identifier: PostgreSQL
// Lists of values (@blocked_cards) in memory: what an entry and a value look like as keys, and a set
// of keys that holds millions.
#pragma once

#include "core/fraud/moment.hpp"
#include "core/fraud/network.hpp"

#include <array>
#include <bitset>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace saas::core::fraud {

// What the entries of a list are.
enum class list_kind : std::uint8_t {
    string,                // ASCII case ignored
    case_sensitive_string, // byte by byte
    email,                 // ASCII case ignored
    domain,                // a domain holds its subdomains; of an address its domain counts
    ip,                    // an address or a network, IPv4 or IPv6
    country,               // two letters, case ignored
    bin,                   // 4 to 11 leading digits of a card number
    card_fingerprint,      // byte by byte
    customer               // byte by byte
};

// "string", "case_sensitive_string", … and back; nothing for another word.
[[nodiscard]] std::string_view name_of(list_kind kind) noexcept;
[[nodiscard]] std::optional<list_kind> list_kind_of(std::string_view name) noexcept;

inline constexpr std::size_t k_max_list_value = 512; // bytes
inline constexpr moment k_never = std::numeric_limits<moment>::max();

// The one form in which an entry of the kind is kept, from what somebody wrote: blanks around it go,
// case is folded where it does not count, networks lose the bits behind their prefix and are written as
// by RFC 5952. Throws core::error SA053 for what is no such thing, with what would be right as hint.
[[nodiscard]] std::string list_entry(list_kind kind, std::string_view written);

// The key under which list_set keeps an entry that list_entry made. Networks become 17 bytes, the others stay.
[[nodiscard]] std::string list_key(list_kind kind, std::string_view entry);

// The entries of the kind that would hold the value, in the form that list_entry gives: the domain and those
// above it, the networks around an address, and so on. Empty for what is no such thing.
[[nodiscard]] std::vector<std::string> list_candidates(list_kind kind, std::string_view value);

// What a look-up answers without a list: missing and failed values stay what they are, and values other than texts
// and whole numbers are of the wrong type. Nothing for those that are looked up.
[[nodiscard]] std::optional<value> unlisted(const value &wanted) noexcept;

// The text under which a value is looked up in a list: itself, or the digits of a number.
[[nodiscard]] std::string text_of(const value &a);

// A set of keys, each until a moment. Grows only; 30 to 60 bytes a key of 20. Open addressing with
// linear probing over offsets into one block of bytes.
class key_set {
public:
    // Room for `count` keys of `bytes` bytes together, so that adding moves nothing.
    void reserve(std::size_t count, std::size_t bytes);
    // Adds the key, or replaces its moments. `present` false marks it as taken out. Throws std::bad_alloc
    // and error 54000 beyond 4 GiB.
    void add(std::string_view key, moment until = k_never, bool present = true);

    enum class answer : std::uint8_t { unknown, present, absent };
    // Whether the key is there at the moment; unknown when it was never added.
    [[nodiscard]] answer find(std::string_view key, moment at) const noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    // Bytes of memory.
    [[nodiscard]] std::size_t footprint() const noexcept {
        return slots_.capacity() * sizeof(slots_[0]) + bytes_.capacity();
    }

private:
    // In bytes_: length (2 bytes), until (8 bytes), present (1 byte), the key.
    static constexpr std::size_t k_header = 11;

    [[nodiscard]] std::size_t slot_of(std::string_view key) const noexcept;
    [[nodiscard]] std::string_view key_at(std::uint32_t offset) const noexcept;
    void rehash(std::size_t slots);

    std::vector<std::uint32_t> slots_; // offset + 1; 0 is free; a power of two of them
    std::vector<char> bytes_;
    std::size_t count_ = 0;
};

// One list: its entries as loaded, and what has changed since.
class list_set {
public:
    explicit list_set(list_kind kind) : kind_{kind} {}

    void reserve(std::size_t count, std::size_t bytes) { base_.reserve(count, bytes); }
    // An entry in the form that list_entry gives.
    void load(std::string_view entry, moment until);
    // Forgets the changes; then change() tells them anew, in their order.
    void clear_changes() { changes_ = key_set{}; }
    void change(std::string_view entry, moment until, bool present);

    // Whether the list holds the value at the moment: 20 to 200 ns, for networks that times the number of
    // different prefix lengths. A value that is no address, domain … is in no list. Missing
    // and failures stay what they are; numbers are looked up as their digits.
    [[nodiscard]] value holds(const value &wanted, moment at) const noexcept;

    [[nodiscard]] list_kind kind() const noexcept { return kind_; }
    [[nodiscard]] std::size_t size() const noexcept { return base_.size(); }
    [[nodiscard]] std::size_t change_count() const noexcept { return changes_.size(); }
    [[nodiscard]] std::size_t footprint() const noexcept {
        return base_.footprint() + changes_.footprint();
    }

private:
    [[nodiscard]] bool holds_key(std::string_view key, moment at) const noexcept;
    [[nodiscard]] bool holds_text(std::string_view words, moment at) const noexcept;
    [[nodiscard]] bool holds_domain(std::string_view words, moment at) const noexcept;
    [[nodiscard]] bool holds_network(std::string_view words, moment at) const noexcept;
    void remember_length(std::string_view key);

    list_kind kind_;
    key_set base_;
    key_set changes_;
    std::bitset<129> lengths_; // of prefixes of networks, and of bins
};

} // namespace saas::core::fraud
