// SPDX-License-Identifier: PostgreSQL
// Feeds arbitrary headers and bodies to the verification of each provider. Input: a byte that
// chooses the provider, a header, a zero byte, the body. Properties: it never crashes, and nothing
// is genuine but what carries the true signature, which a fuzzer does not find.
#include "core/webhook/adyen.hpp"
#include "core/webhook/certificates.hpp"
#include "core/webhook/hmac.hpp"
#include "core/webhook/paypal.hpp"

#include "core/sha256.hpp"

#include <cstdlib>
#include <string>
#include <string_view>

namespace core = saas::core;
namespace webhook = saas::core::webhook;

namespace {

constexpr std::string_view k_secret = "a key that no input has";

std::string_view until(std::string_view &rest, char border) {
    std::size_t end = rest.find(border);
    std::string_view head = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return head;
}

webhook::verdict verify(std::uint8_t provider, std::string_view header, webhook::bytes body) {
    const webhook::bytes plain[] = {core::bytes_of(k_secret)};
    const webhook::bytes hexadecimal[] = {core::bytes_of("00112233445566778899aabbccddeeff")};
    const webhook::bytes coded[] = {
        core::bytes_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        core::bytes_of("whpk_ZlN4eg7dSSqi0moX9hQUk3orrOouK3QVQSlJa248c/g=")};
    switch (provider % 6) {
    case 0:
        return webhook::verify_square(header, "https://example.org/hook", body, plain);
    case 1:
        return webhook::verify_razorpay(header, body, plain);
    case 2:
        return webhook::verify_adyen(body, hexadecimal);
    case 3:
        return webhook::verify_adyen_platform(header, body, hexadecimal);
    case 4: {
        std::string_view id = until(header, '|');
        std::string_view time = until(header, '|');
        return webhook::verify_standard({id, time, header}, body, coded, 1614265330);
    }
    default: {
        std::string_view id = until(header, '|');
        std::string_view time = until(header, '|');
        std::string_view url = until(header, '|');
        const webhook::bytes secrets[] = {core::bytes_of("WH-1"), body};
        return webhook::verify_paypal({id, time, header, url, "SHA256withRSA"}, body, secrets,
                                      1700000000);
    }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size == 0)
        return 0;
    std::string_view input{reinterpret_cast<const char *>(data + 1), size - 1};
    std::string_view header = until(input, '\0');
    const webhook::verdict v = verify(data[0], header, core::bytes_of(input));
    if (v.ok() || v.secret_no != 0)
        std::abort();
    if (data[0] % 6 == 5)
        (void)webhook::read_certificates(core::bytes_of(input));
    return 0;
}
