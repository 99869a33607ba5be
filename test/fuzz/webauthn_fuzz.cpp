// SPDX-License-Identifier: PostgreSQL
// Answers of authenticators: any bytes are refused with a reason or read to what they were written
// from. The first byte says what the rest is: CBOR, authenticator data, an attestation object, or a
// whole answer.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/jwt/base64url.hpp"
#include "core/sha256.hpp"
#include "core/webauthn/authenticator_data.hpp"
#include "core/webauthn/ceremony.hpp"
#include "core/webauthn/public_key.hpp"

namespace wa = saas::core::webauthn;

namespace {

const wa::relying_party k_party{"example.org", {"https://example.org"}};

void require(bool holds) {
    if (!holds)
        std::abort();
}

// The one encoding of an item, made again from what was read.
std::string encoded(const wa::cbor_item &item) {
    const auto kind = static_cast<unsigned>(item.kind);
    const unsigned major = item.kind == wa::cbor_kind::simple ? 7 : kind;
    std::string out;
    std::size_t size = 0;
    if (item.number < 24) {
        out.push_back(static_cast<char>(major << 5U | item.number));
    } else {
        size = item.number < 0x100         ? 1
               : item.number < 0x10000     ? 2
               : item.number < 0x100000000 ? 4
                                           : 8;
        const unsigned info = size == 1 ? 24 : size == 2 ? 25 : size == 4 ? 26 : 27;
        out.push_back(static_cast<char>(major << 5U | info));
    }
    for (std::size_t i = size; i > 0; --i)
        out.push_back(static_cast<char>(item.number >> (i - 1) * 8 & 0xff));
    const bool holds_items = item.kind == wa::cbor_kind::array || item.kind == wa::cbor_kind::map;
    if (!holds_items)
        return out.append(item.content.begin(), item.content.end());
    wa::bytes_in rest = item.content;
    while (!rest.empty()) {
        const auto element = wa::take_item(rest);
        require(element.has_value());
        out += encoded(*element);
    }
    return out;
}

void try_cbor(wa::bytes_in data) {
    wa::bytes_in rest = data;
    const auto item = wa::take_item(rest);
    if (!item) {
        require(rest.size() == data.size());
        return;
    }
    const std::string again = encoded(*item);
    require(std::equal(again.begin(), again.end(), data.begin(),
                       data.end() - static_cast<std::ptrdiff_t>(rest.size()),
                       [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; }));
    (void)wa::find(*item, 3);
    (void)wa::find(*item, "fmt");
    (void)wa::parse_public_key(*item);
}

void try_data(wa::bytes_in data) {
    const auto read = wa::parse_authenticator_data(data);
    if (!read)
        return;
    require(!read->backed_up || read->backup_eligible);
    if (read->credential)
        require(!read->credential->id.empty() &&
                read->credential->id.size() <= wa::k_max_credential_id_bytes);
}

void try_object(wa::bytes_in data) {
    // The id is where it lies in most data; others do not get past it.
    const std::string client =
        R"({"type":"webauthn.create","challenge":"AA","origin":"https://example.org"})";
    const std::string id(data.size() > 100 ? std::string(data.begin() + 85, data.begin() + 86)
                                           : "x");
    const std::string answer =
        R"({"id":")" + saas::core::jwt::to_base64url(saas::core::bytes_of(id)) +
        R"(","type":"public-key","response":{"clientDataJSON":")" +
        saas::core::jwt::to_base64url(saas::core::bytes_of(client)) + R"(","attestationObject":")" +
        saas::core::jwt::to_base64url(data) + R"("}})";
    (void)wa::check_registration(answer, std::string(1, '\0'), k_party);
}

void try_answer(wa::bytes_in data) {
    const std::string_view text{reinterpret_cast<const char *>(data.data()), data.size()};
    (void)wa::check_registration(text, "c", k_party);
    const auto claimed = wa::read_assertion(text);
    if (!claimed)
        return;
    require(!claimed->credential_id.empty());
    const auto result = wa::check_assertion(text, claimed->challenge, {"", 0, false}, k_party);
    require(std::holds_alternative<wa::refusal>(result)); // there is no key
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size == 0)
        return 0;
    const wa::bytes_in rest{data + 1, size - 1};
    switch (data[0] % 4) {
    case 0:
        try_cbor(rest);
        break;
    case 1:
        try_data(rest);
        break;
    case 2:
        try_object(rest);
        break;
    default:
        try_answer(rest);
    }
    return 0;
}
