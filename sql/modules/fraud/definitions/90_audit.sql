-- Who changed a rule, and what it said before. Assessments are append-only and need no trail.
SELECT saas.audit_table('saas.fraud_detection_rules', '{updated_at}');
