DROP TABLE saas.fraud_assessments;
DROP TABLE saas.fraud_detection_rules;
