DROP TABLE IF EXISTS saas.mfa_challenges;
DROP TABLE IF EXISTS saas.mfa_hardware_keys;
-- Row-level security of that table, where it is on already, would refuse its owner.
ALTER TABLE saas.mfa_factors NO FORCE ROW LEVEL SECURITY;
DELETE FROM saas.mfa_factors WHERE kind = 'hardware_key';
ALTER TABLE saas.mfa_factors FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.mfa_factors DROP CONSTRAINT mfa_factors_kind_check;
ALTER TABLE saas.mfa_factors ADD CONSTRAINT mfa_factors_kind_check CHECK (kind IN ('totp', 'sms'));
