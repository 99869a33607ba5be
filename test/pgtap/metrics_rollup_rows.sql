-- Rows that came are added to the buckets that there are: after any history of committed transactions a rollup equals
-- a full computation. This file commits, since rows of the own transaction are never added, and cleans up.
SET client_min_messages = warning;
SELECT no_plan();
CREATE SCHEMA rolled;
SELECT saas.create_user('rolled-rows@example.com') AS owner \gset
SELECT saas.create_team('Rolled one', 'rolled-one', :'owner') AS one, saas.create_team('Rolled two', 'rolled-two', :'owner') AS two \gset
INSERT INTO saas.rollup_calendars (team_id, time_zone, week_start) VALUES (:'two', 'Asia/Kathmandu', 7);

-- In partitions by something else than time, one of them with columns in another order; and in one heap.
CREATE TABLE rolled.visits (team_id uuid NOT NULL, id integer NOT NULL, at timestamptz, kind text NOT NULL, c1 text, "the page" text, ms double precision, amount numeric,
    PRIMARY KEY (team_id, id, kind)) PARTITION BY LIST (kind);
CREATE TABLE rolled.visits_a PARTITION OF rolled.visits FOR VALUES IN ('a');
CREATE TABLE rolled.visits_b (dropped integer, amount numeric, ms double precision, "the page" text, c1 text, kind text NOT NULL, at timestamptz, id integer NOT NULL, team_id uuid NOT NULL);
ALTER TABLE rolled.visits_b DROP COLUMN dropped;
ALTER TABLE rolled.visits ATTACH PARTITION rolled.visits_b FOR VALUES IN ('b');
CREATE INDEX ON rolled.visits (team_id, at);
CREATE TABLE rolled.orders (team_id uuid NOT NULL, id integer NOT NULL, at timestamptz, kind text, c1 text, "the page" text, ms double precision, amount numeric, extra integer, PRIMARY KEY (team_id, id));
CREATE INDEX orders_at ON rolled.orders (team_id, at);
SELECT count(*) FROM (
    SELECT saas.create_rollup('rolled_' || t.name || k.name, format('rolled.%I', t.name)::regclass, 'at', k.measures, k.dimensions, k.granularities, p_read_role => 'viewer')
    FROM (VALUES ('visits'), ('orders')) AS t (name)
    CROSS JOIN (VALUES
        ('_plain', '{"n": "count", "timed": {"count": "ms"}, "total": {"sum": "amount"}, "fast": {"min": "ms"}, "slow": {"max": "ms"}, "pages": {"distinct": "the page"}, "latency": {"quantiles": "ms"}}'::jsonb,
         '{}'::text[], '{hour,day,week,month}'::text[]),
        -- Names that the statement itself uses.
        ('_grouped', '{"hour": "count", "m1": {"sum": "ms"}, "additive": {"distinct": "amount"}}', '{"the page",c1}', '{hour,week}'),
        ('_latest', '{"n": "count", "latest": {"last": "amount"}}', '{kind}', '{day,month}')
    ) AS k (name, measures, dimensions, granularities)
    OFFSET 0) AS made \g /dev/null

-- All rows of all tables of the rollups, without their numbers.
CREATE FUNCTION rolled.contents() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_rollup saas.rollups;
    v_granularity text;
    v_part text;
    v_all text := '';
BEGIN
    FOR v_rollup IN SELECT * FROM saas.rollups AS r WHERE r.name ~ '^rolled_(visits|orders)_' ORDER BY r.name LOOP
        FOREACH v_granularity IN ARRAY v_rollup.granularities LOOP
            EXECUTE format('SELECT string_agg(t.content, E''\n'' ORDER BY t.content) FROM (SELECT (to_jsonb(r) - ''ordinal'')::text AS content FROM saas_rollups.%I AS r) AS t',
                v_rollup.name || '_' || v_granularity) INTO v_part;
            v_all := v_all || format(E'\n%s %s\n%s', v_rollup.name, v_granularity, v_part);
        END LOOP;
    END LOOP;
    RETURN v_all;
END
$$;
CREATE FUNCTION rolled.recomputed() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_contents text;
BEGIN
    BEGIN
        PERFORM saas.rebuild_rollup(r.name) FROM saas.rollups AS r WHERE r.name ~ '^rolled_(visits|orders)_';
        v_contents := rolled.contents();
        RAISE EXCEPTION 'undone';
    EXCEPTION WHEN raise_exception THEN
        RETURN v_contents;
    END;
END
$$;
CREATE PROCEDURE rolled.insert_some(p_table text, p_step integer, p_rows integer) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO rolled.%I (team_id, id, at, kind, c1, "the page", ms, amount)
        SELECT (ARRAY[%L, %L]::uuid[])[1 + (random() * 0.99 * 2)::integer %% 2], %s * 1000 + n,
            CASE WHEN random() > 0.03 THEN (ARRAY[''2026-03-28 20:00+00'', ''2026-12-31 15:00+00'', ''2026-06-10 10:00+00'']::timestamptz[])[1 + (random() * 2.99)::integer %% 3] + random() * INTERVAL ''9 hours'' END,
            CASE WHEN random() < 0.5 THEN ''a'' ELSE ''b'' END, CASE WHEN random() < 0.5 THEN ''c'' END, CASE WHEN random() < 0.8 THEN ''page'' || (random() * 2)::integer END,
            CASE WHEN random() < 0.9 THEN (random() * 100)::integer END, CASE WHEN random() < 0.8 THEN (random() * 100)::integer / 2.0 END
        FROM generate_series(1, %s) AS n', p_table, (SELECT id FROM saas.teams WHERE slug = 'rolled-one'), (SELECT id FROM saas.teams WHERE slug = 'rolled-two'), p_step, p_rows);
END
$$;
CREATE TABLE rolled.progress (step integer, added boolean, differs boolean);
CREATE PROCEDURE rolled.walk(p_steps integer) LANGUAGE plpgsql AS $$
DECLARE
    v_before text;
    v_what double precision;
    v_table text;
BEGIN
    PERFORM setseed(0.125);
    COMMIT;
    FOR i IN 1..p_steps LOOP
        v_table := CASE WHEN random() < 0.5 THEN 'visits' ELSE 'orders' END;
        v_what := random();
        CALL rolled.insert_some(v_table, i, (random() * 12)::integer);
        IF v_what < 0.1 THEN
            EXECUTE format('UPDATE rolled.%I SET at = at + INTERVAL ''47 minutes'', amount = amount + 1 WHERE random() < 0.03', v_table);
        ELSIF v_what < 0.2 THEN
            EXECUTE format('UPDATE rolled.%I SET kind = CASE kind WHEN ''a'' THEN ''b'' ELSE ''a'' END WHERE random() < 0.02', v_table);
        ELSIF v_what < 0.3 THEN
            EXECUTE format('DELETE FROM rolled.%I WHERE random() < 0.03', v_table);
        ELSIF v_what < 0.4 THEN
            BEGIN
                CALL rolled.insert_some(v_table, i + 10000, 5);
                IF random() < 0.5 THEN
                    RAISE EXCEPTION 'undone';
                END IF;
            EXCEPTION WHEN raise_exception THEN
                NULL;
            END;
        ELSIF v_what < 0.45 THEN
            PERFORM saas.rebuild_rollup('rolled_' || v_table || '_plain');
            CALL rolled.insert_some(v_table, i + 20000, 3);
        ELSIF v_what < 0.5 THEN
            PERFORM saas.refresh_rollups('rolled_' || v_table || '_plain', 3);
            CALL rolled.insert_some(v_table, i + 30000, 3);
        ELSIF v_what < 0.55 THEN
            ROLLBACK;
        ELSIF v_what < 0.6 THEN
            COMMIT;
            -- Rows move, and keep the number of their transaction.
            EXECUTE 'CLUSTER rolled.orders USING orders_at';
        ELSIF v_what < 0.65 THEN
            COMMIT;
            EXECUTE format('ALTER TABLE rolled.orders ALTER COLUMN extra TYPE %s USING 7', CASE i % 2 WHEN 0 THEN 'bigint' ELSE 'smallint' END);
        END IF;
        COMMIT;
        IF random() < 0.2 THEN
            PERFORM saas.refresh_rollups('rolled_' || v_table || '_plain', (random() * 20)::integer + 1);
            COMMIT;
        ELSIF random() < 0.5 THEN
            SELECT string_agg(s.computed_as_of::text, ' ') INTO v_before FROM saas.rollup_sources AS s;
            PERFORM saas.refresh_rollups();
            COMMIT;
            INSERT INTO rolled.progress
            SELECT i, string_agg(s.computed_as_of::text, ' ') IS NOT DISTINCT FROM v_before, rolled.contents() <> rolled.recomputed() FROM saas.rollup_sources AS s;
            COMMIT;
        END IF;
    END LOOP;
END
$$;
CALL rolled.walk(60);
SELECT is((SELECT array_agg(p.step ORDER BY p.step) FILTER (WHERE p.differs) FROM rolled.progress AS p), NULL, 'after each refresh the rollups equal a full computation');
SELECT ok((SELECT count(*) > 10 FROM rolled.progress AS p), 'there were refreshes');

-- Which way a refresh went shows in what it notes when it computes buckets: here nothing.
DELETE FROM saas.rollups AS r WHERE r.name ~ '_latest$' AND r.name ~ '^rolled_';
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
CREATE FUNCTION rolled.computed() RETURNS text LANGUAGE sql AS $$SELECT string_agg(s.computed_as_of::text, ' ' ORDER BY s.id) FROM saas.rollup_sources AS s$$;
SELECT rolled.computed() AS before \gset
INSERT INTO rolled.visits_a SELECT :'one', 50001000 + n, '2026-03-29 00:00+00'::timestamptz + n * INTERVAL '7 minutes', 'a', NULL, 'page' || n % 4, n, n FROM generate_series(1, 40) AS n;
INSERT INTO rolled.visits SELECT :'two', 50002000 + n, '2026-03-29 00:00+00'::timestamptz + n * INTERVAL '7 minutes', 'b', 'c', 'page' || n % 4, n, n FROM generate_series(1, 40) AS n;
CALL rolled.insert_some('orders', 50002, 300);
SELECT ok((SELECT sum(f.hours) > 20 AND bool_and(f.problem IS NULL) FROM saas.refresh_rollups() AS f), 'rows that came');
SELECT is(rolled.computed(), :'before', 'are added to their buckets, which are not computed anew');
SELECT ok(rolled.contents() = rolled.recomputed(), 'with the same answer');
INSERT INTO rolled.visits (team_id, id, at, kind) VALUES (:'one', 50003001, '2026-06-10 10:00+00', 'a'), (:'two', 50003002, '2026-06-10 10:00+00', 'b');
SELECT ok((SELECT count(*) = 2 AND bool_and(n.row_ids IS NOT NULL AND n.relation IN (pg_relation_filenode('rolled.visits_a'), pg_relation_filenode('rolled.visits_b'))) FROM saas.rollup_changes AS n), 'the log tells where rows are, by partition');
BEGIN;
CALL rolled.insert_some('orders', 50004, 3);
SAVEPOINT s;
CALL rolled.insert_some('orders', 50005, 3);
ROLLBACK TO SAVEPOINT s;
COMMIT;
BEGIN;
CALL rolled.insert_some('orders', 50006, 3);
UPDATE rolled.orders SET amount = 7 WHERE id > 50006000;
COMMIT;
SELECT ok((SELECT count(*) FILTER (WHERE n.row_ids IS NULL) > 2 AND count(*) FILTER (WHERE n.row_ids IS NOT NULL) >= 1 FROM saas.rollup_changes AS n),
    'but not of rows that a subtransaction inserted, or that were changed');
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
SELECT isnt(rolled.computed(), :'before', 'buckets of those are computed anew');
SELECT ok(rolled.contents() = rolled.recomputed(), 'with the same answer, too');

-- More rows than are told one by one; rows that are not there any more; a log of another server.
INSERT INTO rolled.orders SELECT :'one', 60000000 + n, '2026-07-01 10:00+00', 'a', NULL, NULL, n, n FROM generate_series(1, 257) AS n;
SELECT is((SELECT array_agg(n.row_ids::text) FROM saas.rollup_changes AS n), ARRAY[NULL], 'more than 256 rows of a quarter of an hour are not told one by one');
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
INSERT INTO rolled.orders SELECT :'one', 61000000 + n, '2026-07-01 10:00+00', 'a', NULL, NULL, n, n FROM generate_series(1, 256) AS n;
SELECT is((SELECT array_agg(cardinality(n.row_ids)) FROM saas.rollup_changes AS n), ARRAY[256], 'and 256 are');
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
SELECT ok(rolled.contents() = rolled.recomputed(), 'both ways right');
CALL rolled.insert_some('visits', 50007, 5);
UPDATE saas.rollup_changes SET relation = pg_relation_filenode('rolled.orders');
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
SELECT ok(rolled.contents() = rolled.recomputed(), 'a table that is another one');
CALL rolled.insert_some('visits', 50008, 5);
UPDATE saas.rollup_changes SET xact_id = pg_current_xact_id();
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
SELECT ok(rolled.contents() = rolled.recomputed(), 'transactions that are others');
CALL rolled.insert_some('visits', 50010, 5);
TRUNCATE rolled.visits_a;
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
SELECT is((SELECT count(*) FROM saas.rollup_changes), 0::bigint, 'rows of a partition that was emptied');
SELECT saas.rebuild_rollup(r.name) FROM saas.rollups AS r WHERE r.name ~ '^rolled_visits_' \g /dev/null
TRUNCATE rolled.orders;
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
BEGIN;
INSERT INTO rolled.orders (team_id, id, at) VALUES (:'one', 50009001, '2026-06-10 10:00+00'), (:'one', 50009002, '2026-06-10 10:00+00');
TRUNCATE rolled.orders;
INSERT INTO rolled.orders (team_id, id, at) VALUES (:'one', 50009003, '2026-06-10 10:00+00');
COMMIT;
SELECT is((SELECT array_agg(n.row_ids::text) FROM saas.rollup_changes AS n), ARRAY[NULL], 'the same place twice, since the table was emptied in between, is not told');
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
SELECT is((SELECT array_agg(r.n) FROM saas_rollups.rolled_orders_plain_hour AS r), ARRAY[1::bigint], 'the row counts once');
BEGIN;
CALL rolled.insert_some('orders', 50011, 20);
TRUNCATE rolled.orders;
CALL rolled.insert_some('orders', 50012, 20);
COMMIT;
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
SELECT ok(rolled.contents() = rolled.recomputed(), 'TRUNCATE between insertions');

-- Rows that the log does not tell of may get the number of a transaction as well, and then the place of one that it
-- tells of: when the transaction rewrites the table, or has the buckets computed.
TRUNCATE rolled.orders;
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
INSERT INTO rolled.orders (team_id, id, at, amount) VALUES (:'one', 1, '2026-06-10 10:06+00', 5);
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
BEGIN;
INSERT INTO rolled.orders (team_id, id, at, amount) VALUES (:'one', 2, '2026-06-10 10:05+00', 100);
ALTER TABLE rolled.orders ALTER COLUMN extra TYPE text;
CLUSTER rolled.orders USING orders_at;
COMMIT;
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
SELECT ok(rolled.contents() = rolled.recomputed(), 'rows before a table is rewritten by their transaction');
BEGIN;
ALTER TABLE rolled.orders ALTER COLUMN extra TYPE integer USING 8;
INSERT INTO rolled.orders (team_id, id, at, amount) VALUES (:'one', 3, '2026-06-10 10:04+00', 1000);
COMMIT;
CLUSTER rolled.orders USING orders_at;
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
SELECT ok(rolled.contents() = rolled.recomputed(), 'and after, when they have moved since');
BEGIN;
INSERT INTO rolled.orders (team_id, id, at, amount) VALUES (:'one', 4, '2026-06-10 10:08+00', 9);
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
INSERT INTO rolled.orders (team_id, id, at, amount) VALUES (:'one', 5, '2026-06-10 10:03+00', 10000);
COMMIT;
CLUSTER rolled.orders USING orders_at;
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
SELECT ok(rolled.contents() = rolled.recomputed(), 'rows after a refresh by their transaction, which have moved since');
BEGIN;
TRUNCATE rolled.orders;
INSERT INTO rolled.orders (team_id, id, at) VALUES (:'two', 1, NULL), (:'two', 2, '2026-09-10 10:00+00');
TRUNCATE rolled.orders;
INSERT INTO rolled.orders (team_id, id, at) VALUES (:'two', 3, '2026-09-10 10:00+00'), (:'two', 4, '2026-09-10 10:00+00');
COMMIT;
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
SELECT ok(rolled.contents() = rolled.recomputed(), 'places that come again in another order');

-- More spans than are kept in memory, in one transaction that computes the rollup itself.
CREATE TABLE rolled.spans (team_id uuid NOT NULL, at timestamptz NOT NULL);
SELECT count(*) FROM saas.create_rollup('rolled_spans', 'rolled.spans', 'at', '{"n": "count"}', p_granularities => '{hour}', p_read_role => 'viewer') \g /dev/null
BEGIN;
INSERT INTO rolled.spans SELECT :'one', '2026-01-01 00:00+00'::timestamptz + n * INTERVAL '15 minutes' FROM generate_series(1, 65540) AS n;
SELECT count(*) AS written, count(n.row_ids) AS told FROM saas.rollup_changes AS n \gset
SELECT saas.rebuild_rollup('rolled_spans') \g /dev/null
COMMIT;
SELECT ok(:written > 65000 AND :told = 0, 'what is written early is to be computed anew');
DELETE FROM saas.rollup_changes AS n WHERE n.row_ids IS NULL;
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
SELECT is((SELECT sum(r.n) FROM saas_rollups.rolled_spans_hour AS r), 65540::numeric, 'and counts once');

-- What is replicated may find its buckets replicated, too.
SET session_replication_role = replica;
INSERT INTO rolled.orders (team_id, id, at) VALUES (:'one', 1, '2026-06-10 10:00+00');
RESET session_replication_role;
SELECT is((SELECT array_agg(n.row_ids::text) FROM saas.rollup_changes AS n), ARRAY[NULL], 'replicated rows are not told one by one');
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
SELECT ok(rolled.contents() = rolled.recomputed(), 'nor counted twice');

-- The least text is that by the order of the source.
CREATE TABLE rolled.words (team_id uuid NOT NULL, id integer NOT NULL, at timestamptz NOT NULL, word text COLLATE "und-x-icu", PRIMARY KEY (team_id, id));
SELECT count(*) FROM saas.create_rollup('rolled_words', 'rolled.words', 'at', '{"least": {"min": "word"}}', p_granularities => '{hour,day}', p_read_role => 'viewer') \g /dev/null
INSERT INTO rolled.words VALUES (:'one', 1, '2026-06-10 10:05+00', 'a');
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
INSERT INTO rolled.words VALUES (:'one', 2, '2026-06-10 10:05+00', 'B'), (:'one', 3, '2026-06-10 11:05+00', 'B');
SELECT count(*) FROM saas.refresh_rollups() \g /dev/null
SELECT is((SELECT array_agg(r.least ORDER BY r.bucket) FROM saas_rollups.rolled_words_hour AS r), ARRAY['a', 'B'], 'of rows that are added');
SELECT is((SELECT array_agg(r.least) FROM saas_rollups.rolled_words_day AS r), ARRAY['a'], 'and of hours');

-- A quantity that cannot be added keeps its team waiting, and no other.
INSERT INTO rolled.orders VALUES (:'one', -1, '2026-08-01 10:00+00', 'a', NULL, NULL, 1.7e308, 1), (:'two', -1, '2026-08-01 10:00+00', 'a', NULL, NULL, 1.7e308, 1);
SELECT is((SELECT count(f.problem) FROM saas.refresh_rollups() AS f), 0::bigint, 'the first fits');
INSERT INTO rolled.orders VALUES (:'one', -2, '2026-08-01 10:01+00', 'a', NULL, NULL, 1.7e308, 1), (:'two', -2, '2026-08-01 10:01+00', 'a', NULL, NULL, 1, 1);
SELECT matches((SELECT string_agg(f.problem, ' ') FROM saas.refresh_rollups() AS f), '^team ' || :'one' || ': 22003', 'the sum of the first two does not: a problem of one team');
SELECT is((SELECT r.n FROM saas_rollups.rolled_orders_plain_hour AS r WHERE r.bucket = '2026-08-01 09:15+00' AND r.team_id = :'two'), 2::bigint, 'the other one is up to date');
DELETE FROM rolled.orders WHERE id = -2;
SELECT is((SELECT count(f.problem) FROM saas.refresh_rollups() AS f), 0::bigint, 'until it is mended');
SELECT ok(rolled.contents() = rolled.recomputed(), 'and right');

-- Statements are kept by session and role, and run with the rights of whoever calls.
SELECT throws_ok($$SELECT saas.run_rollup_statement('none', NULL, 1)$$, '26000', NULL, 'a statement that is not kept');
SELECT is(saas.keeps_rollup_statement('one'), false, 'nothing is kept at first');
SELECT is(saas.run_rollup_statement('one', 'SELECT $1 + 1', 41::bigint), 42::bigint, 'the first column of the first row');
SELECT is(saas.keeps_rollup_statement('one'), true, 'kept');
SELECT is(saas.run_rollup_statement('one', NULL, 1::bigint), 2::bigint, 'and run again');
SELECT is(saas.run_rollup_statement('none', 'SELECT $1 FROM generate_series(1, 3)', NULL::text), 3::bigint, 'or the number of rows');
SELECT is(saas.run_rollup_statement(NULL, 'SELECT 1', 1), NULL, 'without a name nothing is run');
SELECT throws_ok(format($$SELECT saas.run_rollup_statement('wrong', 'SELECT %s', 1)$$, 'nothing.at_all()'), '3F000', NULL, 'an error is one');
SELECT is(count(saas.run_rollup_statement('many ' || n, 'SELECT 1', 1)), 200::bigint, 'more than are kept') FROM generate_series(1, 200) AS n;
SELECT is(saas.keeps_rollup_statement('one'), false, 'the oldest goes');
CREATE FUNCTION rolled.another() RETURNS integer LANGUAGE sql AS 'SELECT 1';
SELECT is(saas.keeps_rollup_statement('many 200'), false, 'and all when functions change');
SET ROLE saas_app;
SELECT throws_ok($$SELECT saas.run_rollup_statement('mine', 'SELECT 1', 1)$$, '42501', NULL, 'members run none');
SELECT throws_ok($$SELECT saas.keeps_rollup_statement('mine')$$, '42501', NULL, 'nor ask for one');
SELECT throws_ok($$SELECT saas.take_rollup_changes(NULL, 1, NULL)$$, '42501', NULL, 'nor take changes');
RESET ROLE;

SELECT * FROM finish();
DROP TABLE saas_rollups.rolled_visits_latest_month, saas_rollups.rolled_visits_latest_day, saas_rollups.rolled_visits_latest_hour,
    saas_rollups.rolled_orders_latest_month, saas_rollups.rolled_orders_latest_day, saas_rollups.rolled_orders_latest_hour CASCADE;
SELECT saas.drop_rollup(r.name) FROM saas.rollups AS r WHERE r.name ~ '^rolled_' \g /dev/null
DROP SCHEMA rolled CASCADE;
DELETE FROM saas.teams WHERE slug ~ '^rolled-';
DELETE FROM saas.users WHERE email = 'rolled-rows@example.com';
