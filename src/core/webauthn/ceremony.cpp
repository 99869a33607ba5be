// SPDX-License-Identifier: PostgreSQL
#include "core/webauthn/ceremony.hpp"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "core/jwt/base64url.hpp"
#include "core/jwt/strict_json.hpp"
#include "core/sha256.hpp"
#include "core/webauthn/authenticator_data.hpp"
#include "core/webauthn/public_key.hpp"

namespace saas::core::webauthn {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 11> k_refusals{
    "malformed response", "wrong challenge",   "wrong origin",    "wrong relying party",
    "user not present",   "user not verified", "unsupported key", "unsupported attestation",
    "wrong signature",    "wrong backup",      "copied key"};
constexpr std::array<std::string_view, 3> k_attestations{"none", "self", "unchecked"};
constexpr std::array<std::string_view, 6> k_transports{"usb",        "nfc",    "ble",
                                                       "smart-card", "hybrid", "internal"};

// Ends a check from within.
struct refused {
    refusal why;
};

void require(bool holds, refusal why) {
    if (!holds)
        throw refused{why};
}

json::object object_of(std::string_view text) {
    std::string reason;
    auto object = jwt::parse_object(text, reason);
    require(object.has_value(), refusal::malformed);
    return std::move(*object);
}

std::string_view text_member(const json::object &object, std::string_view name) {
    bool wrong = false;
    const json::string *text = jwt::string_member(object, name, wrong);
    require(text != nullptr && !wrong, refusal::malformed);
    return jwt::view(*text);
}

std::string bytes_member(const json::object &object, std::string_view name) {
    auto bytes = jwt::from_base64url(text_member(object, name));
    require(bytes.has_value(), refusal::malformed);
    return std::move(*bytes);
}

// PublicKeyCredential, with its response.
struct answer {
    std::string id;
    json::object response;
    std::string client_data;
};

answer answer_of(std::string_view text) {
    require(text.size() <= k_max_response_bytes, refusal::malformed);
    json::object all = object_of(text);
    require(text_member(all, "type") == "public-key", refusal::malformed);
    answer out;
    out.id = bytes_member(all, "id");
    require(!out.id.empty() && out.id.size() <= k_max_credential_id_bytes, refusal::malformed);
    require(!all.contains("rawId") || bytes_member(all, "rawId") == out.id, refusal::malformed);
    json::value *response = all.if_contains("response");
    require(response != nullptr && response->is_object(), refusal::malformed);
    out.response = std::move(response->get_object());
    out.client_data = bytes_member(out.response, "clientDataJSON");
    return out;
}

bool is_false_or_absent(const json::object &object, std::string_view name) {
    const json::value *found = object.if_contains(name);
    require(found == nullptr || found->is_bool(), refusal::malformed);
    return found == nullptr || !found->get_bool();
}

// The client data (section 5.8.1): what the browser vouches for.
void check_client_data(const answer &given, std::string_view type, std::string_view challenge,
                       const relying_party &asked) {
    const json::object data = object_of(given.client_data);
    require(text_member(data, "type") == type, refusal::malformed);
    const std::string answered = bytes_member(data, "challenge");
    require(!challenge.empty() && equal_constant_time(bytes_of(answered), bytes_of(challenge)),
            refusal::wrong_challenge);
    const std::string_view origin = text_member(data, "origin");
    require(std::find(asked.origins.begin(), asked.origins.end(), origin) != asked.origins.end(),
            refusal::wrong_origin);
    // Within a frame of another page somebody could be made to click.
    require(is_false_or_absent(data, "crossOrigin") && !data.contains("topOrigin"),
            refusal::wrong_origin);
}

void check_authenticator(const authenticator_data &data, const relying_party &asked) {
    const digest expected = sha256(bytes_of(asked.id));
    require(std::equal(expected.begin(), expected.end(), data.relying_party.begin(),
                       data.relying_party.end()),
            refusal::wrong_relying_party);
    require(data.user_present, refusal::user_not_present);
    require(data.user_verified || !asked.requires_user_verification, refusal::user_not_verified);
}

// What authenticators sign: their data and the hash of the client's.
std::string signed_input(bytes_in authenticator, std::string_view client_data) {
    const digest hash = sha256(bytes_of(client_data));
    std::string out{reinterpret_cast<const char *>(authenticator.data()), authenticator.size()};
    return out.append(reinterpret_cast<const char *>(hash.data()), hash.size());
}

std::string text_of(bytes_in bytes) {
    return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

// Sections 8.2 (packed) and 8.7 (none). Formats with certificates say which model it is, which
// nobody asked for: a key without any attestation is as good.
attestation check_statement(const cbor_item &object, bytes_in authenticator,
                            std::string_view client_data, const public_key &key,
                            const relying_party &asked) {
    const auto format = find(object, "fmt");
    const auto statement = find(object, "attStmt");
    require(format && format->kind == cbor_kind::text && statement &&
                statement->kind == cbor_kind::map,
            refusal::malformed);
    if (format->is_text("none")) {
        require(statement->number == 0, refusal::malformed);
        return attestation::none;
    }
    if (!format->is_text("packed") || find(*statement, "x5c")) {
        require(asked.believes_others, refusal::unsupported_attestation);
        return attestation::unchecked;
    }
    const auto algorithm = find(*statement, "alg");
    const auto signature = find(*statement, "sig");
    require(statement->number == 2 && algorithm && signature && signature->kind == cbor_kind::bytes,
            refusal::malformed);
    require(algorithm->integer() == static_cast<std::int64_t>(key.signs) &&
                verify_signature(key, bytes_of(signed_input(authenticator, client_data)),
                                 signature->content),
            refusal::wrong_signature);
    return attestation::self;
}

// What the browser knows of the ways to the authenticator: hints for later, so others are left out.
std::vector<std::string> transports_of(const json::object &response) {
    std::vector<std::string> out;
    const json::value *found = response.if_contains("transports");
    if (found == nullptr)
        return out;
    require(found->is_array(), refusal::malformed);
    for (const json::value &one : found->get_array()) {
        require(one.is_string(), refusal::malformed);
        const std::string name{jwt::view(one.get_string())};
        if (std::find(k_transports.begin(), k_transports.end(), name) != k_transports.end() &&
            std::find(out.begin(), out.end(), name) == out.end())
            out.push_back(name);
    }
    return out;
}

registration registered(std::string_view response, std::string_view challenge,
                        const relying_party &asked) {
    const answer given = answer_of(response);
    check_client_data(given, "webauthn.create", challenge, asked);
    const std::string encoded = bytes_member(given.response, "attestationObject");
    bytes_in rest = bytes_of(encoded);
    const auto object = take_item(rest);
    require(object && object->kind == cbor_kind::map && rest.empty(), refusal::malformed);
    const auto authenticator = find(*object, "authData");
    require(authenticator && authenticator->kind == cbor_kind::bytes, refusal::malformed);
    const auto data = parse_authenticator_data(authenticator->content);
    require(data && data->credential, refusal::malformed);
    require(text_of(data->credential->id) == given.id, refusal::malformed);
    check_authenticator(*data, asked);
    const auto key = parse_public_key(data->credential->key_map);
    require(key.has_value(), refusal::unsupported_key);
    registration out;
    out.attested = check_statement(*object, authenticator->content, given.client_data, *key, asked);
    out.credential_id = given.id;
    out.public_key = text_of(data->credential->public_key);
    out.algorithm = static_cast<std::int64_t>(key->signs);
    out.sign_count = data->sign_count;
    out.user_verified = data->user_verified;
    out.backup_eligible = data->backup_eligible;
    out.backed_up = data->backed_up;
    out.model = data->credential->model;
    out.transports = transports_of(given.response);
    return out;
}

public_key stored_key(std::string_view encoded) {
    bytes_in rest = bytes_of(encoded);
    const auto map = take_item(rest);
    require(map && rest.empty(), refusal::unsupported_key);
    auto key = parse_public_key(*map, true);
    require(key.has_value(), refusal::unsupported_key);
    return std::move(*key);
}

assertion asserted(std::string_view response, std::string_view challenge, const credential &kept,
                   const relying_party &asked) {
    const answer given = answer_of(response);
    check_client_data(given, "webauthn.get", challenge, asked);
    const std::string authenticator = bytes_member(given.response, "authenticatorData");
    const auto data = parse_authenticator_data(bytes_of(authenticator));
    // There is no new credential in it (section 6.1).
    require(data && !data->credential, refusal::malformed);
    check_authenticator(*data, asked);
    const std::string signature = bytes_member(given.response, "signature");
    require(verify_signature(stored_key(kept.public_key),
                             bytes_of(signed_input(bytes_of(authenticator), given.client_data)),
                             bytes_of(signature)),
            refusal::wrong_signature);
    require(data->backup_eligible == kept.backup_eligible, refusal::wrong_backup);
    // Authenticators that do not count say 0 for ever.
    require((data->sign_count == 0 && kept.sign_count == 0) || data->sign_count > kept.sign_count,
            refusal::copied_key);
    return {data->sign_count, data->user_verified, data->backed_up};
}

} // namespace

std::string_view name_of(refusal why) noexcept {
    return k_refusals[static_cast<std::size_t>(why)];
}

std::string_view name_of(attestation kind) noexcept {
    return k_attestations[static_cast<std::size_t>(kind)];
}

std::variant<registration, refusal> check_registration(std::string_view response,
                                                       std::string_view challenge,
                                                       const relying_party &asked) {
    try {
        return registered(response, challenge, asked);
    } catch (const refused &r) {
        return r.why;
    }
}

std::optional<claim> read_assertion(std::string_view response) {
    try {
        const answer given = answer_of(response);
        const json::object data = object_of(given.client_data);
        claim out{given.id, bytes_member(data, "challenge"), std::nullopt};
        const json::value *handle = given.response.if_contains("userHandle");
        if (handle != nullptr && !handle->is_null())
            out.user_handle = bytes_member(given.response, "userHandle");
        return out;
    } catch (const refused &) {
        return std::nullopt;
    }
}

std::variant<assertion, refusal> check_assertion(std::string_view response,
                                                 std::string_view challenge, const credential &kept,
                                                 const relying_party &asked) {
    try {
        return asserted(response, challenge, kept, asked);
    } catch (const refused &r) {
        return r.why;
    }
}

} // namespace saas::core::webauthn
