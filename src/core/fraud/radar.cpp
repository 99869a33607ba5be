// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/radar.hpp"

#include "core/fraud/attribute.hpp"

#include <algorithm>
#include <iterator>
#include <span>

namespace saas::core::fraud {
namespace {

struct pair {
    std::string_view word;
    std::string_view meaning;
};

constexpr pair k_windows[] = {{"_hourly", "OVER 1h"},
                              {"_daily", "OVER 24h"},
                              {"_weekly", "OVER 7d"},
                              {"_monthly", "OVER 30d"},
                              {"_all_time", "ALL TIME"}};

// Whose history; the name of the field as well.
constexpr pair k_keys[] = {{"card_number", "card_fingerprint"},
                           {"card", "card_fingerprint"},
                           {"customer", "customer"},
                           {"email", "email"},
                           {"ip_address", "ip"},
                           {"ip", "ip"},
                           {"device", "device.id"},
                           {"name", "customer_name"},
                           {"email_domain", "email_domain"},
                           {"billing_address", "billing_address"},
                           {"shipping_address", "shipping_address"}};

constexpr pair k_outcomes[] = {
    {"total", ""},
    {"authorized",
     "WHERE status IN ('requires_capture', 'partially_captured', 'succeeded') "},
    {"blocked", "WHERE blocked "},
    {"declined", "WHERE last_error_code IS NOT MISSING "}};

constexpr pair k_units[] = {
    {"hours_since_", " * 24"}, {"minutes_since_", " * 1440"}, {"seconds_since_", " * 86400"}};

std::optional<std::string_view> meaning_in(std::span<const pair> table, std::string_view word) {
    const auto found = std::find_if(table.begin(), table.end(),
                                    [&](const pair &p) { return p.word == word; });
    return found == table.end() ? std::nullopt : std::optional{found->meaning};
}

std::string by(std::string_view key, std::string_view window) {
    return std::string{"BY :"}.append(key).append(": ").append(window).append(")");
}

// `name` without its window, and the window; nothing without one.
std::optional<std::string_view> take_window(std::string_view &name) {
    for (const pair &window : k_windows) {
        if (name.ends_with(window.word)) {
            name.remove_suffix(window.word.size());
            return window.meaning;
        }
    }
    return std::nullopt;
}

// Splits "a<middle>b"; false when `middle` is not within.
bool split(std::string_view name, std::string_view middle, std::string_view &before,
           std::string_view &after) {
    std::size_t at = name.find(middle);
    if (at == std::string_view::npos)
        return false;
    before = name.substr(0, at);
    after = name.substr(at + middle.size());
    return true;
}

// total_charges_per_email_daily and its like, without the window.
std::optional<std::string> windowed(std::string_view name, std::string_view window) {
    std::string_view before;
    std::string_view after;
    if (split(name, "_charges_per_", before, after)) {
        auto outcome = meaning_in(k_outcomes, before);
        auto key = meaning_in(k_keys, after);
        if (outcome && key)
            return "count(FROM attempts " + std::string{*outcome} + by(*key, window);
    } else if (split(name, "_count_for_", before, after)) {
        auto counted = meaning_in(k_keys, before);
        auto key = meaning_in(k_keys, after);
        if (before == "dispute" || before == "efw")
            return std::string{};
        if (counted && key)
            return "count(DISTINCT " + std::string{*counted} + " FROM attempts " + by(*key, window);
    } else if (split(name, "_count_on_", before, after)) {
        auto key = meaning_in(k_keys, after);
        if (!key || (before != "dispute" && before != "efw" && before != "refund"))
            return std::nullopt;
        bool ours = *key == "card_fingerprint" || *key == "customer";
        if (before == "dispute" && ours)
            return "count(FROM payments WHERE is_disputed " + by(*key, window);
        if (before == "refund" && ours)
            return "count(FROM refunds WHERE status = 'succeeded' " + by(*key, window);
        return std::string{};
    } else if (split(name, "total_customers_for_", before, after) && before.empty()) {
        if (auto key = meaning_in(k_keys, after))
            return "count(DISTINCT customer FROM attempts " + by(*key, window);
    } else if (name.find("_usd_amount_") != std::string_view::npos &&
               (name.starts_with("average_") || name.starts_with("total_")) &&
               split(name, "_on_", before, after) && meaning_in(k_keys, after)) {
        return std::string{};
    }
    return std::nullopt;
}

// hours_since_email_first_seen, hours_since_first_successful_auth_on_card, …
std::optional<std::string> since(std::string_view name) {
    for (const pair &unit : k_units) {
        if (!name.starts_with(unit.word))
            continue;
        std::string_view what = name.substr(unit.word.size());
        std::string_view key;
        std::string_view rest;
        if (what == "customer_was_created" || what == "customer_created")
            return "age(:customer.created_at:)" + std::string{unit.meaning};
        if (split(what, "first_successful_auth_on_", rest, key) && rest.empty()) {
            if (auto field = meaning_in(k_keys, key))
                return "age(first(created_at FROM attempts " + std::string{k_outcomes[1].meaning} +
                       by(*field, "ALL TIME") + ")" + std::string{unit.meaning};
        }
        if (split(what, "_first_seen", key, rest)) {
            if (auto field = meaning_in(k_keys, key))
                return "age(first(created_at FROM attempts " + by(*field, "ALL TIME") + ")" +
                       std::string{unit.meaning};
        }
        return what.empty() ? std::nullopt : std::optional{std::string{}};
    }
    return std::nullopt;
}

} // namespace

std::optional<std::string> radar_meaning(std::string_view name) {
    if (name == "customer.age_days")
        return "age(:customer.created_at:)";
    if (is_converted_amount(name))
        return "amount_in('" + std::string{name.substr(name.size() - 3)} + "')";
    if (name.starts_with("distance_between_") && name.find("_and_") != std::string_view::npos)
        return std::string{};
    if (auto found = since(name))
        return found;
    std::string_view stem = name;
    if (auto window = take_window(stem))
        return windowed(stem, *window);
    return std::nullopt;
}

} // namespace saas::core::fraud
