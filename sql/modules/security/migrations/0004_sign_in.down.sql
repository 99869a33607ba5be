DROP TABLE IF EXISTS saas.user_tokens;
DROP TABLE IF EXISTS saas.credential_attempts;
DROP TABLE IF EXISTS saas.mfa_recovery_codes;
DROP TABLE IF EXISTS saas.mfa_factors;
