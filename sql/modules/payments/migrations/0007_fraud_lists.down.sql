ALTER TABLE saas.fraud_detection_rules DROP COLUMN IF EXISTS warnings;
DROP TABLE IF EXISTS saas.exchange_rates;
DROP TABLE IF EXISTS saas.fraud_list_changes;
DROP TABLE IF EXISTS saas.fraud_list_items;
DROP TABLE IF EXISTS saas.fraud_lists;
