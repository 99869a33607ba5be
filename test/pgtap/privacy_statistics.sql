-- Step by step, an erasure reads the rows that it works on by their indexes, and no others, also in tables that were never analysed and
-- look to the server as if any key had a two-hundredth of them.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SELECT saas.clear_context() \g /dev/null
SELECT saas.create_user('zed@example.org', 'Zed Unknown') AS zed, saas.create_user('yan@example.org', 'Yan Other') AS yan \gset
CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO saas_internal;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT, UPDATE, DELETE ON TABLES TO saas_internal;
CREATE TABLE shop.visits (id bigint PRIMARY KEY, person uuid REFERENCES saas.users (id)) WITH (autovacuum_enabled = false);
CREATE TABLE shop.pages (id bigint PRIMARY KEY, visit bigint, mail text, words text) WITH (autovacuum_enabled = false);
CREATE TABLE shop.notes (id bigint PRIMARY KEY, page bigint) WITH (autovacuum_enabled = false);
INSERT INTO shop.visits SELECT n, CASE WHEN n % 50 = 0 THEN :'zed' ELSE :'yan' END::uuid FROM generate_series(1, 10000) AS n;
INSERT INTO shop.pages SELECT n, n, CASE WHEN n % 50 = 1 THEN 'Zed@example.org' ELSE n || '@example.org' END, 'text' FROM generate_series(1, 10000) AS n;
INSERT INTO shop.notes SELECT n, n FROM generate_series(1, 10000) AS n;
CREATE INDEX visits_person_idx ON shop.visits (person);
CREATE INDEX pages_visit_idx ON shop.pages (visit);
CREATE INDEX pages_mail_idx ON shop.pages (lower(mail));
SELECT saas.declare_personal_data('shop.visits', 'person', '{person}'),
    saas.declare_personal_data('shop.pages', 'visit', '{visit}', 'shop.visits', p_kind => 'column', p_action => 'anonymise'),
    saas.declare_personal_data('shop.pages', 'mail', '{mail}', p_parent_columns => '{email}', p_kind => 'email', p_action => 'anonymise'),
    saas.declare_personal_column('shop.pages', 'words', 'null'), saas.declare_personal_column('shop.pages', 'mail', 'null'),
    saas.declare_personal_data('shop.notes', 'page', '{page}', 'shop.pages', p_kind => 'column') \g /dev/null
SELECT is((SELECT count(*) FROM pg_stats AS s WHERE s.schemaname = 'shop'), 0::bigint, 'nothing is known of these tables');
SELECT results_eq($$SELECT DISTINCT s.is_indexed FROM saas.row_searches('erase') AS s WHERE s.statement ~ 'shop\.(visits|pages) AS c'$$, $$VALUES (true)$$, 'links with an index are looked up by it');
SELECT results_eq($$SELECT DISTINCT s.is_indexed FROM saas.row_searches('erase') AS s WHERE s.statement ~ 'shop\.notes AS c'$$, $$VALUES (false)$$, 'one without is not');

-- The plans themselves: from the rows that are known outwards, and no table as a whole.
CREATE FUNCTION pg_temp.plan_of(p_statement text) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, saas, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_line text;
    v_plan text := '';
BEGIN
    FOR v_line IN EXECUTE 'EXPLAIN (COSTS off) ' || regexp_replace(regexp_replace(regexp_replace(p_statement, '\$1', '''00000000-0000-7000-8000-000000000001''::uuid', 'g'), '\$2', '1', 'g'), '\$3', '0', 'g') LOOP
        v_plan := v_plan || v_line || E'\n';
    END LOOP;
    RETURN v_plan;
END
$$;
SELECT ok(pg_temp.plan_of(s.statement) !~ 'Seq Scan|Hash Join|Merge Join' AND pg_temp.plan_of(s.statement) ~ x.index_name, 'by ' || x.index_name)
FROM (VALUES ('visits_person_idx'), ('pages_visit_idx'), ('pages_mail_idx')) AS x (index_name)
JOIN saas.row_searches('erase') AS s ON s.statement ~ CASE x.index_name WHEN 'visits_person_idx' THEN 'shop\.visits AS c' WHEN 'pages_visit_idx' THEN 'c\.visit = ' ELSE 'lower\(c\.mail' END;

-- And what is read when they run: each scan of a table as a whole is counted by the server.
CREATE TEMPORARY TABLE scans AS SELECT t, pg_stat_get_xact_numscans(t) AS scans FROM unnest('{shop.visits,shop.pages,shop.notes}'::regclass[]) AS t;
SELECT saas.request_user_deletion(:'zed', 'letter') AS request \gset
SELECT saas.verify_deletion_identity(:'request', 'passport', INTERVAL '0') \g /dev/null
-- No column is identifying: those are compared with everybody's.
SELECT is((saas.run_deletion_request(:'request', 50, 0)).status, 'running', 'the person is erased in small batches');
-- As when the server has looked at the rows that were found, and not at the tables that they are in.
ANALYZE saas.erasure_rows;
SELECT is((saas.run_deletion_request(:'request', 50)).status, 'erased', 'to the end');
SELECT results_eq(
    $$SELECT s.t::text, pg_stat_get_xact_numscans(s.t) > s.scans FROM scans AS s ORDER BY 1$$,
    $$VALUES ('shop.notes', true), ('shop.pages', false), ('shop.visits', false)$$,
    'no table with an index was read as a whole, the one without was'
);
SELECT results_eq(
    $$SELECT (SELECT count(*) FROM shop.visits), (SELECT count(*) FROM shop.pages WHERE words IS NULL AND mail IS NULL), (SELECT count(*) FROM shop.notes)$$,
    $$VALUES (9800::bigint, 400::bigint, 9600::bigint)$$, 'every row of the person was found'
);
SELECT is(current_setting('enable_seqscan'), 'on', 'and the session keeps its settings');
SELECT * FROM finish();
ROLLBACK;
