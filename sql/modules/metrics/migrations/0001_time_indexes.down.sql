DROP INDEX saas.fraud_assessments_assessed_at_idx;
DROP INDEX saas.refunds_occurred_at_idx;
DROP INDEX saas.payments_occurred_at_idx;
