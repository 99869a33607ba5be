// SPDX-License-Identifier: PostgreSQL
#include "core/webauthn/cbor.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace saas::core::webauthn {
namespace {

constexpr std::uint64_t k_false = 20;
constexpr std::uint64_t k_null = 22;

struct head {
    unsigned major;
    std::uint64_t argument;
};

// The first byte and the argument behind it, in its shortest form.
std::optional<head> take_head(bytes_in &data) noexcept {
    if (data.empty())
        return std::nullopt;
    const unsigned major = data[0] >> 5U;
    const unsigned info = data[0] & 0x1fU;
    data = data.subspan(1);
    if (info < 24)
        return head{major, info};
    if (info > 27) // reserved, or of indefinite length
        return std::nullopt;
    const std::size_t size = std::size_t{1} << (info - 24U);
    if (data.size() < size)
        return std::nullopt;
    std::uint64_t argument = 0;
    for (std::size_t i = 0; i < size; ++i)
        argument = argument << 8U | data[i];
    data = data.subspan(size);
    constexpr std::array<std::uint64_t, 4> k_least{24, 0x100, 0x10000, 0x100000000};
    if (argument < k_least[info - 24U])
        return std::nullopt;
    return head{major, argument};
}

std::optional<cbor_item> take(bytes_in &data, int depth) noexcept;

// Takes off an item that was found right before. Each byte is passed once, however deep it lies.
void skip(bytes_in &data) noexcept {
    for (std::uint64_t left = 1; left > 0; --left) {
        const auto item = take_head(data);
        if (!item)
            return;
        if (item->major == 2 || item->major == 3)
            data = data.subspan(static_cast<std::size_t>(item->argument));
        else if (item->major == 4 || item->major == 5)
            left += item->argument * (item->major == 5 ? 2 : 1);
    }
}

// Whether the key is none of those before it. Items have one encoding each, so the bytes tell.
bool is_new_key(bytes_in pairs, bytes_in key, std::uint64_t before) noexcept {
    for (std::uint64_t i = 0; i < before; ++i) {
        const bytes_in from = pairs;
        skip(pairs);
        const bytes_in other = from.first(from.size() - pairs.size());
        if (std::equal(other.begin(), other.end(), key.begin(), key.end()))
            return false;
        skip(pairs);
    }
    return true;
}

// The elements of an array or map; their encoded bytes.
std::optional<bytes_in> take_elements(bytes_in &data, const head &of, int depth) noexcept {
    const bool pairs = of.major == 5;
    if (depth <= 0 || (pairs && of.argument > k_max_pairs))
        return std::nullopt;
    const bytes_in from = data;
    for (std::uint64_t i = 0; i < of.argument; ++i) {
        const bytes_in element = data;
        const auto key = take(data, depth - 1);
        if (!key)
            return std::nullopt;
        if (!pairs)
            continue;
        if (!is_new_key(from, element.first(element.size() - data.size()), i) ||
            !take(data, depth - 1))
            return std::nullopt;
    }
    return from.first(from.size() - data.size());
}

std::optional<cbor_item> take(bytes_in &data, int depth) noexcept {
    const auto first = take_head(data);
    if (!first)
        return std::nullopt;
    cbor_item out{cbor_kind::unsigned_number, first->argument, {}};
    switch (first->major) {
    case 0:
        return out;
    case 1:
        out.kind = cbor_kind::negative_number;
        return out;
    case 2:
    case 3:
        if (data.size() < first->argument)
            return std::nullopt;
        out.kind = first->major == 2 ? cbor_kind::bytes : cbor_kind::text;
        out.content = data.first(static_cast<std::size_t>(first->argument));
        data = data.subspan(out.content.size());
        return out;
    case 4:
    case 5: {
        const auto elements = take_elements(data, *first, depth);
        if (!elements)
            return std::nullopt;
        out.kind = first->major == 4 ? cbor_kind::array : cbor_kind::map;
        out.content = *elements;
        return out;
    }
    case 7:
        // Floating-point numbers have the same major type, and larger arguments in their first
        // byte.
        if (first->argument < k_false || first->argument > k_null)
            return std::nullopt;
        out.kind = cbor_kind::simple;
        return out;
    default: // tags
        return std::nullopt;
    }
}

template <class Matches>
std::optional<cbor_item> find_if(const cbor_item &map, const Matches &matches) noexcept {
    if (map.kind != cbor_kind::map)
        return std::nullopt;
    bytes_in rest = map.content;
    for (std::uint64_t i = 0; i < map.number; ++i) {
        const auto key = take(rest, k_max_depth);
        if (!key)
            return std::nullopt;
        if (matches(*key))
            return take(rest, k_max_depth);
        skip(rest);
    }
    return std::nullopt;
}

} // namespace

std::optional<std::int64_t> cbor_item::integer() const noexcept {
    if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return std::nullopt;
    if (kind == cbor_kind::unsigned_number)
        return static_cast<std::int64_t>(number);
    if (kind == cbor_kind::negative_number)
        return -1 - static_cast<std::int64_t>(number);
    return std::nullopt;
}

bool cbor_item::is_text(std::string_view wanted) const noexcept {
    return kind == cbor_kind::text && std::equal(content.begin(), content.end(), wanted.begin(),
                                                 wanted.end(), [](std::uint8_t byte, char c) {
                                                     return byte == static_cast<std::uint8_t>(c);
                                                 });
}

std::optional<cbor_item> take_item(bytes_in &data) noexcept {
    bytes_in rest = data;
    const auto item = take(rest, k_max_depth);
    if (item)
        data = rest;
    return item;
}

std::optional<cbor_item> find(const cbor_item &map, std::int64_t key) noexcept {
    return find_if(map, [key](const cbor_item &k) { return k.integer() == key; });
}

std::optional<cbor_item> find(const cbor_item &map, std::string_view key) noexcept {
    return find_if(map, [key](const cbor_item &k) { return k.is_text(key); });
}

} // namespace saas::core::webauthn
