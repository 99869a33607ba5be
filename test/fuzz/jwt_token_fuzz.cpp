// SPDX-License-Identifier: PostgreSQL
// Tokens: any text is refused with a condition of its own or is one of those that were signed here.
#include "core/jwt/token.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/error.hpp"

namespace jwt = saas::core::jwt;

namespace {

const std::string k_jwk =
    R"({"kid":"1","kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})";

bool is_ours(const saas::core::error &e) {
    return e.state().code().substr(0, 4) == "SA11" || e.state().code() == "22023";
}

// Claims that are an object make a token that is verified back to them, or are not valid.
void round_trip(std::string_view claims, const jwt::key_set &keys) {
    std::string token;
    try {
        token = jwt::issue(claims, jwt::parse_signing_key(k_jwk));
    } catch (const saas::core::error &e) {
        if (!is_ours(e))
            std::abort();
        return;
    }
    if (jwt::read_unverified(token).claims != claims)
        std::abort();
    try {
        if (jwt::verify(token, keys, {}) != claims)
            std::abort();
    } catch (const saas::core::error &e) {
        if (e.state().code() != "SA118")
            std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    static const jwt::key_set keys = jwt::parse_key_set(k_jwk);
    const std::string_view text{reinterpret_cast<const char *>(data), size};
    try {
        (void)jwt::verify(text, keys, {});
    } catch (const saas::core::error &e) {
        if (!is_ours(e))
            std::abort();
    }
    try {
        jwt::checks wanted;
        jwt::parse_options(text, wanted);
    } catch (const saas::core::error &e) {
        if (!is_ours(e))
            std::abort();
    }
    round_trip(text, keys);
    return 0;
}
