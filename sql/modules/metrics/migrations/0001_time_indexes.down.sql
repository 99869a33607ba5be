DROP INDEX IF EXISTS saas.fraud_assessments_assessed_at_idx;
DROP INDEX IF EXISTS saas.refunds_occurred_at_idx;
DROP INDEX IF EXISTS saas.payments_occurred_at_idx;
