-- What each table and column is, with its data classification.
COMMENT ON TABLE saas.fraud_detection_rules IS 'Fraud rules of the teams, as text. A text that is no rule is refused (SA050).';
COMMENT ON COLUMN saas.fraud_detection_rules.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.fraud_detection_rules.id IS 'Identifier within the team; the last key of the order in which rules decide. [internal]';
COMMENT ON COLUMN saas.fraud_detection_rules.name IS 'Name shown to people, unique within the team. [internal]';
COMMENT ON COLUMN saas.fraud_detection_rules.description IS 'What the rule is for. [internal]';
COMMENT ON COLUMN saas.fraud_detection_rules.rule IS 'The rule, for instance: BLOCK IF :card_country: != ''US''. [internal]';
COMMENT ON COLUMN saas.fraud_detection_rules.enabled IS 'False keeps the rule out of every assessment. [internal]';
COMMENT ON COLUMN saas.fraud_detection_rules.created_by IS 'The user who wrote the rule; NULL when unknown or deleted. [internal]';
COMMENT ON COLUMN saas.fraud_detection_rules.created_at IS 'When the rule was created. [internal]';
COMMENT ON COLUMN saas.fraud_detection_rules.updated_at IS 'When the row last changed. [internal]';

COMMENT ON TABLE saas.fraud_assessments IS 'What the rules said about a payment intent. Append-only.';
COMMENT ON COLUMN saas.fraud_assessments.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.fraud_assessments.id IS 'Identifier within the team. [internal]';
COMMENT ON COLUMN saas.fraud_assessments.payment_intent_id IS 'The intent assessed. [internal]';
COMMENT ON COLUMN saas.fraud_assessments.score IS 'Sum of the SCORE rules that matched, from 0 to 100. [internal]';
COMMENT ON COLUMN saas.fraud_assessments.decision IS 'approve, review, challenge (ask for strong authentication) or block. [internal]';
COMMENT ON COLUMN saas.fraud_assessments.matched IS 'Rules that matched, in the order in which they decide: id, name, action, score or tag, and what they read. [confidential]';
COMMENT ON COLUMN saas.fraud_assessments.shadow IS 'SHADOW rules that matched, without effect on the decision. [confidential]';
COMMENT ON COLUMN saas.fraud_assessments.errors IS 'Rules that failed, with the reason; a failed rule does not match. [internal]';
COMMENT ON COLUMN saas.fraud_assessments.attributes IS 'The attributes that the rules read. [confidential]';
COMMENT ON COLUMN saas.fraud_assessments.rule_set_version IS 'Digest of the rules that were in force. [internal]';
COMMENT ON COLUMN saas.fraud_assessments.assessed_at IS 'When the intent was assessed. [internal]';
COMMENT ON COLUMN saas.fraud_assessments.microseconds IS 'How long the evaluation took. [internal]';
