-- Five million attempts of one team, a list of a million entries, payments to assess.
DROP SCHEMA IF EXISTS history_bench CASCADE;
CREATE SCHEMA history_bench;
INSERT INTO saas.teams (id, name, slug) VALUES ('00000000-0000-7000-8000-0000000bec02', 'Bench', 'history-bench');

ALTER TABLE saas.payment_intents DISABLE TRIGGER USER;
INSERT INTO saas.payment_intents (team_id, provider, amount, currency, status, attributes, created_at)
SELECT
    '00000000-0000-7000-8000-0000000bec02', 'stripe', 100 + (n * 7919) % 40000, 'USD',
    'requires_payment_method',
    pg_catalog.jsonb_build_object(
        'email', pg_catalog.format('buyer%s@mail.example', (n * 48271) % 500000),
        'card_fingerprint', pg_catalog.format('fp%s', (n * 16807) % 500000)
    ),
    timestamptz '2026-01-01 00:00:00+00' + n * interval '1.5552 seconds'
FROM generate_series(1::bigint, 5000000) AS n;
ALTER TABLE saas.payment_intents ENABLE TRIGGER USER;

INSERT INTO saas.fraud_lists (team_id, id, alias, kind)
VALUES ('00000000-0000-7000-8000-0000000bec02', '00000000-0000-7000-8000-0000000bec03', 'million', 'email');
ALTER TABLE saas.fraud_list_items DISABLE TRIGGER USER;
INSERT INTO saas.fraud_list_items (team_id, list_id, value)
SELECT
    '00000000-0000-7000-8000-0000000bec02', '00000000-0000-7000-8000-0000000bec03',
    pg_catalog.format('listed%s@mail.example', n)
FROM generate_series(1, 1000000) AS n;
ALTER TABLE saas.fraud_list_items ENABLE TRIGGER USER;

-- The rules, each with the conditions that it adds to the reading of attributes.
CREATE TABLE history_bench.rules (name text, rule text);
INSERT INTO history_bench.rules VALUES
    ('none', 'TAG ''x'' IF :email: = ''x'' AND :card_fingerprint: = ''y'''),
    ('count over 24 hours', 'TAG ''x'' IF count(FROM attempts BY :email: OVER 24h) > 3'),
    ('count over all time', 'TAG ''x'' IF count(FROM attempts BY :email: ALL TIME) > 30'),
    ('sum over 30 days', 'TAG ''x'' IF sum(amount FROM attempts WHERE currency = ''USD'' BY :email: OVER 30d) > 10000000'),
    ('distinct cards over 30 days', 'TAG ''x'' IF count(DISTINCT card_fingerprint FROM attempts BY :email: OVER 30d) > 30'),
    ('95th percentile over all time', 'TAG ''x'' IF percentile(amount, 0.95 FROM attempts BY :card_fingerprint: ALL TIME) < 1'),
    ('list of a million', 'TAG ''x'' IF :email: IN @million');

DO $$
DECLARE
    v_statement text;
BEGIN
    FOR v_statement IN
        SELECT DISTINCT i.statement
        FROM history_bench.rules AS r
        CROSS JOIN LATERAL saas.fraud_rule_indexes(r.rule) AS i
    LOOP
        EXECUTE pg_catalog.replace(v_statement, ' CONCURRENTLY', '');
    END LOOP;
END
$$;
VACUUM (ANALYZE) saas.payment_intents;
VACUUM (ANALYZE) saas.fraud_list_items;

CREATE TABLE history_bench.payments AS
SELECT n, pg_catalog.jsonb_build_object(
    'email', CASE
        WHEN n % 2 = 0 THEN pg_catalog.format('Buyer%s@mail.example', (n * 7919) % 500000)
        ELSE pg_catalog.format('listed%s@mail.example', n * 431)
    END,
    'card_fingerprint', pg_catalog.format('fp%s', (n * 7919) % 500000), 'currency', 'USD'
) AS attributes
FROM generate_series(1::bigint, 2000) AS n;
ANALYZE history_bench.payments;

-- The query as a text, executed for each payment.
CREATE FUNCTION history_bench.dynamic(p_team uuid, p_attributes jsonb, p_as_of timestamptz, p_query text)
RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    v_hit boolean;
BEGIN
    EXECUTE p_query INTO v_hit USING p_team, p_attributes, p_as_of;
    RETURN v_hit;
END
$$;
CREATE TABLE history_bench.queries (name text, query text);
INSERT INTO history_bench.queries VALUES
    ('count over 24 hours', $q$SELECT count(*) > 3 FROM saas.payment_intents AS i WHERE i.team_id = $1
        AND lower((i.attributes ->> 'email') COLLATE "C") = lower(($2 ->> 'email') COLLATE "C")
        AND i.created_at <= $3 AND i.created_at > $3 - interval '24 hours'$q$),
    ('list of a million', $q$SELECT EXISTS (SELECT FROM saas.fraud_lists AS l JOIN saas.fraud_list_items AS i
        ON i.team_id = l.team_id AND i.list_id = l.id
        WHERE l.team_id = $1 AND l.alias = 'million' AND i.value = lower($2 ->> 'email')
        AND (i.expires_at IS NULL OR i.expires_at > $3))$q$);

CREATE TABLE history_bench.results (name text, engine text, microseconds double precision);

CREATE PROCEDURE history_bench.measure(p_name text, p_rounds integer)
LANGUAGE plpgsql
AS $$
DECLARE
    v_team constant uuid := '00000000-0000-7000-8000-0000000bec02';
    v_as_of constant timestamptz := '2026-03-25 00:00:00+00';
    v_begin timestamptz;
    v_query text;
BEGIN
    DELETE FROM saas.fraud_detection_rules WHERE team_id = v_team;
    INSERT INTO saas.fraud_detection_rules (team_id, name, rule)
    SELECT v_team, r.name, r.rule FROM history_bench.rules AS r WHERE r.name = p_name;
    COMMIT;
    -- Rules, plans and lists are read before the clock runs.
    PERFORM saas.evaluate_team_rules(v_team, p.attributes, p_as_of => v_as_of) FROM history_bench.payments AS p WHERE p.n <= 100;
    v_begin := pg_catalog.clock_timestamp();
    FOR v_round IN 1 .. p_rounds LOOP
        PERFORM saas.evaluate_team_rules(v_team, p.attributes, p_as_of => v_as_of) FROM history_bench.payments AS p;
    END LOOP;
    INSERT INTO history_bench.results VALUES (
        p_name, 'rules', EXTRACT(epoch FROM pg_catalog.clock_timestamp() - v_begin) * 1000000 / (2000 * p_rounds)
    );
    SELECT q.query INTO v_query FROM history_bench.queries AS q WHERE q.name = p_name;
    IF FOUND THEN
        v_begin := pg_catalog.clock_timestamp();
        PERFORM history_bench.dynamic(v_team, p.attributes, v_as_of, v_query) FROM history_bench.payments AS p;
        INSERT INTO history_bench.results VALUES (
            p_name, 'dynamic', EXTRACT(epoch FROM pg_catalog.clock_timestamp() - v_begin) * 1000000 / 2000
        );
    END IF;
END
$$;
