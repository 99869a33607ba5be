DROP INDEX IF EXISTS saas.fraud_assessments_team_id_assessed_at_idx;
DROP TABLE IF EXISTS saas.fraud_models;
