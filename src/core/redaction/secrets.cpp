// SPDX-License-Identifier: PostgreSQL
#include "core/redaction/secrets.hpp"

#include <algorithm>
#include <array>

namespace saas::core::redaction {
namespace {

constexpr std::array<std::string_view, 40> k_functions{
    "accept_invitation",
    "authenticate",
    "authenticate_api_key",
    "blind_index",
    "blind_index_candidates",
    "blind_index_last_four",
    "blind_index_last_four_candidates",
    "blind_index_prefix",
    "blind_index_prefix_candidates",
    "confirm_totp",
    "consume_recovery_code",
    "consume_token",
    "create_api_key",
    "decrypt_json",
    "decrypt_sensitive_bytes",
    "decrypt_sensitive_data",
    "decrypt_sensitive_json",
    "encrypt_columns",
    "encrypt_json",
    "encrypt_sensitive_bytes",
    "encrypt_sensitive_data",
    "encrypt_sensitive_json",
    "enrol_totp",
    "enroll_totp",
    "hash_password",
    "issue_jwt",
    "migrate_pgp_column",
    "reencrypt",
    "set_password",
    "set_webhook_secret",
    "totp_code",
    "unwrap_key",
    "use_recovery_code",
    "verify_jwt",
    "verify_password",
    "verify_recovery_code",
    "verify_stripe_webhook",
    "verify_totp",
    "verify_webhook",
    "wrap_key",
};
static_assert(std::is_sorted(k_functions.begin(), k_functions.end()));

constexpr std::array<std::string_view, 9> k_parameter_endings{
    "passphrase", "password",  "plaintext", "secret",        "token",
    "jwt",        "totp_code", "api_key",   "recovery_code"};

} // namespace

bool names_secret_function(std::string_view name) noexcept {
    return std::binary_search(k_functions.begin(), k_functions.end(), name);
}

// The whole name, or what stands behind its last underscore: p_token, p_session_token, token.
bool names_secret_parameter(std::string_view name) noexcept {
    return std::any_of(k_parameter_endings.begin(), k_parameter_endings.end(), [&](auto ending) {
        return name.ends_with(ending) &&
               (name.size() == ending.size() || name[name.size() - ending.size() - 1] == '_');
    });
}

} // namespace saas::core::redaction
