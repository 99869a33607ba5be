-- A day's figures are read by time, across teams.
CREATE INDEX payments_occurred_at_idx
ON saas.payments ((COALESCE(provider_created_at, created_at)));
CREATE INDEX refunds_occurred_at_idx
ON saas.refunds ((COALESCE(provider_created_at, created_at)));
CREATE INDEX fraud_assessments_assessed_at_idx
ON saas.fraud_assessments (assessed_at);
