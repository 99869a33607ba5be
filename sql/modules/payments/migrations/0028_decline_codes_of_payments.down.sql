DROP VIEW IF EXISTS saas.failed_payments;
ALTER TABLE saas.decline_codes NO FORCE ROW LEVEL SECURITY;
DELETE FROM saas.decline_codes AS c
WHERE c.provider = 'stripe' AND c.code IN ('highest_risk_level', 'rule');
ALTER TABLE saas.decline_codes FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.payments DROP COLUMN decline_code;
