// SPDX-License-Identifier: PostgreSQL
#include "core/jwt/key_set.hpp"

#include "core/jwt/errors.hpp"
#include "core/jwt/strict_json.hpp"

namespace saas::core::jwt {
namespace {

namespace json = boost::json;

[[noreturn]] void bad_set(const std::string &reason) {
    throw error{k_unusable_key,
                "the key set " + reason,
                {},
                "A JWK Set (RFC 7517) is {\"keys\": […]}; a single JWK will do as well."};
}

[[noreturn]] void bad_key(const std::string &problem) {
    throw error{k_unusable_key,
                "the key " + problem,
                {},
                "Keys are oct of 32 bytes or more, RSA of 2048 bits or more, EC on P-256, or OKP "
                "with Ed25519."};
}

[[noreturn]] void no_key(const char *message, std::string detail, const char *hint) {
    throw error{k_no_key, message, std::move(detail), hint};
}

json::object object_of(std::string_view text) {
    std::string reason;
    if (text.size() > k_max_key_set_bytes)
        bad_set("is larger than 256 KiB");
    auto object = parse_object(text, reason);
    if (!object)
        bad_set(reason);
    return *std::move(object);
}

const key &the_only_key(const key_set &set) {
    if (set.keys.empty())
        no_key("there is no key to verify the token with", {}, "Give the issuer's keys.");
    if (set.keys.size() > 1)
        no_key("the token does not say which of several keys signed it", {},
               "Its issuer must name the key (kid), or give the one key alone.");
    return set.keys.front();
}

// Keys of different kinds may share an identifier (RFC 7517, section 4.5).
const key &named_key(const key_set &set, std::string_view id, algorithm header_algorithm) {
    const key *found = nullptr;
    bool found_fits = false;
    for (const key &candidate : set.keys) {
        if (candidate.id != id)
            continue;
        const bool fits = candidate.signs == header_algorithm;
        if (fits && found_fits)
            no_key("several keys have the token's key identifier", {},
                   "Give each key an identifier (kid) of its own.");
        if (found == nullptr || fits) {
            found = &candidate;
            found_fits = fits;
        }
    }
    if (found == nullptr)
        no_key("no key has the token's key identifier", {},
               "The issuer may have changed its keys: fetch its key set again.");
    return *found;
}

} // namespace

key_set parse_key_set(std::string_view text, cancel_poll::stop_requested stop) {
    const json::object object = object_of(text);
    key_set set;
    const json::value *keys = object.if_contains("keys");
    if (keys == nullptr) {
        if (!object.contains("kty"))
            bad_set("has neither keys nor kty");
        set.keys.push_back(parse_key(object, purpose::verify));
        return set;
    }
    if (!keys->is_array())
        bad_set("has a member keys that is no array");
    if (keys->get_array().size() > k_max_keys)
        bad_set("has more than 100 keys");
    for (const json::value &entry : keys->get_array()) {
        if (!entry.is_object())
            bad_set("has a key that is no object");
        set.keys.push_back(parse_key(entry.get_object(), purpose::verify));
        if (stop != nullptr && stop())
            throw cancelled{};
    }
    return set;
}

key parse_signing_key(std::string_view text) {
    key parsed = parse_key(object_of(text), purpose::sign);
    if (!parsed.signs)
        bad_key(parsed.problem);
    return parsed;
}

key_description describe_key(std::string_view text) {
    const json::object object = object_of(text);
    key parsed = parse_key(object, purpose::verify);
    return {parsed.signs, std::move(parsed.problem),
            parsed.id ? *std::move(parsed.id)
                      : (parsed.signs ? thumbprint(object) : std::string{})};
}

const key &find_key(const key_set &set, const std::optional<std::string_view> &id,
                    algorithm header_algorithm) {
    const key &found = id ? named_key(set, *id, header_algorithm) : the_only_key(set);
    if (!found.signs)
        bad_key(found.problem);
    if (found.signs != header_algorithm)
        no_key("the token's algorithm is not that of the key",
               "The key is for " + std::string{name_of(*found.signs)} + ".",
               "The key decides the algorithm, the token does not.");
    return found;
}

} // namespace saas::core::jwt
