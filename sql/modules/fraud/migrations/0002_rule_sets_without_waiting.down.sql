DROP INDEX IF EXISTS saas.fraud_rule_sets_team_id_version_idx;
ALTER TABLE saas.fraud_rule_sets DISABLE TRIGGER USER;
DELETE FROM saas.fraud_rule_sets AS s
USING saas.fraud_rule_sets AS other
WHERE other.team_id = s.team_id AND other.version = s.version AND other.id < s.id;
ALTER TABLE saas.fraud_rule_sets ENABLE TRIGGER USER;
ALTER TABLE saas.fraud_rule_sets
ADD CONSTRAINT fraud_rule_sets_team_id_version_key UNIQUE (team_id, version);
