// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/attribute.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace saas::core::fraud {
namespace {

constexpr attribute k_attributes[] = {
    {"address_line1_check", attribute_type::text,
     "Issuer's check of the first address line: pass, fail, unavailable, unchecked"},
    {"address_zip_check", attribute_type::text,
     "Issuer's check of the postal code: pass, fail, unavailable, unchecked"},
    {"amount", attribute_type::number, "Amount in minor units of the currency"},
    {"attempt_count", attribute_type::number,
     "Attempts made for this payment so far, this one included"},
    {"billing_address_country", attribute_type::code, "Radar's name for billing_country",
     "billing_country"},
    {"billing_address_postal_code", attribute_type::text, "Radar's name for billing_postal_code",
     "billing_postal_code"},
    {"billing_city", attribute_type::text, "City of the billing address"},
    {"billing_country", attribute_type::code, "Country of the billing address, ISO 3166-1 alpha-2"},
    {"billing_postal_code", attribute_type::text, "Postal code of the billing address"},
    {"capture_method", attribute_type::text, "automatic or manual"},
    {"card_3d_secure_support", attribute_type::text,
     "required, recommended, optional or not_supported"},
    {"card_bin", attribute_type::text, "First six to eight digits of the card number"},
    {"card_brand", attribute_type::text, "visa, mastercard, amex, …"},
    {"card_country", attribute_type::code, "Country of the card's issuer, ISO 3166-1 alpha-2"},
    {"card_exp_month", attribute_type::number, "Month in which the card expires, 1 to 12"},
    {"card_exp_year", attribute_type::number, "Year in which the card expires, four digits"},
    {"card_fingerprint", attribute_type::text, "Identifies a card number without showing it"},
    {"card_funding", attribute_type::text, "credit, debit, prepaid or unknown"},
    {"card_last4", attribute_type::text, "Last four digits of the card number"},
    {"charge_description", attribute_type::text, "Radar's name for description", "description"},
    {"currency", attribute_type::code, "Currency, ISO 4217"},
    {"customer", attribute_type::text, "Customer at the payment provider"},
    {"customer.age_days", attribute_type::number, "Days since the customer was created"},
    {"customer.country", attribute_type::code, "Country of the customer"},
    {"customer.order_count", attribute_type::number, "Orders of the customer before this one"},
    {"customer_id", attribute_type::text, "Customer of the team"},
    {"customer_name", attribute_type::text, "Name of the customer"},
    {"cvc_check", attribute_type::text,
     "Issuer's check of the security code: pass, fail, unavailable, unchecked"},
    {"description", attribute_type::text, "Description of the payment"},
    {"destination", attribute_type::text, "Account that receives the payment"},
    {"device.id", attribute_type::text, "Identifier of the buyer's device"},
    {"device.type", attribute_type::text, "desktop, mobile, tablet"},
    {"device.user_agent", attribute_type::text, "User agent of the buyer's browser"},
    {"digital_wallet", attribute_type::text, "apple_pay, google_pay, …"},
    {"email", attribute_type::text, "Email address of the buyer"},
    {"email_domain", attribute_type::text, "Part of the email address after the @"},
    {"has_cryptogram", attribute_type::boolean, "The payment carries a network cryptogram"},
    {"has_liability_shift", attribute_type::boolean, "The issuer bears the liability for fraud"},
    {"ip", attribute_type::text, "Internet address of the buyer"},
    {"ip_address", attribute_type::text, "Radar's name for ip", "ip"},
    {"ip_country", attribute_type::code, "Country of the buyer's internet address"},
    {"ip_state", attribute_type::text, "State or province of the buyer's internet address"},
    {"is_3d_secure", attribute_type::boolean, "The attempt went through 3-D Secure"},
    {"is_3d_secure_authenticated", attribute_type::boolean,
     "3-D Secure ended with an authentication"},
    {"is_anonymous_ip", attribute_type::boolean, "The address belongs to a proxy, a VPN or Tor"},
    {"is_disposable_email", attribute_type::boolean,
     "The email domain is one of throw-away addresses"},
    {"is_my_login_ip", attribute_type::boolean,
     "The address was used to sign in to the merchant's account"},
    {"is_off_session", attribute_type::boolean, "The buyer was not present"},
    {"is_recurring", attribute_type::boolean, "The payment belongs to a subscription"},
    {"is_setup_intent", attribute_type::boolean,
     "A payment method is being saved, nothing is charged"},
    {"livemode", attribute_type::boolean, "A real payment, not a test"},
    {"order.item_count", attribute_type::number, "Items in the order"},
    {"order.total", attribute_type::number, "Total of the order in minor units"},
    {"payment_method_type", attribute_type::text, "card, sepa_debit, paypal, …"},
    {"provider", attribute_type::text, "Payment provider: stripe, paypal, square, adyen, razorpay"},
    {"risk_level", attribute_type::text,
     "Risk as judged by the provider: normal, elevated, highest"},
    {"risk_score", attribute_type::number, "Risk as judged by the provider, 0 to 100"},
    {"shipping_address_country", attribute_type::code, "Radar's name for shipping_country",
     "shipping_country"},
    {"shipping_address_postal_code", attribute_type::text, "Radar's name for shipping_postal_code",
     "shipping_postal_code"},
    {"shipping_city", attribute_type::text, "City of the shipping address"},
    {"shipping_country", attribute_type::code,
     "Country of the shipping address, ISO 3166-1 alpha-2"},
    {"shipping_postal_code", attribute_type::text, "Postal code of the shipping address"},
    {"statement_descriptor", attribute_type::text, "What the buyer's statement will show"},
};
static_assert(std::is_sorted(std::begin(k_attributes), std::end(k_attributes),
                             [](const attribute &a, const attribute &b) {
                                 return a.name < b.name;
                             }),
              "found by binary search");

constexpr attribute k_converted_amount{"amount_in_xyz", attribute_type::number,
                                       "Amount in minor units of the currency xyz"};

bool is_converted_amount(std::string_view name) noexcept {
    constexpr std::string_view k_prefix = "amount_in_";
    return name.size() == k_prefix.size() + 3 && name.starts_with(k_prefix) &&
           std::all_of(name.end() - 3, name.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

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

std::span<const attribute> known_attributes() noexcept {
    return k_attributes;
}

const attribute *find_attribute(std::string_view name) noexcept {
    const auto *found = std::lower_bound(
        std::begin(k_attributes), std::end(k_attributes), name,
        [](const attribute &a, std::string_view wanted) { return a.name < wanted; });
    if (found != std::end(k_attributes) && found->name == name)
        return found;
    return is_converted_amount(name) ? &k_converted_amount : nullptr;
}

bool is_velocity_name(std::string_view name) noexcept {
    return name.ends_with("_hourly") || name.ends_with("_daily") || name.ends_with("_weekly") ||
           name.ends_with("_all_time");
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
    names.reserve(std::size(k_attributes));
    for (const attribute &known : k_attributes)
        names.push_back(known.name);
    return nearest_name(name, names);
}

} // namespace saas::core::fraud
