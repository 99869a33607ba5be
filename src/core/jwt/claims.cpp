// SPDX-License-Identifier: PostgreSQL
#include "core/jwt/token.hpp"

#include <algorithm>
#include <cmath>

#include "core/jwt/errors.hpp"
#include "core/jwt/strict_json.hpp"

namespace saas::core::jwt {
namespace {

namespace json = boost::json;

[[noreturn]] void not_valid(const char *message, const char *hint) {
    throw error{k_not_valid, message, {}, hint};
}

[[noreturn]] void bad_option(std::string message) {
    throw error{k_invalid_parameter_value,
                std::move(message),
                {},
                "The options are at, leeway, max_age, issuer, audience, algorithms, required and "
                "type."};
}

std::optional<double> number_of(const json::value &value) noexcept {
    if (value.is_int64())
        return static_cast<double>(value.get_int64());
    if (value.is_uint64())
        return static_cast<double>(value.get_uint64());
    if (value.is_double() && std::isfinite(value.get_double()))
        return value.get_double();
    return std::nullopt;
}

// NumericDate of RFC 7519, section 2.
std::optional<double> time_of(const json::object &claims, const char *name) {
    const json::value *claim = claims.if_contains(name);
    if (claim == nullptr)
        return std::nullopt;
    const auto time = number_of(*claim);
    if (!time)
        throw error{k_not_valid,
                    std::string{"the token's claim "} + name + " is no time",
                    {},
                    "Times are numbers of seconds since 1970."};
    return time;
}

void check_times(const json::object &claims, const checks &wanted) {
    const auto expires = time_of(claims, "exp");
    const auto begins = time_of(claims, "nbf");
    const auto issued = time_of(claims, "iat");
    if (expires && wanted.at >= *expires + wanted.leeway)
        not_valid("the token has expired", "Ask its issuer for a new one.");
    if (begins && wanted.at < *begins - wanted.leeway)
        not_valid("the token is not valid yet",
                  "Wait, or allow for clocks that differ (option leeway).");
    if (issued && wanted.at < *issued - wanted.leeway)
        not_valid("the token was issued in the future",
                  "Allow for clocks that differ (option leeway).");
    if (!wanted.max_age)
        return;
    if (!issued)
        not_valid("the token does not say when it was issued", "Option max_age needs claim iat.");
    if (wanted.at - *issued > *wanted.max_age + wanted.leeway)
        not_valid("the token is too old", "Ask its issuer for a new one.");
}

bool contains(const std::vector<std::string> &texts, const json::value &text) {
    if (!text.is_string())
        not_valid("the token's issuer or audience is no string",
                  "iss is a string, aud a string or an array of strings.");
    return std::find(texts.begin(), texts.end(), view(text.get_string())) != texts.end();
}

// Who is not among those for whom a token is meant must refuse it (RFC 7519, section 4.1.3).
void check_audience(const json::object &claims, const checks &wanted) {
    const json::value *audience = claims.if_contains("aud");
    if (audience == nullptr && wanted.audiences.empty())
        return;
    bool meant = false;
    if (audience != nullptr && audience->is_array()) {
        for (const json::value &one : audience->get_array())
            meant = contains(wanted.audiences, one) || meant;
    } else if (audience != nullptr) {
        meant = contains(wanted.audiences, *audience);
    }
    if (!meant)
        not_valid("the token is for another audience",
                  "Option audience says who you are; claim aud must name it.");
}

void check_issuer(const json::object &claims, const checks &wanted) {
    if (wanted.issuers.empty())
        return;
    const json::value *issuer = claims.if_contains("iss");
    if (issuer == nullptr || !contains(wanted.issuers, *issuer))
        not_valid("the token is from another issuer", "Option issuer says from whom it must be.");
}

double seconds_option(const json::value &value, const char *name, bool may_be_negative) {
    const auto seconds = number_of(value);
    if (!seconds || (*seconds < 0 && !may_be_negative))
        bad_option(std::string{"option "} + name + " is no number of seconds");
    return *seconds;
}

std::string text_option(const json::value &value, const std::string &name) {
    if (!value.is_string() || value.get_string().empty())
        bad_option("option " + name + " is no text");
    return std::string{view(value.get_string())};
}

// An empty list would allow anything, or nothing: nobody means it.
std::vector<std::string> texts_option(const json::value &value, const std::string &name) {
    if (!value.is_array())
        return {text_option(value, name)};
    std::vector<std::string> texts;
    for (const json::value &one : value.get_array())
        texts.push_back(text_option(one, name));
    if (texts.empty())
        bad_option("option " + name + " is empty");
    return texts;
}

std::vector<algorithm> algorithms_option(const json::value &value) {
    std::vector<algorithm> algorithms;
    for (const std::string &name : texts_option(value, "algorithms")) {
        const auto known = parse_algorithm(name);
        if (!known)
            throw error{k_invalid_parameter_value,
                        "option algorithms names one that is not supported",
                        {},
                        "Supported are HS256, RS256, ES256 and EdDSA."};
        algorithms.push_back(*known);
    }
    return algorithms;
}

void set_option(const std::string &name, const json::value &value, checks &into) {
    if (name == "at")
        into.at = seconds_option(value, "at", true);
    else if (name == "leeway")
        into.leeway = seconds_option(value, "leeway", false);
    else if (name == "max_age")
        into.max_age = seconds_option(value, "max_age", false);
    else if (name == "issuer")
        into.issuers = texts_option(value, name);
    else if (name == "audience")
        into.audiences = texts_option(value, name);
    else if (name == "algorithms")
        into.algorithms = algorithms_option(value);
    else if (name == "required")
        into.required = texts_option(value, name);
    else if (name == "type")
        into.type = text_option(value, name);
    else
        bad_option("there is no such option");
}

} // namespace

void parse_options(std::string_view text, checks &into) {
    std::string reason;
    const auto options = parse_object(text, reason);
    if (!options)
        bad_option("the text of the options " + reason);
    for (const auto &option : *options)
        set_option(std::string{option.key().data(), option.key().size()}, option.value(), into);
}

void check_claims(const json::object &claims, const checks &wanted) {
    check_times(claims, wanted);
    check_issuer(claims, wanted);
    check_audience(claims, wanted);
    for (const std::string &name : wanted.required) {
        const json::value *claim = claims.if_contains({name.data(), name.size()});
        if (claim == nullptr || claim->is_null())
            throw error{k_not_valid,
                        "the token lacks a claim that is required",
                        {},
                        "Option required lists the claims that must be there."};
    }
}

} // namespace saas::core::jwt
