-- What is exported and read back is what the tables have: every row of every table on the map, every column but the
-- secret ones, values of every type, at once and as a job in chunks.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
\ir include/person_in_every_table.sql
CREATE TYPE public.mood AS ENUM ('glad', 'it''s "so"');
CREATE TYPE public.pair AS (x integer, y text);
CREATE DOMAIN public.code AS text CHECK (VALUE ~ '^[A-Z]');
CREATE TABLE public.kinds (
    id bigint PRIMARY KEY, person uuid NOT NULL REFERENCES saas.users (id), "Odd ""name" text, flag boolean, small smallint, whole integer, big bigint, amount numeric, price numeric(12, 3),
    single real, precise float8, letters char(5), short varchar(9), raw bytea, day date, clock time, zoned timetz, at timestamp, moment timestamptz, span interval,
    address inet, net cidr, mac macaddr, bits bit varying, doc json, docb jsonb, words text[], numbers integer[], grid integer[][], spans int4range, many tstzmultirange,
    feeling public.mood, both_of public.pair, letter public.code, tree xml, place point, vector tsvector, cash numeric GENERATED ALWAYS AS (amount * 2) STORED
);
INSERT INTO public.kinds (
    id, person, "Odd ""name", flag, small, whole, big, amount, price, single, precise, letters, short, raw, day, clock, zoned, at, moment, span,
    address, net, mac, bits, doc, docb, words, numbers, grid, spans, many, feeling, both_of, letter, tree, place, vector
)
VALUES
    (1, :'ann', E'"\\ \b\t\n\r\u0001 é € 🙂 </script>', true, -32768, 2147483647, 9223372036854775807, 123456789012345678901234567890.123456789, 0.100, 1.1000001, 0.1::float8 + 0.2, 'ab', '', '\x00ff5c22',
        '-infinity', '23:59:59.999999', '12:00:00+05:30', 'infinity', '2026-03-29 01:59:59.999999+00', '1 year -2 mons 3 days -04:05:06.789', '2001:db8::1/64', '192.0.2.0/24', '08:00:2b:01:02:03',
        B'0101', '{"a": [1.50, null], "b": 2}', '{"b": {"c": "\"\\"}, "n": 1.50, "z": null}', ARRAY['a,b', '"', NULL, 'NULL', ''], '{}', '{{1,2},{3,4}}', '[1,5)',
        '{[2026-01-01 00:00+00,2026-01-02 00:00+00),[2026-02-01 00:00+00,)}', 'it''s "so"', ROW(1, 'a "b", c'), 'Z', '<a b="c">d</a>', '(1.5,-2)', '''a'':1 ''b c'':2A'),
    (2, :'ann', NULL, NULL, NULL, NULL, NULL, 'NaN', NULL, 'NaN', 'Infinity', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        'empty', '{}', NULL, NULL, NULL, NULL, NULL, NULL),
    (3, :'ann', repeat('long ', 20000), false, 0, 0, 0, '-Infinity', -1, '-Infinity', -0.0, '     ', ' x ', '', '0044-03-15 BC', '00:00', '00:00-15:59', '4713-01-01 BC', '-infinity', '-178000000 years',
        '::', '::/0', '00:00:00:00:00:00', '', '[]', '{}', '{}', '{NULL}', '{}', '(,)', NULL, 'glad', ROW(NULL, NULL), 'A', NULL, '(0,0)', ''),
    (4, :'bob', 'of Bob', true, 1, 1, 1, 1, 1, 1, 1, 'b', 'b', 'b', now(), now(), now(), now(), now(), '1 day', '::', '::/0', '00:00:00:00:00:00', '1', '{}', '{}', '{b}', '{1}', '{}', '[1,2)', NULL, 'glad', ROW(1, 'b'), 'B', NULL, '(0,0)', '');
GRANT SELECT, DELETE ON public.kinds TO saas_internal;
SELECT saas.declare_personal_data('public.kinds', 'person', '{person}', p_section => 'projects') \g /dev/null

-- An exported row is the row of its table with the same key, but for secrets and what was encrypted: what differs, or lacks, by table and column.
CREATE FUNCTION pg_temp.differing(p_rows jsonb) RETURNS TABLE (table_name text, difference text) LANGUAGE plpgsql AS $$
DECLARE
    v_row jsonb;
    v_back jsonb;
    v_there jsonb;
BEGIN
    FOR v_row IN SELECT r FROM jsonb_array_elements(p_rows) AS r LOOP
        table_name := v_row ->> '_table';
        EXECUTE format('SELECT to_jsonb(jsonb_populate_record(NULL::%s, $1)), (SELECT to_jsonb(t) FROM %1$s AS t WHERE (%2$s) = (SELECT %2$s FROM jsonb_populate_record(NULL::%1$s, $1)))', table_name,
            (SELECT string_agg(quote_ident(a.attname), ', ') FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::smallint[]) WHERE i.indrelid = table_name::regclass AND i.indisprimary))
        INTO v_back, v_there USING v_row;
        IF v_there IS NULL THEN
            difference := 'a row that is not there';
            RETURN NEXT;
        END IF;
        FOR difference IN
            SELECT a.attname || CASE WHEN v_row ? a.attname::text THEN ' differs' ELSE ' is left out' END
            FROM pg_attribute AS a
            WHERE a.attrelid = table_name::regclass AND a.attnum > 0 AND NOT a.attisdropped
                AND CASE WHEN col_description(a.attrelid, a.attnum) LIKE '%[restricted]' THEN v_row ? a.attname::text
                    ELSE NOT v_row ? a.attname::text OR v_back -> a.attname::text IS DISTINCT FROM v_there -> a.attname::text END
        LOOP
            RETURN NEXT;
        END LOOP;
        FOR difference IN SELECT k FROM jsonb_object_keys(v_row - '_table') AS k WHERE NOT v_there ? k LOOP
            RETURN NEXT;
        END LOOP;
    END LOOP;
END
$$;
SET LOCAL timezone = 'Asia/Kolkata';
SET LOCAL datestyle = 'German, DMY';
SET LOCAL intervalstyle = 'sql_standard';
SET LOCAL bytea_output = 'escape';
SET LOCAL extra_float_digits = 0;
SELECT saas.gdpr_export_user_data(:'ann') AS export \gset
CREATE TEMPORARY TABLE exported AS
SELECT s.key AS section, r.value AS line FROM jsonb_each((:'export')::jsonb - 'export_metadata') AS s CROSS JOIN LATERAL jsonb_array_elements(s.value) AS r;
SET LOCAL extra_float_digits = 1;
SELECT is_empty('SELECT d.* FROM (SELECT jsonb_agg(e.line) AS lines FROM exported AS e) AS x CROSS JOIN LATERAL pg_temp.differing(x.lines) AS d', 'each row that was exported, read back, is the row of the table, without secrets');
SELECT results_eq(
    $$SELECT k::text FROM exported AS e CROSS JOIN LATERAL jsonb_populate_record(NULL::public.kinds, e.line) AS k WHERE e.line ->> '_table' = 'public.kinds' ORDER BY k.id$$,
    format('SELECT k::text FROM public.kinds AS k WHERE k.person = %L ORDER BY k.id', :'ann')::text, 'values of every type are the values'
);
SELECT is_empty(
    format($$SELECT l.table_name FROM saas.package_personal_links() AS l WHERE l.action NOT IN ('null', 'reassign') AND l.section <> 'none' AND NOT EXISTS (SELECT FROM exported AS e WHERE e.line ->> '_table' = l.table_name)$$),
    'rows of every table on the map are in it'
);
-- Counted by the test itself: all of the team's rows are hers, but those that the owners made of others.
SELECT is_empty(
    format($$
        SELECT c.name, c.rows, x.rows
        FROM (
            SELECT 'saas.payment_intents' AS name, count(*) AS rows FROM saas.payment_intents WHERE team_id = %1$L
            UNION ALL SELECT 'saas.payments', count(*) FROM saas.payments WHERE team_id = %1$L
            UNION ALL SELECT 'saas.refunds', count(*) FROM saas.refunds WHERE team_id = %1$L
            UNION ALL SELECT 'saas.payment_disputes', count(*) FROM saas.payment_disputes WHERE team_id = %1$L
            UNION ALL SELECT 'saas.payment_transactions', count(*) FROM saas.payment_transactions WHERE team_id = %1$L
            UNION ALL SELECT 'saas.dispute_evidence', count(*) FROM saas.dispute_evidence WHERE team_id = %1$L
            UNION ALL SELECT 'saas.fraud_assessments', count(*) FROM saas.fraud_assessments WHERE team_id = %1$L
            UNION ALL SELECT 'saas.webhook_events', count(*) FROM saas.webhook_events WHERE team_id = %1$L AND payload ? 'said'
            UNION ALL SELECT 'saas.addresses', count(*) FROM saas.addresses WHERE team_id = %1$L
            UNION ALL SELECT 'saas.product_events', count(*) FROM saas.product_events WHERE team_id = %1$L
            UNION ALL SELECT 'saas.team_members', count(*) FROM saas.team_members WHERE user_id = %2$L
            UNION ALL SELECT 'saas.user_sessions', count(*) FROM saas.user_sessions WHERE user_id = %2$L
            UNION ALL SELECT 'saas.mfa_recovery_codes', count(*) FROM saas.mfa_recovery_codes WHERE user_id = %2$L
            UNION ALL SELECT 'saas.consent_records', count(*) FROM saas.consent_records WHERE subject_id = %2$L
            UNION ALL SELECT 'saas.notifications', count(*) FROM saas.notifications WHERE user_id = %2$L
        ) AS c
        LEFT JOIN (SELECT e.line ->> '_table' AS name, count(*) AS rows FROM exported AS e GROUP BY 1) AS x USING (name)
        WHERE c.rows = 0 OR c.rows IS DISTINCT FROM x.rows$$, :'red', :'ann'),
    'each as often as the tables have it'
);
SELECT is_empty(
    format($$SELECT t.key, t.value FROM jsonb_each_text((%L)::jsonb #> '{export_metadata,tables}') AS t
    WHERE t.value::bigint <> (SELECT count(*) FROM exported AS e WHERE e.line ->> '_table' = t.key)$$, :'export'), 'which is what the export says'
);
SELECT is((SELECT count(*) FROM exported AS e WHERE e.line::text ~ 'bob@example|of Bob|Called Bob'), 0::bigint, 'nothing of anybody else is in it');

-- As a job, in chunks of two rows.
SELECT saas.request_data_export(:'ann', p_chunk_rows => 2) AS job \gset
SELECT is(saas.run_data_export(:'job'), 'ready', 'a job writes chunks');
CREATE TEMPORARY TABLE chunked AS
SELECT b.body ->> 'section' AS section, jsonb_build_object('_table', b.body ->> 'table') || r.value AS line
FROM saas.data_export_chunks AS c
CROSS JOIN LATERAL (SELECT saas.read_data_export(:'job', c.number)::jsonb AS body OFFSET 0) AS b CROSS JOIN LATERAL jsonb_array_elements(b.body -> 'rows') AS r
WHERE c.export_id = :'job';
SELECT set_eq($$SELECT section, line FROM chunked WHERE line ->> '_table' <> 'saas.data_exports'$$, $$SELECT section, line FROM exported WHERE line ->> '_table' <> 'saas.data_exports'$$, 'with the same rows');
SELECT is((SELECT count(*) FROM chunked WHERE line ->> '_table' <> 'saas.data_exports'), (SELECT count(*) FROM exported WHERE line ->> '_table' <> 'saas.data_exports'), 'as often');
SELECT * FROM finish();
ROLLBACK;
