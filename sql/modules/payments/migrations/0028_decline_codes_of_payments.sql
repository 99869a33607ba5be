-- Why a payment was declined, of its own attempt: the provider's failure code is card_declined for most.
ALTER TABLE saas.payments ADD COLUMN decline_code text;
-- Row-level security, where it is on already, would refuse the table's owner.
ALTER TABLE saas.decline_codes NO FORCE ROW LEVEL SECURITY;
INSERT INTO saas.decline_codes (provider, code, reason)
VALUES
    ('stripe', 'highest_risk_level', 'blocked_by_rules'),
    ('stripe', 'rule', 'blocked_by_rules');
ALTER TABLE saas.decline_codes FORCE ROW LEVEL SECURITY;
