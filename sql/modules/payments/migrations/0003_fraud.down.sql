DROP TABLE IF EXISTS saas.fraud_assessments;
DROP TABLE IF EXISTS saas.fraud_detection_rules;
