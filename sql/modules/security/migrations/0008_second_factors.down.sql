DROP TABLE IF EXISTS saas.mfa_codes;
DELETE FROM saas.mfa_factors WHERE kind <> 'totp';
ALTER TABLE saas.mfa_factors DROP CONSTRAINT mfa_factors_kind_check;
ALTER TABLE saas.mfa_factors ADD CONSTRAINT mfa_factors_kind_check CHECK (kind IN ('totp'));
ALTER TABLE saas.user_sessions DROP COLUMN mfa_at;
