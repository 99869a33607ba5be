-- Assessments in which something goes wrong half way, or on purpose.
BEGIN;
SELECT plan(9);
SELECT saas.create_user('hostile@fraud.example') AS "user" \gset
SELECT saas.create_team('Hostile', 'fraud-hostile', :'user') AS team \gset
SET client_min_messages = warning;

-- A list whose reading breaks off is not taken for whole. More entries than one batch.
SAVEPOINT broken_off;
INSERT INTO saas.fraud_lists (team_id, id, alias, kind) VALUES (:'team', :'team', 'stolen', 'string');
INSERT INTO saas.fraud_detection_rules (team_id, name, rule) VALUES (:'team', 'stolen', 'BLOCK IF :email: IN @stolen');
CREATE FUNCTION public.breaks_off(p_number integer) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF p_number = 15000 AND current_setting('test.breaks_off') = 'yes' THEN
        RAISE EXCEPTION USING ERRCODE = 'data_exception', MESSAGE = 'broken off';
    END IF;
    RETURN true;
END
$$;
ALTER TABLE saas.fraud_list_items RENAME TO fraud_list_items_before;
CREATE VIEW saas.fraud_list_items AS
SELECT current_setting('test.team')::uuid AS team_id, current_setting('test.team')::uuid AS list_id,
    'u' || i || '@x.example' AS value, NULL::timestamptz AS expires_at
FROM generate_series(1, 20000) AS i
WHERE public.breaks_off(i);
GRANT SELECT ON saas.fraud_list_items TO saas_internal;
SELECT set_config('test.team', :'team', true) \g /dev/null
SET LOCAL test.breaks_off = 'yes';
SELECT throws_ok(
    format('SELECT * FROM saas.evaluate_team_rules(%L, ''{"email": "u2@x.example"}'')', :'team'), '22000', 'broken off',
    'a list is not read to its end'
);
SET LOCAL test.breaks_off = 'no';
SELECT is(
    (SELECT e.decision FROM saas.evaluate_team_rules(:'team', '{"email": "u19999@x.example"}') AS e), 'block',
    'and is read again'
);
ROLLBACK TO broken_off;

-- What an assessment reads leads to another one, which would drop the rules that are in use.
SAVEPOINT nested;
INSERT INTO saas.fraud_detection_rules (team_id, name, rule) VALUES (:'team', 'dear', 'REVIEW IF amount_in(''EUR'') > 5');
CREATE OR REPLACE FUNCTION saas.amount_in(
    p_amount bigint, p_currency text, p_target text, p_as_of timestamptz DEFAULT now(), p_max_age interval DEFAULT '7 days'
)
RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM saas.evaluate_team_rules(saas.uuid_v7(), '{}');
    RETURN 7;
END
$$;
SELECT throws_ok(
    format('SELECT * FROM saas.evaluate_team_rules(%L, ''{"amount": 1, "currency": "USD"}'')', :'team'), '55000', NULL,
    'an assessment does not begin within another'
);
ROLLBACK TO nested;
SELECT is(
    (SELECT e.decision FROM saas.evaluate_team_rules(:'team', '{"amount": 1}') AS e), 'approve', 'afterwards they go on'
);

CREATE FUNCTION pg_temp.has_its_index(p_rule text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_index record;
BEGIN
    SELECT * INTO v_index FROM saas.fraud_rule_indexes(p_rule);
    EXECUTE replace(v_index.statement, 'CONCURRENTLY ', '');
    RETURN saas.fraud_index_exists(v_index.table_name, v_index.index_columns);
END
$$;

-- An index over one key is none over another whose name differs by what the catalog prints otherwise.
CREATE INDEX payment_intents_my_key_idx ON saas.payment_intents (team_id, (metadata ->> 'mykey'), created_at);
SELECT ok(
    saas.fraud_index_exists(i.table_name, i.index_columns), 'the index of a key is found'
)
FROM saas.fraud_rule_indexes('REVIEW IF count(FROM attempts BY ::mykey:: OVER 1h) > 3') AS i;
SELECT ok(
    NOT saas.fraud_index_exists(i.table_name, i.index_columns), 'another key has none'
)
FROM saas.fraud_rule_indexes('REVIEW IF count(FROM attempts BY ::my key:: OVER 1h) > 3') AS i;
SELECT ok(
    pg_temp.has_its_index('REVIEW IF count(FROM attempts BY ::a\''b:: OVER 1h) > 3'), 'a key with a backslash finds its own'
);

-- An inverse rate has no last digit.
DELETE FROM saas.exchange_rates;
INSERT INTO saas.exchange_rates (base_currency, quote_currency, as_of, rate, source)
VALUES ('USD', 'JPY', now(), 150, 'test'), ('USD', 'KWD', now(), 0.3, 'test');
SELECT is(saas.amount_in(1500, 'JPY', 'USD'), 10::numeric, '1500 yen are ten dollars, not a little more');
SELECT is(saas.amount_in(3000, 'KWD', 'USD'), 10::numeric, '3 dinars of 1000 fils are ten, not a little less');
SELECT * FROM finish();
ROLLBACK;
