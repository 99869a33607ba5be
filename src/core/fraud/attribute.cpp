// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/attribute.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace saas::core::fraud {
namespace {

constexpr attribute k_converted_amount{"amount_in_xyz", attribute_type::number,
                                       attribute_origin::computed,
                                       "Amount in whole units of the currency xyz"};

constexpr std::size_t k_max_name = 64;

// Edits from `a` to `b`, counted up to `limit` + 1.
std::size_t distance(std::string_view a, std::string_view b, std::size_t limit) noexcept {
    if (a.size() > k_max_name || b.size() > k_max_name)
        return limit + 1;
    std::array<std::array<std::size_t, k_max_name + 1>, 3> rows{};
    for (std::size_t j = 0; j <= b.size(); ++j)
        rows[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        auto &row = rows[i % 3];
        const auto &above = rows[(i + 2) % 3];
        const auto &two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a.size() % 3][b.size()];
}

} // namespace

bool is_converted_amount(std::string_view name) noexcept {
    constexpr std::string_view k_prefix = "amount_in_";
    return name.size() == k_prefix.size() + 3 && name.starts_with(k_prefix) &&
           std::all_of(name.end() - 3, name.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

const attribute *find_attribute(std::string_view name) noexcept {
    std::span<const attribute> all = known_attributes();
    auto found = std::lower_bound(
        all.begin(), all.end(), name,
        [](const attribute &a, std::string_view wanted) { return a.name < wanted; });
    if (found != all.end() && found->name == name)
        return &*found;
    return is_converted_amount(name) ? &k_converted_amount : nullptr;
}

bool is_velocity_name(std::string_view name) noexcept {
    return name.ends_with("_hourly") || name.ends_with("_daily") || name.ends_with("_weekly") ||
           name.ends_with("_monthly") || name.ends_with("_all_time");
}

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> candidates) {
    std::size_t limit = std::clamp<std::size_t>(name.size() / 3, 1, 3);
    std::string_view best;
    std::size_t best_distance = limit + 1;
    for (std::string_view candidate : candidates) {
        std::size_t edits = distance(name, candidate, limit);
        if (edits < best_distance) {
            best = candidate;
            best_distance = edits;
        }
    }
    return best;
}

std::string_view nearest_attribute(std::string_view name) {
    std::vector<std::string_view> names;
    names.reserve(known_attributes().size());
    for (const attribute &known : known_attributes())
        names.push_back(known.name);
    return nearest_name(name, names);
}

} // namespace saas::core::fraud
