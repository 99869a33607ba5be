-- Who changed which rule: a weakened rule is how fraud from the inside begins.
SELECT saas.audit_table('saas.fraud_detection_rules', '{updated_at}');
SELECT saas.audit_table('saas.fraud_lists', '{updated_at}');
-- Who imported which model and put it into force. The file itself is not repeated in the log.
SELECT saas.audit_table('saas.fraud_models', '{model,updated_at}');
-- Who moved the thresholds, let rules rest and let a payment through.
SELECT saas.audit_table('saas.fraud_settings', '{updated_at}');
SELECT saas.audit_table('saas.fraud_reviews');
SELECT saas.audit_table('saas.fraud_snoozes');
SELECT saas.audit_table('saas.platform_fraud_rules', '{updated_at}');
