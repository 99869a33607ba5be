-- In the order in which the taking in of webhooks locks them, so that neither waits for the other.
LOCK TABLE saas.fraud_assessments, saas.payments, saas.refunds IN ACCESS EXCLUSIVE MODE;
DROP INDEX IF EXISTS saas.fraud_assessments_assessed_at_idx;
DROP INDEX IF EXISTS saas.refunds_occurred_at_idx;
DROP INDEX IF EXISTS saas.payments_occurred_at_idx;
