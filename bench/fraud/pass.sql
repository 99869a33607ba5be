-- One pass: 1, 10 and 100 rules with each engine. The team's rules are committed before they are measured.
INSERT INTO saas.teams (id, name, slug) VALUES ('00000000-0000-7000-8000-0000000bec01', 'Bench', 'fraud-bench');
INSERT INTO saas.fraud_detection_rules (team_id, name, rule)
SELECT '00000000-0000-7000-8000-0000000bec01', r.n::text, r.rule FROM fraud_bench.rules AS r WHERE r.n <= 1;
CALL fraud_bench.measure(1, 'dynamic', NULL, 2000);
CALL fraud_bench.measure(1, 'array', NULL, 40000);
CALL fraud_bench.measure(1, 'team', '00000000-0000-7000-8000-0000000bec01', 40000);
INSERT INTO saas.fraud_detection_rules (team_id, name, rule)
SELECT '00000000-0000-7000-8000-0000000bec01', r.n::text, r.rule FROM fraud_bench.rules AS r WHERE r.n BETWEEN 2 AND 10;
CALL fraud_bench.measure(10, 'dynamic', NULL, 1000);
CALL fraud_bench.measure(10, 'array', NULL, 40000);
CALL fraud_bench.measure(10, 'team', '00000000-0000-7000-8000-0000000bec01', 40000);
INSERT INTO saas.fraud_detection_rules (team_id, name, rule)
SELECT '00000000-0000-7000-8000-0000000bec01', r.n::text, r.rule FROM fraud_bench.rules AS r WHERE r.n BETWEEN 11 AND 100;
CALL fraud_bench.measure(100, 'dynamic', NULL, 200);
CALL fraud_bench.measure(100, 'array', NULL, 20000);
CALL fraud_bench.measure(100, 'team', '00000000-0000-7000-8000-0000000bec01', 20000);
DELETE FROM saas.teams WHERE id = '00000000-0000-7000-8000-0000000bec01';
