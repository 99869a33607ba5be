-- model_score() in rules: the champion's probability, unknown without one, and at once another model's.
BEGIN;
SELECT plan(5);

INSERT INTO saas.users (id, email) VALUES ('00000000-0000-7000-8000-0000000000a1', 'owner@models.example');
INSERT INTO saas.teams (id, name, slug) VALUES ('00000000-0000-7000-8000-000000000001', 'One', 'models-one');
INSERT INTO saas.team_members (team_id, user_id, role)
VALUES ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a1', 'owner');
INSERT INTO saas.fraud_detection_rules (team_id, name, rule) VALUES
    ('00000000-0000-7000-8000-000000000001', 'high', 'SCORE 1 IF model_score(''m'') > 0.5'),
    ('00000000-0000-7000-8000-000000000001', 'none', 'SCORE 2 IF model_score(''m'') IS MISSING'),
    ('00000000-0000-7000-8000-000000000001', 'other', 'SCORE 4 IF model_score(''nobody'') > 0');
CREATE FUNCTION pg_temp.scored(p_attributes jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', e.score, e.errors -> 0 ->> 'message')
    FROM saas.evaluate_team_rules('00000000-0000-7000-8000-000000000001', p_attributes) AS e
$$;
SELECT is(pg_temp.scored('{"amount": 100}'), '2', 'without a champion the score is unknown');
SELECT saas.set_context('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a1') \g /dev/null
SELECT saas.import_fraud_model(
        '00000000-0000-7000-8000-000000000001', 'm', 'logistic',
        convert_to('{"intercept": 0, "features": [{"name": "amount", "coefficient": 1, "mean": 0, "scale": 100}]}', 'UTF8')
    ),
    saas.activate_fraud_model('00000000-0000-7000-8000-000000000001', 'm', 1) \g /dev/null
SELECT is(pg_temp.scored('{"amount": 100}'), '1', 'a champion counts from the next statement on');
SELECT is(pg_temp.scored('{"amount": -100}'), '0', 'with what the payment holds');
SELECT is(pg_temp.scored('{"amount": "x"}'), '0 value of the wrong type', 'a feature that is no number fails the rule, not the payment');
SELECT saas.deactivate_fraud_model('00000000-0000-7000-8000-000000000001', 'm', 1) \g /dev/null
SELECT is(pg_temp.scored('{"amount": 100}'), '2', 'out of force it is unknown again');

SELECT * FROM finish();
ROLLBACK;
