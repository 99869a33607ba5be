// SPDX-License-Identifier: PostgreSQL
#include "core/jwt/token.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/serialize.hpp>

#include "core/jwt/base64url.hpp"
#include "core/jwt/errors.hpp"
#include "core/jwt/strict_json.hpp"
#include "core/sha256.hpp"

namespace saas::core::jwt {
namespace {

namespace json = boost::json;

constexpr const char *k_form_hint =
    "A token is header, claims and signature in base64url without padding, joined by dots.";

[[noreturn]] void malformed(const std::string &message, const char *hint = k_form_hint) {
    throw error{k_malformed, message, {}, hint};
}

struct token_parts {
    std::string_view header;
    std::string_view claims;
    std::string_view signature;
    std::string_view signed_part; // header, dot, claims
};

token_parts split(std::string_view token) {
    if (token.size() > k_max_token_bytes)
        malformed("the token is longer than 16 KiB");
    const std::size_t first = token.find('.');
    const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
        malformed("the token does not have three parts");
    return {token.substr(0, first), token.substr(first + 1, second - first - 1),
            token.substr(second + 1), token.substr(0, second)};
}

std::string decode(std::string_view part, const char *what) {
    auto bytes = from_base64url(part);
    if (!bytes)
        malformed(std::string{"the token's "} + what + " is not base64url");
    return *std::move(bytes);
}

json::object parse_part(std::string_view text, const char *what) {
    std::string reason;
    auto object = parse_object(text, reason);
    if (!object)
        malformed(std::string{"the token's "} + what + ' ' + reason);
    return *std::move(object);
}

// Members that would change what is verified, or that bring a key along.
void refuse_members(const json::object &header) {
    for (std::string_view name : {"jwk", "jku", "x5u", "x5c"}) {
        if (header.contains({name.data(), name.size()}))
            malformed("the token's header brings its own key (" + std::string{name} + ")",
                      "Keys come from the issuer, never from the token.");
    }
    if (header.contains("crit"))
        malformed("the token's header demands an extension (crit)",
                  "No extension of RFC 7515 is supported.");
    const json::value *encoded = header.if_contains("b64");
    if (encoded != nullptr && !(encoded->is_bool() && encoded->get_bool()))
        malformed("the token's claims are not encoded (b64)", "RFC 7797 is not supported.");
}

std::optional<std::string_view> text_of(const json::object &header, std::string_view name) {
    bool wrong = false;
    const json::string *text = string_member(header, name, wrong);
    if (wrong)
        malformed("the token's header has a member " + std::string{name} + " that is no string");
    return text == nullptr ? std::nullopt : std::optional{view(*text)};
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return lower(x) == lower(y); });
}

// RFC 7515, section 4.1.9: "application/" is left out.
std::string_view media_type(std::string_view type) noexcept {
    constexpr std::string_view k_prefix = "application/";
    const bool has_prefix = equal_ignoring_case(type.substr(0, k_prefix.size()), k_prefix);
    return has_prefix ? type.substr(k_prefix.size()) : type;
}

algorithm algorithm_of(const json::object &header, const checks &wanted) {
    const auto name = text_of(header, "alg");
    if (!name)
        malformed("the token's header has no algorithm (alg)");
    if (equal_ignoring_case(*name, "none"))
        malformed("the token is not signed", "A token with algorithm none proves nothing.");
    const auto value = parse_algorithm(*name);
    if (!value)
        throw error{k_no_key,
                    "the token's algorithm is not supported",
                    {},
                    "Supported are HS256, RS256, ES256 and EdDSA."};
    if (!wanted.algorithms.empty() && std::find(wanted.algorithms.begin(), wanted.algorithms.end(),
                                                *value) == wanted.algorithms.end())
        throw error{k_no_key,
                    "the token's algorithm is not allowed",
                    {},
                    "Option algorithms lists those that are."};
    return *value;
}

void check_type(const json::object &header, const checks &wanted) {
    const auto type = text_of(header, "typ");
    if (wanted.type && (!type || !equal_ignoring_case(media_type(*type), media_type(*wanted.type))))
        throw error{k_not_valid,
                    "the token is of another type",
                    {},
                    "Option type says which type (typ) is wanted."};
}

json::object parse_header(const token_parts &parts) {
    if (parts.header.size() > k_max_header_bytes / 3 * 4 + 4)
        malformed("the token's header is longer than 4 KiB");
    return parse_part(decode(parts.header, "header"), "header");
}

} // namespace

unverified read_unverified(std::string_view token) {
    const token_parts parts = split(token);
    unverified out{decode(parts.header, "header"), decode(parts.claims, "payload")};
    (void)parse_header(parts);
    (void)parse_part(out.claims, "payload");
    return out;
}

std::string verify(std::string_view token, const key_set &keys, const checks &wanted) {
    const token_parts parts = split(token);
    const json::object header = parse_header(parts);
    refuse_members(header);
    const algorithm value = algorithm_of(header, wanted);
    const key &with = find_key(keys, text_of(header, "kid"), value);
    const std::string signature = decode(parts.signature, "signature");
    if (!verify_signature(with, parts.signed_part, signature))
        throw error{k_forged,
                    "the token's signature is wrong",
                    {},
                    "It was signed with another key, or altered."};
    check_type(header, wanted);
    std::string claims = decode(parts.claims, "payload");
    check_claims(parse_part(claims, "payload"), wanted);
    return claims;
}

std::string issue(std::string_view claims, const key &with) {
    std::string reason;
    if (!parse_object(claims, reason))
        throw error{k_invalid_parameter_value, "the text of the claims " + reason};
    json::object header;
    header["alg"] = json::string_view{name_of(*with.signs).data(), name_of(*with.signs).size()};
    header["typ"] = "JWT";
    if (with.id)
        header["kid"] = json::string_view{with.id->data(), with.id->size()};
    const std::string text = json::serialize(header);
    std::string token = to_base64url(bytes_of(text));
    token.append(".").append(to_base64url(bytes_of(claims)));
    const std::string signature = to_base64url(bytes_of(sign(with, token)));
    token.append(".").append(signature);
    if (token.size() > k_max_token_bytes)
        throw error{k_invalid_parameter_value,
                    "the token would be longer than 16 KiB",
                    {},
                    "Leave out claims that its reader can look up."};
    return token;
}

} // namespace saas::core::jwt
