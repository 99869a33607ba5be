// SPDX-License-Identifier: PostgreSQL
#include "core/fraud/history.hpp"

#include "core/fraud/lexer.hpp"

#include <algorithm>
#include <iterator>

namespace saas::core::fraud {
namespace {

constexpr history_source k_sources[] = {
    {"attempts", "payment_intents", "saas.payment_intents AS h", 'h', "payment_intents", "h.id"},
    {"payments", "payments", "saas.payments AS h", 'h', "payments", "h.payment_intent_id"},
    {"refunds", "refunds",
     "saas.refunds AS h JOIN saas.payments AS p ON p.team_id OPERATOR(pg_catalog.=) h.team_id AND "
     "p.id OPERATOR(pg_catalog.=) h.payment_id",
     'p', "payments", "p.payment_intent_id"}};

struct column {
    char alias;
    std::string_view field;
    std::string_view name;
    attribute_type type;
};
constexpr auto k_number = attribute_type::number;
constexpr auto k_text = attribute_type::text;
constexpr auto k_word = attribute_type::word;
constexpr auto k_code = attribute_type::code;
constexpr auto k_truth = attribute_type::boolean;

constexpr column k_attempt_columns[] = {
    {'h', "amount", "amount", k_number},
    {'h', "amount_received", "amount_received", k_number},
    {'h', "currency", "currency", k_code},
    {'h', "status", "status", k_text},
    {'h', "customer", "provider_customer_id", k_text},
    {'h', "capture_method", "capture_method", k_word},
    {'h', "description", "description", k_word},
    {'h', "provider", "provider", k_word},
    {'h', "livemode", "livemode", k_truth},
    {'h', "payment_method_id", "provider_payment_method_id", k_text},
    {'h', "last_error_code", "last_error_code", k_text},
    {'h', "last_error_decline_code", "last_error_decline_code", k_text}};

constexpr column k_payment_columns[] = {
    {'h', "amount", "amount", k_number},
    {'h', "amount_captured", "amount_captured", k_number},
    {'h', "amount_refunded", "amount_refunded", k_number},
    {'h', "currency", "currency", k_code},
    {'h', "status", "status", k_text},
    {'h', "failure_code", "failure_code", k_text},
    {'h', "is_disputed", "is_disputed", k_truth},
    {'h', "customer", "provider_customer_id", k_text},
    {'h', "payment_method_type", "payment_method_type", k_word},
    {'h', "card_brand", "card_brand", k_word},
    {'h', "card_last4", "card_last4", k_text},
    {'h', "card_country", "card_country", k_code},
    {'h', "card_funding", "card_funding", k_word},
    {'h', "card_fingerprint", "card_fingerprint", k_text},
    {'h', "cvc_check", "cvc_check", k_word},
    {'h', "address_zip_check", "address_zip_check", k_word},
    {'h', "description", "description", k_word},
    {'h', "provider", "provider", k_word},
    {'h', "livemode", "livemode", k_truth}};

constexpr column k_refund_columns[] = {
    {'h', "amount", "amount", k_number},
    {'h', "currency", "currency", k_code},
    {'h', "status", "status", k_text},
    {'h', "reason", "reason", k_text},
    {'p', "payment_amount", "amount", k_number},
    {'p', "customer", "provider_customer_id", k_text},
    {'p', "card_brand", "card_brand", k_word},
    {'p', "card_country", "card_country", k_code},
    {'p', "card_funding", "card_funding", k_word},
    {'p', "card_fingerprint", "card_fingerprint", k_text},
    {'p', "livemode", "livemode", k_truth}};

std::span<const column> columns_of(const history_source &source) {
    if (source.name == "attempts")
        return k_attempt_columns;
    if (source.name == "payments")
        return k_payment_columns;
    return k_refund_columns;
}

// A text in its folded form: case is folded in the collation "C", as the engine folds its own.
history_field folded(attribute_type type, const std::string &plain, const std::string &index) {
    if (type == attribute_type::word || type == attribute_type::code) {
        std::string change = type == attribute_type::word ? "lower(" : "upper(";
        return {type, "pg_catalog." + change + "(" + plain + ") COLLATE pg_catalog.\"C\")",
                change + "(" + index + ") COLLATE \"C\")"};
    }
    return {type, plain, index};
}

history_field of_column(const column &c) {
    std::string name{c.name};
    std::string plain = std::string{c.alias} + "." + name;
    // char(3) would be compared with its padding.
    if (name == "currency")
        return folded(c.type, plain + "::pg_catalog.text", "currency::text");
    return folded(c.type, plain, name);
}

// A key of a JSON document. Quotes and backslashes cannot occur in names of attributes; metadata's are
// quoted by `quoted_key`.
std::string quoted_key(std::string_view key) {
    std::string out = "E'";
    for (char c : key) {
        if (c == '\'' || c == '\\')
            out.push_back('\\');
        out.push_back(c);
    }
    return out + "'";
}

std::string plain_key(std::string_view key) {
    bool plain = key.find('\\') == std::string_view::npos;
    std::string out = plain ? "'" : "E'";
    for (char c : key) {
        if (c == '\'')
            out.push_back('\'');
        else if (c == '\\')
            out.push_back('\\');
        out.push_back(c);
    }
    return out + "'";
}

// The text, and for other types a value only when the document holds one of that type: what somebody
// stored must never make a payment fail. 300 digits fit into every type of number.
history_field of_document(std::string_view document, attribute_type type,
                          const std::vector<std::string_view> &path) {
    std::string inner = "h." + std::string{document};
    std::string index{document};
    for (std::size_t i = 0; i + 1 < path.size(); ++i) {
        inner = "(" + inner + " OPERATOR(pg_catalog.->) " + quoted_key(path[i]) + ")";
        index = "(" + index + " -> " + plain_key(path[i]) + ")";
    }
    std::string text = "(" + inner + " OPERATOR(pg_catalog.->>) " + quoted_key(path.back()) + ")";
    std::string index_text = "(" + index + " ->> " + plain_key(path.back()) + ")";
    std::string json = "(" + inner + " OPERATOR(pg_catalog.->) " + quoted_key(path.back()) + ")";
    std::string kind = "pg_catalog.jsonb_typeof(" + json + ") OPERATOR(pg_catalog.=) ";
    if (type == attribute_type::number)
        return {type,
                "CASE WHEN " + kind + "'number' AND pg_catalog.length(" + text +
                    ") OPERATOR(pg_catalog.<) 300 THEN " + json + "::pg_catalog.numeric END",
                ""};
    if (type == attribute_type::boolean)
        return {type, "CASE WHEN " + kind + "'boolean' THEN " + json + "::pg_catalog.bool END", ""};
    return folded(type, text, index_text);
}

std::vector<std::string_view> path_of(std::string_view name) {
    std::vector<std::string_view> path;
    for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
        path.push_back(name.substr(0, dot));
        name.remove_prefix(dot + 1);
    }
    path.push_back(name);
    return path;
}

// SQL twice: every name qualified, and as it stands in an index.
struct expression {
    std::string plain;
    std::string index;
};

expression attribute_text(const std::string &key) {
    return {"(h.attributes OPERATOR(pg_catalog.->>) " + quoted_key(key) + ")",
            "(attributes ->> " + plain_key(key) + ")"};
}

// What follows the last @ of the address.
expression computed_domain() {
    expression email = attribute_text("email");
    return {"pg_catalog.substring(" + email.plain + ", '@([^@]+)$')",
            "substring(" + email.index + ", '@([^@]+)$')"};
}

// The parts that there are, with blanks between them; concat_ws() is not for indexes.
expression computed_address(const std::string &whose) {
    expression parts;
    for (const char *part : {"address_line1", "address_line2", "city", "state", "postal_code", "country"}) {
        expression text = attribute_text(whose + part);
        if (!parts.plain.empty()) {
            parts.plain += " OPERATOR(pg_catalog.||) ";
            parts.index += " || ";
        }
        parts.plain += "COALESCE(' '::pg_catalog.text OPERATOR(pg_catalog.||) " + text.plain + ", '')";
        parts.index += "COALESCE(' '::text || " + text.index + ", '')";
    }
    return {"NULLIF(pg_catalog.substr(" + parts.plain + ", 2), '')",
            "NULLIF(substr(" + parts.index + ", 2), '')"};
}

// Attributes that are computed from others unless they are supplied: as saas.payment_attributes() and the
// evaluator compute them.
std::optional<history_field> computed_field(std::string_view name, attribute_type type) {
    expression computed;
    if (name == "email_domain")
        computed = computed_domain();
    else if (name == "billing_address" || name == "shipping_address")
        computed = computed_address(std::string{name.substr(0, name.find('_') + 1)});
    else
        return std::nullopt;
    expression supplied = attribute_text(std::string{name});
    return folded(type, "COALESCE(" + supplied.plain + ", " + computed.plain + ")",
                  "COALESCE(" + supplied.index + ", " + computed.index + ")");
}

// Whether the rules blocked the attempt, by the time from which is looked back.
constexpr std::string_view k_blocked =
    "EXISTS (SELECT FROM saas.fraud_assessments AS a WHERE a.team_id OPERATOR(pg_catalog.=) $1 AND "
    "a.payment_intent_id OPERATOR(pg_catalog.=) h.id AND a.decision OPERATOR(pg_catalog.=) 'block' "
    "AND a.assessed_at OPERATOR(pg_catalog.<=) $2)";

} // namespace

std::span<const history_source> history_sources() noexcept {
    return k_sources;
}

const history_source *find_history_source(std::string_view name) noexcept {
    const auto *found =
        std::find_if(std::begin(k_sources), std::end(k_sources), [&](const history_source &s) {
            return same_word(s.name, name);
        });
    return found == std::end(k_sources) ? nullptr : found;
}

std::optional<history_field> find_history_field(const history_source &source,
                                                std::string_view name) {
    if (name == "created_at")
        return history_field{attribute_type::number,
                             "pg_catalog.date_part('epoch', h.created_at)", ""};
    for (const column &c : columns_of(source)) {
        if (c.field == name)
            return of_column(c);
    }
    constexpr std::string_view k_metadata = "metadata.";
    if (name.starts_with(k_metadata))
        return of_document("metadata", attribute_type::metadata, {name.substr(k_metadata.size())});
    if (source.name != "attempts")
        return std::nullopt;
    if (name == "blocked")
        return history_field{attribute_type::boolean, std::string{k_blocked}, ""};
    const attribute *known = find_attribute(name);
    if (known == nullptr)
        return std::nullopt;
    if (!known->same_as.empty() && known->same_as != name)
        return find_history_field(source, known->same_as);
    std::string_view path = known->name;
    if (auto field = computed_field(path, known->type))
        return field;
    return of_document("attributes", known->type, path_of(path));
}

std::string_view nearest_history_field(const history_source &source, std::string_view name) {
    std::vector<std::string_view> names{"created_at"};
    for (const column &c : columns_of(source))
        names.push_back(c.field);
    if (source.name == "attempts") {
        names.push_back("blocked");
        for (const attribute &known : known_attributes())
            names.push_back(known.name);
    }
    return nearest_name(name, names);
}

} // namespace saas::core::fraud
