-- What people sign in with, with the data classification.
COMMENT ON TABLE saas.mfa_factors IS 'Second factors of users: authenticators that show time-based one-time passwords (RFC 6238), telephones, hardware keys.';
COMMENT ON COLUMN saas.mfa_factors.id IS 'Identifier. [internal]';
COMMENT ON COLUMN saas.mfa_factors.user_id IS 'Whose it is. [internal]';
COMMENT ON COLUMN saas.mfa_factors.kind IS 'totp, sms or hardware_key. [internal]';
COMMENT ON COLUMN saas.mfa_factors.label IS 'What the user calls it. [confidential]';
COMMENT ON COLUMN saas.mfa_factors.state IS 'pending until a first code or answer has proved it, then active. [internal]';
COMMENT ON COLUMN saas.mfa_factors.sealed_secret IS 'The shared secret, the number of the telephone or the public key (before it is registered: the challenge), encrypted under the user''s own key. [restricted]';
COMMENT ON COLUMN saas.mfa_factors.algorithm IS 'Hash function. [internal]';
COMMENT ON COLUMN saas.mfa_factors.digits IS 'Digits of a code. [internal]';
COMMENT ON COLUMN saas.mfa_factors.period_seconds IS 'How long a code holds. [internal]';
COMMENT ON COLUMN saas.mfa_factors.last_step IS 'Time step of the last code that was accepted: it and those before are accepted no more. [internal]';
COMMENT ON COLUMN saas.mfa_factors.created_at IS 'When it was enrolled. [internal]';
COMMENT ON COLUMN saas.mfa_factors.confirmed_at IS 'When a first code proved it. [internal]';

COMMENT ON TABLE saas.mfa_recovery_codes IS 'Codes for the day the authenticator is lost. Each works once; only keyed hashes are kept.';
COMMENT ON COLUMN saas.mfa_recovery_codes.id IS 'Identifier. [internal]';
COMMENT ON COLUMN saas.mfa_recovery_codes.user_id IS 'Whose it is. [internal]';
COMMENT ON COLUMN saas.mfa_recovery_codes.code_hash IS 'saas.credential_hash() of the user and the code. [restricted]';
COMMENT ON COLUMN saas.mfa_recovery_codes.created_at IS 'When it was made. [internal]';
COMMENT ON COLUMN saas.mfa_recovery_codes.used_at IS 'When it was used. [internal]';

COMMENT ON TABLE saas.credential_attempts IS 'How a user''s attempts with the password or a second factor went: failures in a row, until when none is looked at, the last success.';
COMMENT ON COLUMN saas.credential_attempts.user_id IS 'The user. [internal]';
COMMENT ON COLUMN saas.credential_attempts.kind IS 'password or mfa. [internal]';
COMMENT ON COLUMN saas.credential_attempts.failures IS 'Failures in a row. [internal]';
COMMENT ON COLUMN saas.credential_attempts.last_failed_at IS 'The last one. [internal]';
COMMENT ON COLUMN saas.credential_attempts.accepted_at IS 'The last success. [internal]';
COMMENT ON COLUMN saas.credential_attempts.locked_until IS 'Until when every attempt is refused. [internal]';

COMMENT ON TABLE saas.user_tokens IS 'Tokens sent to a user''s address that work once: to set a new password, to sign in, to prove the address. Only hashes are kept.';
COMMENT ON COLUMN saas.user_tokens.id IS 'Identifier. [internal]';
COMMENT ON COLUMN saas.user_tokens.user_id IS 'The user. [internal]';
COMMENT ON COLUMN saas.user_tokens.purpose IS 'password_reset, magic_link or email_verification. [internal]';
COMMENT ON COLUMN saas.user_tokens.token_hash IS 'SHA-256 of the token. [restricted]';
COMMENT ON COLUMN saas.user_tokens.email IS 'The address that it was made for; worth nothing once the user has another. [confidential]';
COMMENT ON COLUMN saas.user_tokens.created_at IS 'When it was made. [internal]';
COMMENT ON COLUMN saas.user_tokens.expires_at IS 'When it ends. [internal]';
COMMENT ON COLUMN saas.user_tokens.used_at IS 'When it was used. [internal]';
COMMENT ON COLUMN saas.user_tokens.revoked_at IS 'When a newer one or a new password took its place. [internal]';
