// SPDX-License-Identifier: PostgreSQL
#include "core/redaction/secrets.hpp"

#include <algorithm>
#include <array>

namespace saas::core::redaction {
namespace {

constexpr std::array<std::string_view, 49> k_functions{
    "accept_invitation",
    "authenticate",
    "authenticate_api_key",
    "authenticate_jwt",
    "blind_index",
    "blind_index_candidates",
    "blind_index_last_four",
    "blind_index_last_four_candidates",
    "blind_index_prefix",
    "blind_index_prefix_candidates",
    "check_mfa",
    "configure_payment_provider",
    "confirm_sms",
    "confirm_totp",
    "create_api_key",
    "decrypt_sensitive_bytes",
    "decrypt_sensitive_data",
    "decrypt_sensitive_json",
    "encrypt_columns",
    "encrypt_sensitive_bytes",
    "encrypt_sensitive_data",
    "encrypt_sensitive_json",
    "enroll_sms",
    "enroll_totp",
    "hash_password",
    "issue_jwt",
    "issue_mfa_code",
    "issue_user_token",
    "migrate_pgp_column",
    "reencrypt",
    "renew_recovery_codes",
    "reset_password",
    "rotate_api_key",
    "set_jwt_keys",
    "set_password",
    "sign_in",
    "sign_in_by_link",
    "token_hash",
    "use_hardware_key",
    "use_recovery_code",
    "use_sms_code",
    "use_totp",
    "verify_jwt",
    "verify_mfa",
    "verify_password",
    "verify_webhook",
    "webauthn_assertion",
    "webauthn_claim",
    "webauthn_registration",
};
static_assert(std::is_sorted(k_functions.begin(), k_functions.end()));

constexpr std::array<std::string_view, 11> k_parameter_endings{
    "passphrase", "password", "plaintext", "secret",    "secrets",      "token",
    "jwt",        "jwk",      "jwks",      "totp_code", "recovery_code"};

} // namespace

bool names_secret_function(std::string_view name) noexcept {
    return std::binary_search(k_functions.begin(), k_functions.end(), name);
}

// The whole name, or what it ends with behind an underscore: p_token, p_session_token, token. A code alone
// is one-time; behind a word it is a country's or a currency's.
bool names_secret_parameter(std::string_view name) noexcept {
    const auto ends_with = [name](std::string_view ending) {
        return name.ends_with(ending) &&
               (name.size() == ending.size() || name[name.size() - ending.size() - 1] == '_');
    };
    return name == "p_code" ||
           std::any_of(k_parameter_endings.begin(), k_parameter_endings.end(), ends_with);
}

} // namespace saas::core::redaction
