-- Fraud models: imported by admins, scored natively, explained, put into force and kept.
BEGIN;
SELECT no_plan();

INSERT INTO saas.users (id, email) VALUES
    ('00000000-0000-7000-8000-0000000000a1', 'owner@models.example'),
    ('00000000-0000-7000-8000-0000000000a2', 'viewer@models.example'),
    ('00000000-0000-7000-8000-0000000000a3', 'member@models.example');
INSERT INTO saas.teams (id, name, slug) VALUES
    ('00000000-0000-7000-8000-000000000001', 'One', 'models-one'),
    ('00000000-0000-7000-8000-000000000002', 'Two', 'models-two');
INSERT INTO saas.team_members (team_id, user_id, role) VALUES
    ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a1', 'owner'),
    ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a2', 'viewer'),
    ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a3', 'member'),
    ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-0000000000a1', 'owner');
\set one '00000000-0000-7000-8000-000000000001'
\set two '00000000-0000-7000-8000-000000000002'
\set owner '00000000-0000-7000-8000-0000000000a1'
\set viewer '00000000-0000-7000-8000-0000000000a2'
\set member '00000000-0000-7000-8000-0000000000a3'

-- One tree: amount < 1000 is -0.5; else card_country in {1, 2} is 1.25, another one 0.25.
CREATE FUNCTION pg_temp.tree(p_objective text DEFAULT 'binary:logistic', p_left text DEFAULT '[1,-1,3,-1,-1]') RETURNS bytea
LANGUAGE sql AS $$
    SELECT convert_to(format(
        '{"learner":{"attributes":{},"feature_names":["amount","card_country"],"feature_types":["q","c"],
          "gradient_booster":{"name":"gbtree","model":{"gbtree_model_param":{"num_parallel_tree":"1","num_trees":"1"},
          "tree_info":[0],"trees":[{"left_children":%s,"right_children":[2,-1,4,-1,-1],"split_indices":[0,0,1,0,0],
          "split_conditions":[1000,-5E-1,NaN,2.5E-1,1.25],"split_type":[0,0,1,0,0],"default_left":[1,0,0,0,0],
          "sum_hessian":[10,6,4,3,1],"categories":[1,2],"categories_nodes":[2],"categories_segments":[0],"categories_sizes":[2],
          "tree_param":{"num_nodes":"5","size_leaf_vector":"0"}}]}},
          "learner_model_param":{"base_score":"5E-1","num_class":"0","num_feature":"2","num_target":"1"},
          "objective":{"name":"%s"}},"version":[1,7,4]}', p_left, p_objective), 'UTF8')
$$;
CREATE FUNCTION pg_temp.map() RETURNS jsonb LANGUAGE sql AS $$
    SELECT '{"card_country": {"attribute": "card_country", "type": "category", "categories": ["US", "BR", "RU"], "label": "Country of the card"}}'::jsonb
$$;
CREATE FUNCTION pg_temp.logistic() RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to('{"intercept": -2, "features": [{"name": "amount", "coefficient": 1, "mean": 500, "scale": 250, "missing": 0.5},
        {"name": "card_country", "coefficients": {"US": -1, "BR": 2}, "other": 0.25}]}', 'UTF8')
$$;
SELECT format('GRANT USAGE ON SCHEMA %I TO saas_app', pg_my_temp_schema()::regnamespace) \gexec

-- Who may import.
SELECT saas.set_context(:'one', :'owner') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT results_eq(
    format($$SELECT version, objective, trees, inputs FROM saas.import_fraud_model(%L, 'm', 'xgboost_json', pg_temp.tree(), pg_temp.map())$$, :'one'),
    $$VALUES (1, 'binary:logistic', 1,
        '[{"feature": "amount", "attribute": "amount", "category": false}, {"feature": "card_country", "attribute": "card_country", "category": true}]'::jsonb)$$,
    'an owner imports a model'
);
SELECT is((saas.import_fraud_model(:'one', 'm', 'xgboost_json', pg_temp.tree(), pg_temp.map())).version, 1, 'the same file again is the same version');
SELECT is((saas.import_fraud_model(:'one', 'm', 'logistic', pg_temp.logistic())).version, 2, 'another one is the next version');
SELECT is((saas.import_fraud_model(:'one', 'other', 'logistic', pg_temp.logistic())).version, 1, 'names count apart');
SELECT results_eq('SELECT DISTINCT state FROM saas.fraud_models', $$VALUES ('inactive')$$, 'nothing is in force by being imported');
SELECT throws_ok(
    format($$SELECT saas.import_fraud_model(%L, 'm', 'logistic', pg_temp.logistic())$$, :'two'),
    '42501', NULL, 'not for a team other than that of the context'
);
RESET ROLE;
SELECT saas.set_context(:'one', :'member') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(
    format($$SELECT saas.import_fraud_model(%L, 'm', 'logistic', pg_temp.logistic())$$, :'one'), '42501', NULL, 'a member imports nothing'
);
SELECT throws_ok(format($$SELECT saas.activate_fraud_model(%L, 'm', 1)$$, :'one'), '42501', NULL, 'and puts nothing into force');
SELECT throws_ok(format($$SELECT saas.deactivate_fraud_model(%L, 'm', 1)$$, :'one'), '42501', NULL, 'nor out of it');
SELECT throws_ok($$INSERT INTO saas.fraud_models (team_id) VALUES (gen_random_uuid())$$, '42501', NULL, 'the table is written by functions only');
SELECT throws_ok($$UPDATE saas.fraud_models SET state = 'champion'$$, '42501', NULL, 'its state as well');
SELECT is((SELECT count(*) FROM saas.fraud_models), 3::bigint, 'members read the models');
SELECT throws_ok(format($$SELECT saas.score_team_model(%L, 'm', '{}', false, 1)$$, :'one'), '42501', NULL, 'the function without checks is not for applications');
SELECT throws_ok(format($$SELECT saas.score_team_models(%L, '{}')$$, :'one'), '42501', NULL, 'nor that for all models');
SELECT throws_ok(format($$SELECT saas.team_model_values(%L, 'm', 1, '{}')$$, :'one'), '42501', NULL, 'nor that for the values');
SELECT throws_ok(format($$SELECT saas.fraud_labels(%L)$$, :'one'), '42501', NULL, 'nor the labels');
SELECT throws_ok(format($$SELECT saas.score_model(%L, 'm', '{}')$$, :'one'), 'P0002', NULL, 'no champion, no score');
RESET ROLE;

-- Scores.
SELECT saas.set_context(:'one', :'owner') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT lives_ok(format($$SELECT saas.activate_fraud_model(%L, 'm', 1)$$, :'one'), 'an owner makes a version the champion');
RESET ROLE;
SELECT saas.set_context(:'one', :'member') \g /dev/null
SET LOCAL ROLE saas_app;
PREPARE score (jsonb) AS SELECT margin FROM saas.score_model(:'one', 'm', $1);
SELECT results_eq($$EXECUTE score ('{"amount": 10}')$$, $$VALUES (-0.5::real)$$, 'below the threshold');
SELECT results_eq($$EXECUTE score ('{"amount": 1000, "card_country": "RU"}')$$, $$VALUES (1.25::real)$$, 'at the threshold, in the set');
SELECT results_eq($$EXECUTE score ('{"amount": "1000.5", "card_country": "US"}')$$, $$VALUES (0.25::real)$$, 'a number in a text, out of the set');
SELECT results_eq($$EXECUTE score ('{"card_country": "RU"}')$$, $$VALUES (-0.5::real)$$, 'a missing number takes its default way');
SELECT results_eq($$EXECUTE score ('{"amount": 2000, "card_country": null}')$$, $$VALUES (1.25::real)$$, 'a missing category takes its own');
SELECT results_eq($$EXECUTE score ('{"amount": 2000, "card_country": "XX"}')$$, $$VALUES (1.25::real)$$, 'a category without code is missing');
SELECT results_eq($$EXECUTE score ('{"amount": 1e400}')$$, $$VALUES (1.25::real)$$, 'a number beyond double precision is beyond every threshold');
SELECT throws_ok($$EXECUTE score ('{"amount": "much"}')$$, '22023', NULL, 'a text that is no number');
SELECT throws_ok($$EXECUTE score ('{"amount": [1]}')$$, '22023', NULL, 'an array is no number');
SELECT throws_ok($$EXECUTE score ('[1]')$$, '22023', NULL, 'attributes are an object');
SELECT results_eq(
    format($$SELECT round(probability::numeric, 9), contributions FROM saas.score_model(%L, 'm', '{"amount": 10}', p_explain => false)$$, :'one'),
    $$VALUES (0.377540669, NULL::jsonb)$$, 'probability alone'
);
SELECT results_eq(
    format($$SELECT margin FROM saas.score_model(%L, 'm', '{"amount": 1000, "card_country": "BR"}', p_version => 2)$$, :'one'),
    $$VALUES (2::real)$$, 'another version by its number'
);
SELECT throws_ok(format($$SELECT saas.score_model(%L, 'm', '{}', p_version => 9)$$, :'one'), 'P0002', NULL, 'an unknown version');
SELECT throws_ok(format($$SELECT saas.score_model(%L, 'm', NULL)$$, :'one'), '22004', NULL, 'attributes are given');

-- Explanations: base + contributions = margin; by hand for this tree.
SELECT results_eq(
    format($$SELECT (contributions ->> 'base')::numeric(6, 4), (contributions ->> 'margin')::numeric(6, 4),
        (SELECT sum((f ->> 'contribution')::numeric)::numeric(6, 4) FROM jsonb_array_elements(contributions -> 'features') AS f),
        contributions -> 'features' -> 0 ->> 'feature', (contributions -> 'features' -> 0 ->> 'contribution')::numeric(6, 4),
        contributions -> 'features' -> 1 -> 'value'
      FROM saas.score_model(%L, 'm', '{"amount": 2000, "card_country": "BR"}')$$, :'one'),
    $$VALUES (-0.1000, 1.2500, 1.3500, 'amount', 0.8250, '"BR"'::jsonb)$$, 'contributions add up'
);
SELECT results_eq(
    format($$SELECT jsonb_array_elements_text(contributions -> 'reasons') FROM saas.score_model(%L, 'm', '{"amount": 2000, "card_country": "BR"}')$$, :'one'),
    $$VALUES ('amount = 2000 raises the risk by 0.8250'), ('Country of the card = BR raises the risk by 0.5250')$$, 'reasons in words'
);
SELECT is(
    (SELECT contributions -> 'reasons' ->> 0 FROM saas.score_model(:'one', 'm', '{"card_country": "a\"b\\\n"}')),
    'amount is missing, which lowers the risk by 0.5500', 'a missing value is a reason, too'
);
RESET ROLE;
SELECT saas.set_context(:'one', :'viewer') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format($$SELECT saas.score_model(%L, 'm', '{}')$$, :'one'), '42501', NULL, 'viewers do not score');
SELECT throws_ok(format($$SELECT saas.score_models(%L, '{}')$$, :'one'), '42501', NULL, 'nor with all models');
SELECT throws_ok(format($$SELECT saas.model_drift(%L, 'm', '[,)', '[,)')$$, :'one'), '42501', NULL, 'nor ask for drift');
SELECT throws_ok(format($$SELECT saas.fraud_training_set(%L, '-infinity', 'infinity')$$, :'one'), '42501', NULL, 'nor for training data');
SELECT throws_ok(format($$SELECT saas.fraud_model_at(%L, 'm', now())$$, :'one'), '42501', NULL, 'nor for the past');
RESET ROLE;

-- Champion and challengers.
SELECT saas.set_context(:'one', :'owner') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT saas.activate_fraud_model(:'one', 'm', 2, 'challenger'), saas.activate_fraud_model(:'one', 'other', 1) \g /dev/null
SELECT results_eq(
    format($$SELECT name, version, state, margin, error FROM saas.score_models(%L, '{"amount": 2000, "card_country": "BR"}')$$, :'one'),
    $$VALUES ('m', 1, 'champion', 1.25::float8, NULL), ('m', 2, 'challenger', 6, NULL), ('other', 1, 'champion', 6, NULL)$$,
    'all models in use, side by side'
);
SELECT is(
    (SELECT count(*) FROM saas.score_models(:'one', '{"amount": "x"}') AS s WHERE s.error LIKE 'a feature of the model is no number%' AND s.margin IS NULL),
    3::bigint, 'a model that fails is a row with its error'
);
SAVEPOINT before_change;
SELECT saas.activate_fraud_model(:'one', 'm', 2) \g /dev/null
SELECT results_eq($$EXECUTE score ('{"amount": 500}')$$, $$VALUES (-2::real)$$, 'the own change of champion holds at once');
SELECT results_eq(
    $$SELECT version, state FROM saas.fraud_models WHERE name = 'm' ORDER BY 1$$, $$VALUES (1, 'inactive'), (2, 'champion')$$,
    'there is one champion of a name'
);
ROLLBACK TO before_change;
SELECT results_eq($$EXECUTE score ('{"amount": 500}')$$, $$VALUES (-0.5::real)$$, 'and ends with its transaction');
SELECT throws_ok(format($$SELECT saas.activate_fraud_model(%L, 'm', 7)$$, :'one'), 'P0002', NULL, 'an unknown version');
SELECT throws_ok(format($$SELECT saas.activate_fraud_model(%L, 'm', 1, 'inactive')$$, :'one'), '22023', NULL, 'an unknown state');
SELECT is(saas.fraud_model_at(:'one', 'm', clock_timestamp()), 1, 'the champion of now');
SELECT is(saas.fraud_model_at(:'one', 'm', now() - interval '1 second'), NULL, 'and none before');
SELECT saas.deactivate_fraud_model(:'one', 'other', 1) \g /dev/null
SELECT throws_ok(format($$SELECT saas.score_model(%L, 'other', '{}')$$, :'one'), 'P0002', NULL, 'out of force, no score');
RESET ROLE;

-- Periods of the champion, with the clock set back.
ALTER TABLE saas.fraud_models DISABLE TRIGGER fraud_models_10_keep;
UPDATE saas.fraud_models SET champion_periods = tstzmultirange(tstzrange(now() - interval '2 days', NULL)) WHERE name = 'm' AND version = 1;
ALTER TABLE saas.fraud_models ENABLE TRIGGER fraud_models_10_keep;
SELECT saas.activate_fraud_model(:'one', 'm', 2) \g /dev/null
SELECT is(saas.fraud_model_at(:'one', 'm', now() - interval '1 day'), 1, 'yesterday''s champion');
SELECT is(saas.fraud_model_at(:'one', 'm', clock_timestamp()), 2, 'today''s');

-- What was imported stays.
SELECT throws_ok($$UPDATE saas.fraud_models SET model = 'x' WHERE version = 1$$, 'SA064', NULL, 'bytes stay');
SELECT throws_ok($$UPDATE saas.fraud_models SET features = '{}' WHERE name = 'm' AND version = 1$$, 'SA064', NULL, 'the map stays');
SELECT throws_ok($$DELETE FROM saas.fraud_models WHERE version = 1$$, 'SA064', NULL, 'versions stay');
SELECT throws_ok(
    format($$INSERT INTO saas.fraud_models (team_id, name, version, format, state, model, checksum, objective, trees, inputs)
        VALUES (%L, 'm', 3, 'logistic', 'champion', 'x', sha256('x'), '', 0, '[]')$$, :'one'),
    '23505', NULL, 'two champions of a name cannot be'
);
INSERT INTO saas.fraud_models (team_id, name, version, format, state, model, checksum, objective, trees, inputs)
VALUES (:'one', 'damaged', 1, 'logistic', 'champion', 'x', sha256('y'), '', 0, '[]');
SELECT throws_ok(format($$SELECT saas.score_model(%L, 'damaged', '{}')$$, :'one'), 'SA064', NULL, 'bytes that are not those of the checksum');
SELECT isnt_empty(
    $$SELECT 1 FROM saas.audit_logs WHERE table_name = 'saas.fraud_models' AND operation = 'U' AND new_values ->> 'state' = 'champion'$$, 'who changed a state is in the audit log'
);
SELECT is_empty(
    $$SELECT 1 FROM saas.audit_logs AS l WHERE l.table_name = 'saas.fraud_models' AND (l.new_values ? 'model' OR l.old_values ? 'model')$$, 'the file is not'
);

-- Files and maps that cannot be used.
PREPARE check_model (text, bytea, jsonb, jsonb) AS SELECT * FROM saas.check_fraud_model($1, $2, $3, $4);
SELECT throws_ok($$EXECUTE check_model ('onnx', '', '{}', '{}')$$, '22023', NULL, 'an unknown format');
SELECT throws_ok($$EXECUTE check_model ('xgboost_json', '', '{}', '{}')$$, 'SA060', NULL, 'no bytes');
SELECT throws_ok($$EXECUTE check_model ('xgboost_json', '{"learner":', '{}', '{}')$$, 'SA060', NULL, 'half a file');
SELECT throws_ok($$EXECUTE check_model ('lightgbm_text', 'tree', '{}', '{}')$$, 'SA060', NULL, 'a head without trees');
SELECT throws_ok($$EXECUTE check_model ('xgboost_json', pg_temp.tree(p_left => '[1,-1,0,-1,-1]'), '{}', '{}')$$, 'SA060', NULL, 'a tree with a circle');
SELECT throws_ok($$EXECUTE check_model ('xgboost_json', pg_temp.tree(p_left => '[9,-1,3,-1,-1]'), '{}', '{}')$$, 'SA060', NULL, 'a child out of range');
SELECT throws_ok($$EXECUTE check_model ('xgboost_json', pg_temp.tree('multi:softprob'), '{}', '{}')$$, 'SA061', NULL, 'an objective with classes');
SELECT throws_ok($$EXECUTE check_model ('xgboost_json', convert_to('{"learner":' || repeat('[', 100000), 'UTF8'), '{}', '{}')$$, 'SA060', NULL, 'brackets without end');
SELECT throws_ok($$EXECUTE check_model ('logistic', convert_to(repeat(' ', 33554433), 'UTF8'), '{}', '{}')$$, 'SA062', NULL, 'too many bytes');
SELECT throws_ok($$EXECUTE check_model ('xgboost_json', pg_temp.tree(), '{"amuont": "amount"}', '{}')$$, 'SA063', NULL, 'a feature that the model has not');
SELECT throws_ok(
    $$EXECUTE check_model ('xgboost_json', pg_temp.tree(), '{"card_country": {"categories": ["US", "BR"]}}', '{}')$$,
    'SA063', NULL, 'fewer categories than the model splits by'
);
SELECT throws_ok($$EXECUTE check_model ('xgboost_json', pg_temp.tree(), '["amount"]', '{}')$$, 'SA063', NULL, 'fewer entries than features');
SELECT throws_ok($$EXECUTE check_model ('xgboost_json', pg_temp.tree(), '{}', '{"iterations": 2}')$$, 'SA063', NULL, 'more iterations than trees');
SELECT throws_ok($$EXECUTE check_model ('xgboost_json', pg_temp.tree(), '{}', '{"rounds": 2}')$$, 'SA063', NULL, 'an unknown option');

-- Labels of the training set: disputes by their reason and how they ended, warnings, never paid.
INSERT INTO saas.payment_intents (team_id, id, provider, amount, currency, status)
SELECT :'one', ('00000000-0000-7000-8000-0000000000b' || n)::uuid, 'stripe', 100 * n, 'EUR', 'requires_payment_method' FROM generate_series(1, 5) AS n;
INSERT INTO saas.payments (team_id, id, provider, provider_payment_id, payment_intent_id, amount, amount_captured, currency, status, fraud_warned_at)
SELECT :'one', ('00000000-0000-7000-8000-0000000000c' || n)::uuid, 'stripe', 'ch_' || n, ('00000000-0000-7000-8000-0000000000b' || n)::uuid, 100, 100, 'EUR', 'paid',
    CASE n WHEN 3 THEN now() END
FROM generate_series(1, 4) AS n;
INSERT INTO saas.payment_disputes (team_id, payment_id, provider, provider_dispute_id, status, amount, currency, reason)
SELECT :'one', ('00000000-0000-7000-8000-0000000000c' || n)::uuid, 'stripe', 'dp_' || n, 'needs_response', 10, 'EUR',
    CASE n WHEN 2 THEN 'product_not_received' ELSE 'fraudulent' END
FROM generate_series(1, 2) AS n;
SELECT saas.set_context(:'one', :'owner') \g /dev/null
PREPARE labels AS
    SELECT (attributes ->> 'amount')::integer, is_fraud, label_source
    FROM saas.fraud_training_set(:'one', now() - interval '1 day', now() + interval '1 day') ORDER BY 1;
SELECT results_eq(
    'EXECUTE labels',
    $$VALUES (100, true, 'dispute'), (200, false, NULL), (300, true, 'warning'), (400, false, NULL), (500, NULL, NULL)$$,
    'disputed for fraud or for something else, warned of, paid, never paid'
);
UPDATE saas.payment_disputes SET status = 'under_review' WHERE provider_dispute_id = 'dp_1';
UPDATE saas.payment_disputes SET status = 'won' WHERE provider_dispute_id = 'dp_1';
SELECT results_eq('EXECUTE labels',
    $$VALUES (100, false, NULL), (200, false, NULL), (300, true, 'warning'), (400, false, NULL), (500, NULL, NULL)$$,
    'a dispute that was won was no fraud');

-- No leakage: what was assessed after the charge is not learned from, even where the period begins after the attempt.
ALTER TABLE saas.fraud_assessments DISABLE TRIGGER USER;
UPDATE saas.fraud_assessments AS a SET assessed_at = now() - interval '3 days' WHERE a.team_id = :'one' AND a.payment_intent_id = '00000000-0000-7000-8000-0000000000b3';
ALTER TABLE saas.fraud_assessments ENABLE TRIGGER USER;
UPDATE saas.payments SET provider_created_at = now() - interval '2 days' WHERE team_id = :'one' AND payment_intent_id = '00000000-0000-7000-8000-0000000000b3';
UPDATE saas.payment_intents SET attributes = '{"known_later": true}' WHERE team_id = :'one' AND id = '00000000-0000-7000-8000-0000000000b3';
SELECT is_empty(
    $$SELECT FROM saas.fraud_training_set(saas.current_team_id(), now() - interval '1 day', now() + interval '1 day') AS t WHERE t.attributes ? 'known_later'$$,
    'a period after the charge does not take what was known then'
);
SELECT results_eq(
    format($$SELECT t.attributes ? 'known_later', t.attempted_at < now() - interval '2 days'
      FROM saas.fraud_training_set(%L, now() - interval '9 days', now() + interval '1 day') AS t WHERE t.payment_intent_id = '00000000-0000-7000-8000-0000000000b3'$$, :'one'),
    'VALUES (false, true)', 'nor does one that contains both'
);

-- A score beyond the range of numbers is an error of the rule, not certainty.
SELECT saas.import_fraud_model(:'one', 'huge', 'logistic', convert_to(
    '{"intercept": 1e308, "features": [{"name": "amount", "coefficient": 1e308}, {"name": "ip_latitude", "coefficient": 1e308}]}', 'UTF8'), '{}') \g /dev/null
SELECT saas.activate_fraud_model(:'one', 'huge', 1) \g /dev/null
INSERT INTO saas.fraud_detection_rules (team_id, name, rule) VALUES (:'one', 'huge', 'BLOCK IF model_score(''huge'') > 0.5');
SELECT throws_ok(format($$SELECT saas.score_model(%L, 'huge', '{"amount": 10, "ip_latitude": 1}')$$, :'one'), '22003', NULL, 'a sum beyond the range');
SELECT is(
    (SELECT s.error FROM saas.score_models(:'one', '{"amount": 10, "ip_latitude": 1}') AS s WHERE s.name = 'huge'),
    'the score of the fraud model is out of range', 'is an error beside other models'
);
SELECT is(
    (SELECT e ->> 'message' FROM saas.assess(:'one', '{"amount": 10, "ip_latitude": 1}') AS a, jsonb_array_elements(a.errors) AS e WHERE e ->> 'name' = 'huge'),
    'number out of range', 'and of the rule'
);
SELECT is((saas.assess(:'one', '{"amount": -10, "ip_latitude": 0.5}')).decision, 'approve', 'while other payments are scored');
SELECT saas.record_assessment(:'one', '00000000-0000-7000-8000-0000000000b1') AS huge \gset
SELECT ok((SELECT r.is_equal FROM saas.fraud_assessments AS a, saas.replay_assessment(a.id, :'one') AS r WHERE a.team_id = :'one' ORDER BY a.assessed_at DESC, a.id DESC LIMIT 1), 'and it is reproduced');
DELETE FROM saas.fraud_detection_rules WHERE name = 'huge' AND team_id = :'one';

-- Never across teams.
SELECT saas.set_context(:'two', :'owner') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is_empty('SELECT 1 FROM saas.fraud_models', 'another team sees no model');
SELECT throws_ok(format($$SELECT saas.score_model(%L, 'm', '{}')$$, :'one'), '42501', NULL, 'and scores with none');
SELECT throws_ok(format($$SELECT saas.score_model(%L, 'm', '{}')$$, :'two'), 'P0002', NULL, 'its own has none of that name');
SELECT is_empty(format($$SELECT 1 FROM saas.score_models(%L, '{}')$$, :'two'), 'nor any other');
RESET ROLE;
SET LOCAL ROLE saas_analyst;
SELECT throws_ok('SELECT model FROM saas.fraud_models', '42501', NULL, 'analysts do not read the file');
SELECT lives_ok('SELECT name, version, state FROM saas.fraud_models', 'but what there is');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
