// SPDX-License-Identifier: PostgreSQL
// The reference of attributes is made from the code: this test writes it (SAAS_WRITE_DOCS=1) and checks that the
// committed page is the same.
#include "core/fraud/attribute.hpp"
#include "core/fraud/function_table.hpp"
#include "core/fraud/history.hpp"
#include "core/fraud/radar.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

namespace fraud = saas::core::fraud;

namespace {

constexpr const char *k_page = SAAS_SOURCE_DIR "/docs/modules/fraud_attributes.md";

std::string_view name_of(fraud::attribute_type type) {
    switch (type) {
    case fraud::attribute_type::boolean:
        return "truth value";
    case fraud::attribute_type::number:
        return "number";
    case fraud::attribute_type::text:
        return "text";
    case fraud::attribute_type::word:
        return "word";
    case fraud::attribute_type::code:
        return "code";
    case fraud::attribute_type::metadata:
        return "any";
    }
    return "";
}

std::string_view name_of(fraud::attribute_origin origin) {
    switch (origin) {
    case fraud::attribute_origin::intent:
        return "intent";
    case fraud::attribute_origin::payment:
        return "payment";
    case fraud::attribute_origin::computed:
        return "computed";
    case fraud::attribute_origin::supplied:
        return "supplied";
    }
    return "";
}

void write_counters(std::ostream &out) {
    out << "\n## Counters of Stripe Radar\n\n"
           "Numbers whose names follow a pattern. A value that the application supplies under that name counts; else the rules compute\n"
           "it from the team's own history, with exact windows. *supplied* ones know things beyond the team's tables, and are\n"
           "missing when nobody supplies them. Windows: `_hourly`, `_daily`, `_weekly`, `_monthly` (30 days), `_all_time`.\n\n"
           "| attribute, for instance | is |\n|---|---|\n";
    for (const char *name :
         {"total_charges_per_card_number_hourly", "authorized_charges_per_customer_daily",
          "declined_charges_per_ip_address_hourly", "blocked_charges_per_email_weekly",
          "total_charges_per_billing_address_daily", "card_count_for_email_daily",
          "email_count_for_card_weekly", "name_count_for_card_all_time",
          "total_customers_for_card_all_time", "dispute_count_on_card_number_all_time",
          "dispute_count_on_email_all_time", "efw_count_on_card_all_time",
          "refund_count_on_customer_weekly", "average_usd_amount_successful_on_card_all_time",
          "total_usd_amount_failed_on_customer_all_time",
          "distance_between_billing_and_shipping_address", "hours_since_email_first_seen",
          "minutes_since_card_first_seen", "hours_since_first_successful_auth_on_card",
          "seconds_since_customer_was_created", "customer.age_days", "amount_in_usd"}) {
        auto meaning = fraud::radar_meaning(name);
        ASSERT_TRUE(meaning) << name;
        out << "| `:" << name << ":` | "
            << (meaning->empty() ? "*supplied*" : "`" + *meaning + "`") << " |\n";
    }
}

void write_fields(std::ostream &out) {
    out << "\n## Fields of history\n\n"
           "What functions over history may name: behind the function, in `WHERE`, and as keys after `BY`. `created_at` counts seconds since\n"
           "1970. Source `attempts` also has every attribute above that was supplied with the attempt or told by its charge, and `metadata.key`.\n\n"
           "| source | table | fields of its own |\n|---|---|---|\n";
    for (const fraud::history_source &source : fraud::history_sources()) {
        out << "| `" << source.name << "` | `saas." << source.table << "` | ";
        bool first = true;
        for (const char *field :
             {"amount", "amount_captured", "amount_received", "amount_refunded", "blocked",
              "capture_method", "card_brand", "card_country", "card_fingerprint", "card_funding",
              "card_last4", "created_at", "currency", "customer", "cvc_check", "description",
              "failure_code", "is_disputed", "last_error_code", "last_error_decline_code",
              "livemode", "payment_amount", "payment_method_id", "payment_method_type", "provider", "reason",
              "status"}) {
            bool supplied = source.name == "attempts" && std::string_view{field}.starts_with("c") &&
                            (std::string_view{field}.starts_with("card") ||
                             std::string_view{field} == "cvc_check");
            if (supplied || !fraud::find_history_field(source, field))
                continue;
            out << (first ? "" : ", ") << "`" << field << "`";
            first = false;
        }
        out << " |\n";
    }
}

std::string page() {
    std::ostringstream out;
    out << "# Attributes of fraud rules\n\n"
           "Made from the code by `test/unit/fraud_attributes_test.cpp`; do not edit by hand.\n\n"
           "Rules read one JSON object: what the application and the provider supplied in the intent's `attributes`, over which the intent's own columns are\n"
           "laid, and under which lie those of its latest payment. `null` counts as missing. A name with a dot stands for an object within:\n"
           "`:device.id:` is `{\"device\": {\"id\": …}}`. Metadata are `metadata`, `customer_metadata`, `order_metadata` and\n"
           "`destination_metadata`.\n\n"
           "In a *word* the case of letters A to Z does not count, nor in a *code* (country, currency); in a *text* it does.\n"
           "From: *intent*, a column of the intent; *payment*, its latest payment, unless it is supplied; *computed* from others, unless it is\n"
           "supplied; *supplied* by the application.\n\n"
           "| attribute | type | from | what |\n|---|---|---|---|\n";
    for (const fraud::attribute &known : fraud::known_attributes())
        out << "| `:" << known.name << ":` | " << name_of(known.type) << " | "
            << name_of(known.origin) << " | " << known.meaning << " |\n";
    write_counters(out);
    write_fields(out);
    return out.str();
}

} // namespace

TEST(fraud_attributes, the_reference_is_current) {
    std::string expected = page();
    if (std::getenv("SAAS_WRITE_DOCS") != nullptr)
        std::ofstream{k_page} << expected;
    std::ifstream file{k_page};
    std::string written{std::istreambuf_iterator<char>{file}, {}};
    EXPECT_EQ(written, expected) << "SAAS_WRITE_DOCS=1 build/unit/unit_tests "
                                    "--gtest_filter=fraud_attributes.* writes it anew";
}

TEST(fraud_attributes, every_attribute_is_found_by_its_name) {
    for (const fraud::attribute &known : fraud::known_attributes()) {
        EXPECT_EQ(fraud::find_attribute(known.name), &known);
        if (!known.same_as.empty()) {
            const fraud::attribute *same = fraud::find_attribute(known.same_as);
            ASSERT_NE(same, nullptr) << known.name;
            EXPECT_EQ(same->type, known.type) << known.name;
        }
    }
}
