ALTER TABLE saas.payment_intents DROP COLUMN IF EXISTS fraud_flag;
DROP TABLE IF EXISTS saas.fraud_snoozes;
DROP TABLE IF EXISTS saas.fraud_reviews;
DROP TABLE IF EXISTS saas.fraud_assessment_terms;
ALTER TABLE saas.fraud_assessments DROP COLUMN IF EXISTS models;
ALTER TABLE saas.fraud_assessments DROP COLUMN IF EXISTS settings;
DROP TABLE IF EXISTS saas.fraud_rule_sets;
DROP TABLE IF EXISTS saas.platform_fraud_rules;
DROP TABLE IF EXISTS saas.fraud_settings;
