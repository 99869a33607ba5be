// SPDX-License-Identifier: PostgreSQL
// Feeds arbitrary headers and bodies to the Stripe verification. Input: header, a zero byte, body.
// Properties: it never crashes; the verdict does not depend on the order of the secrets but for
// their number; and what it accepts carries the true HMAC in the header.
#include "core/webhook/stripe.hpp"

#include "core/sha256.hpp"

#include <cstdlib>
#include <string>
#include <string_view>

namespace core = saas::core;
namespace webhook = saas::core::webhook;

namespace {

constexpr std::string_view k_secret = "whsec_test_secret";

void require(bool condition) {
    if (!condition)
        std::abort();
}

std::string lower(std::string_view text) {
    std::string out{text};
    for (char &c : out) {
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

std::string true_digest(std::int64_t time, std::string_view header, webhook::bytes body) {
    // The signed characters are those of the header, so leading zeros count.
    std::size_t at = header.rfind("t=", 0) == 0 ? 2 : header.find(",t=") + 3;
    std::string_view text = header.substr(at);
    text = text.substr(0, text.find(','));
    require(std::strtoll(std::string{text}.c_str(), nullptr, 10) == time);
    const webhook::bytes parts[] = {core::bytes_of(text), core::bytes_of("."), body};
    return core::to_hex(core::hmac_sha256(core::bytes_of(k_secret), parts));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    std::string_view input{reinterpret_cast<const char *>(data), size};
    std::size_t zero = input.find('\0');
    std::string_view header = input.substr(0, zero);
    webhook::bytes body = zero == std::string_view::npos
                              ? webhook::bytes{}
                              : webhook::bytes{data + zero + 1, size - zero - 1};

    const webhook::bytes secrets[] = {core::bytes_of("whsec_other"), core::bytes_of(k_secret)};
    const webhook::bytes reversed[] = {secrets[1], secrets[0]};
    webhook::verdict a = webhook::verify_stripe(header, body, secrets, 1495999758);
    webhook::verdict b = webhook::verify_stripe(header, body, reversed, 1495999758);
    require(a.reason == b.reason && a.signed_at == b.signed_at);
    require((a.secret_no == 0) == (b.secret_no == 0));
    if (a.ok() && a.secret_no == 2)
        require(lower(header).find(true_digest(a.signed_at, header, body)) != std::string::npos);
    return 0;
}
