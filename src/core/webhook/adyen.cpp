// SPDX-License-Identifier: PostgreSQL
#include "core/webhook/adyen.hpp"

#include "core/sha256.hpp"

#include <boost/json.hpp>

#include <array>
#include <vector>

namespace saas::core::webhook {
namespace {

namespace json = boost::json;

// Keys as bytes, in the place of the secrets they come from; empty where a secret is none.
std::vector<std::vector<std::uint8_t>> decode_keys(std::span<const bytes> secrets, bool &usable) {
    std::vector<std::vector<std::uint8_t>> keys;
    usable = false;
    for (bytes secret : secrets) {
        std::vector<std::uint8_t> key(secret.size() / 2);
        std::string_view text{reinterpret_cast<const char *>(secret.data()), secret.size()};
        if (text.empty() || !from_hex(text, key))
            key.clear();
        usable = usable || !key.empty();
        keys.push_back(std::move(key));
    }
    return keys;
}

std::int32_t matching_key(const std::vector<std::vector<std::uint8_t>> &keys, bytes message,
                          const digest &signature) {
    const bytes parts[] = {message};
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if (!keys[i].empty() && equal_constant_time(hmac_sha256(keys[i], parts), signature))
            return static_cast<std::int32_t>(i + 1);
    }
    return 0;
}

// Appends a member of the signed text: a string, a boolean or a whole number as JSON writes it,
// nothing for one that is missing. False for another kind of value.
bool append(std::string &text, const json::value *value) {
    if (value == nullptr || value->is_null())
        return true;
    if (value->is_string())
        text.append(std::string_view{value->get_string()});
    else if (value->is_bool())
        text.append(value->get_bool() ? "true" : "false");
    else if (value->is_int64())
        text.append(std::to_string(value->get_int64()));
    else
        return false;
    return true;
}

const json::value *find(const json::object *object, std::string_view name) {
    return object == nullptr ? nullptr : object->if_contains(name);
}

const json::object *find_object(const json::object *object, std::string_view name) {
    const json::value *value = find(object, name);
    return value == nullptr ? nullptr : value->if_object();
}

struct item {
    std::string signed_text;
    std::string event_id;
    digest signature;
};

// The item's signed members. False when it is not one, or could be read in two ways.
bool read_item(const json::value &entry, item &out) {
    const json::object *request = find_object(entry.if_object(), "NotificationRequestItem");
    const json::object *amount = find_object(request, "amount");
    const json::value *signature = find(find_object(request, "additionalData"), "hmacSignature");
    const json::value *reference = find(request, "pspReference");
    const json::value *code = find(request, "eventCode");
    if (signature == nullptr || !signature->is_string() || reference == nullptr ||
        !reference->is_string() || code == nullptr || !code->is_string() ||
        !from_base64(std::string_view{signature->get_string()}, out.signature))
        return false;
    const std::array<const json::value *, 8> members = {
        reference,
        find(request, "originalReference"),
        find(request, "merchantAccountCode"),
        find(request, "merchantReference"),
        find(amount, "value"),
        find(amount, "currency"),
        code,
        find(request, "success"),
    };
    constexpr std::size_t k_merchant_reference = 3;
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (i > 0)
            out.signed_text += ':';
        std::size_t start = out.signed_text.size();
        if (!append(out.signed_text, members[i]))
            return false;
        if (i != k_merchant_reference && out.signed_text.find(':', start) != std::string::npos)
            return false;
    }
    out.event_id.append(std::string_view{code->get_string()});
    out.event_id += ':';
    out.event_id.append(std::string_view{reference->get_string()});
    return true;
}

verdict refused(refusal reason) {
    verdict result;
    result.reason = reason;
    return result;
}

} // namespace

verdict verify_adyen(bytes body, std::span<const bytes> secrets) {
    json::error_code failed;
    json::monotonic_resource memory;
    const json::value document =
        json::parse({reinterpret_cast<const char *>(body.data()), body.size()}, failed, &memory);
    if (failed)
        return refused(refusal::invalid_body);
    const json::value *items = find(document.if_object(), "notificationItems");
    const json::array *list = items == nullptr ? nullptr : items->if_array();
    if (list == nullptr || list->empty() || list->size() > k_max_adyen_items)
        return refused(refusal::invalid_body);
    bool usable = false;
    const auto keys = decode_keys(secrets, usable);
    if (!usable)
        return refused(refusal::no_secret);

    verdict result;
    for (const json::value &entry : *list) {
        item next;
        if (!read_item(entry, next))
            return refused(refusal::invalid_body);
        std::int32_t secret_no = matching_key(keys, bytes_of(next.signed_text), next.signature);
        if (secret_no == 0)
            return refused(refusal::no_signature);
        if (result.secret_no == 0)
            result.secret_no = secret_no;
        else
            result.event_id += ',';
        result.event_id += next.event_id;
    }
    return result;
}

verdict verify_adyen_platform(std::string_view header, bytes body, std::span<const bytes> secrets) {
    digest signature;
    if (!from_base64(header, signature))
        return refused(refusal::invalid_header);
    bool usable = false;
    const auto keys = decode_keys(secrets, usable);
    if (!usable)
        return refused(refusal::no_secret);
    verdict result;
    result.secret_no = matching_key(keys, body, signature);
    if (result.secret_no == 0)
        result.reason = refusal::no_signature;
    return result;
}

} // namespace saas::core::webhook
