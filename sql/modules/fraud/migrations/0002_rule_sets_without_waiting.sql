-- The first assessments by a new rule set, in several transactions at once, each keep it: a unique key would
-- make every payment of the team wait for the first of them to end, and fail under REPEATABLE READ.
ALTER TABLE saas.fraud_rule_sets DROP CONSTRAINT fraud_rule_sets_team_id_version_key;
CREATE INDEX fraud_rule_sets_team_id_version_idx ON saas.fraud_rule_sets (team_id, version);
