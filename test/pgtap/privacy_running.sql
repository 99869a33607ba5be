-- What goes wrong while requests run: a map that changes in the middle, requests that fail, tables that were analysed.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SELECT saas.clear_context() \g /dev/null
CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO saas_internal;
CREATE TABLE shop.notes (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), buyer uuid, words text, amount integer NOT NULL DEFAULT 1);
SAVEPOINT clean;

-- The map changes while an erasure runs: numbers of steps shift, rows stay with their tables.
CREATE TABLE shop.a_early (id uuid PRIMARY KEY, buyer uuid);
CREATE TABLE shop.letters (id uuid PRIMARY KEY, buyer uuid);
SELECT saas.declare_personal_data('shop.letters', 'buyer', '{buyer}', p_kind => 'column'), saas.declare_personal_data('shop.notes', 'buyer', '{buyer}', p_kind => 'column') \g /dev/null
GRANT SELECT, UPDATE, DELETE ON shop.a_early, shop.letters, shop.notes TO saas_internal;
SELECT saas.create_user('eve@example.org', 'Eve Moving') AS eve \gset
INSERT INTO shop.letters SELECT ('00000000-0000-7000-8000-00000000000' || n)::uuid, :'eve' FROM generate_series(1, 4) AS n;
INSERT INTO shop.notes (buyer) SELECT :'eve' FROM generate_series(1, 4);
-- Rows of somebody else with the same keys, in the table that comes first then.
INSERT INTO shop.a_early SELECT l.id, :'bob' FROM shop.letters AS l;
INSERT INTO shop.a_early VALUES (gen_random_uuid(), :'eve');
SELECT saas.request_user_deletion(:'eve', 'leaving', p_strict => false) AS request \gset
SELECT saas.request_data_export(:'eve', p_chunk_rows => 1) AS export \gset
SELECT saas.verify_deletion_identity(:'request', 'letter', INTERVAL '0') \g /dev/null
SELECT is((SELECT status FROM saas.run_deletion_request(:'request', 1, 0)), 'running', 'the erasure begins');
SELECT saas.declare_personal_data('shop.a_early', 'buyer', '{buyer}', p_kind => 'column') \g /dev/null
SELECT is((SELECT status FROM saas.run_deletion_request(:'request')), 'erased', 'and ends with a longer map');
SELECT is((SELECT count(*) FROM shop.letters) + (SELECT count(*) FROM shop.notes), 0::bigint, 'rows that were found have gone');
SELECT results_eq('SELECT DISTINCT buyer FROM shop.a_early', format('VALUES (%L::uuid)', :'bob'), 'so has the person''s row of the table that came, and nobody else''s');
SELECT results_eq(format('SELECT table_name, found, done FROM saas.erasure_steps WHERE request_id = %L AND table_name LIKE %L ORDER BY 1', :'request', 'shop.%'),
    $$VALUES ('shop.a_early', 1::bigint, 1::bigint), ('shop.letters', 4, 4), ('shop.notes', 4, 4)$$, 'the counts are those of the tables');
SELECT is(saas.complete_deletion_request(:'request') #> '{verification,residual}', '[]'::jsonb, 'and the certificate is signed');
ROLLBACK TO clean;

-- One request that fails does not hold up the others.
CREATE FUNCTION shop.refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'the secret of %', OLD.words; END$$;
CREATE TRIGGER refuse BEFORE DELETE ON shop.notes FOR EACH ROW EXECUTE FUNCTION shop.refuse();
SELECT saas.declare_personal_data('shop.notes', 'buyer', '{buyer}', p_kind => 'column') \g /dev/null
GRANT SELECT, UPDATE, DELETE ON shop.notes TO saas_internal;
SELECT saas.create_user('fay@example.org', 'Fay First') AS fay, saas.create_user('guy@example.org', 'Guy Second') AS guy \gset
INSERT INTO shop.notes (buyer, words) VALUES (:'fay', 'fay');
SELECT saas.request_user_deletion(:'fay', 'x', p_strict => false) AS first \gset
SELECT saas.request_user_deletion(:'guy', 'x', p_strict => false) AS second \gset
SELECT saas.verify_deletion_identity(r, 'letter', INTERVAL '0') FROM unnest(ARRAY[:'first', :'second']::uuid[]) AS r \g /dev/null
SET LOCAL ROLE saas_service;
SELECT set_eq('SELECT request_id, status FROM saas.process_deletion_requests()', format('VALUES (%L::uuid, %L), (%L, %L)', :'first', 'blocked', :'second', 'completed'), 'the other one is completed');
RESET ROLE;
SELECT results_eq(format('SELECT status, status_reason FROM saas.user_deletion_requests WHERE id = %L', :'first'), $$VALUES ('blocked', 'P0001: the last call failed; saas.run_deletion_request() says more')$$, 'the one that failed says with which code, and no values');
SELECT is((SELECT count(*) FROM shop.notes) + (SELECT count(*) FROM saas.users WHERE id = :'fay'), 2::bigint, 'nothing of it is half done');
DROP TRIGGER refuse ON shop.notes;
SELECT is((SELECT status FROM saas.process_deletion_requests() WHERE request_id = :'first'), 'completed', 'mended, it goes on');
ROLLBACK TO clean;

-- Rows that mention a person and are deleted all the same are found once: a dry run, erasing at once and erasing step by
-- step count alike.
SELECT saas.create_user('eve@example.org', 'Eve Disputing') AS eve \gset
UPDATE saas.payment_intents AS t SET metadata = jsonb_build_object('user_id', :'eve'::uuid) WHERE t.team_id = :'red';
SET LOCAL session_replication_role = replica;
UPDATE saas.dispute_evidence AS t SET created_by = :'eve' WHERE t.team_id IN (:'red', :'blue');
SET LOCAL session_replication_role = origin;
CREATE TEMPORARY TABLE counted AS
SELECT e.table_name, e.action, e.records FROM saas.gdpr_erase(:'eve', p_dry_run => true, p_strict => false) AS e WHERE e.table_name <> 'saas.audit_logs';
SELECT results_eq($$SELECT action, records FROM counted WHERE table_name = 'saas.dispute_evidence' ORDER BY 1$$, $$VALUES ('delete', 1::bigint), ('null', 1)$$,
    'evidence in a dispute of one''s own is deleted, in those of others it is emptied');
SAVEPOINT counted;
SELECT set_eq(format($$SELECT table_name, action, records FROM saas.gdpr_erase(%L, p_strict => false) WHERE table_name <> 'saas.audit_logs'$$, :'eve'), 'SELECT * FROM counted', 'at once');
SELECT is((SELECT count(*) FROM saas.dispute_evidence WHERE team_id = :'blue' AND created_by IS NULL), 1::bigint, 'which is done');
ROLLBACK TO counted;
SELECT saas.request_user_deletion(:'eve', 'leaving', p_strict => false) AS request \gset
SELECT saas.verify_deletion_identity(:'request', 'letter', INTERVAL '0') \g /dev/null
SELECT is((SELECT status FROM saas.run_deletion_request(:'request', 1)), 'erased', 'step by step, a row at a time');
SELECT set_eq(format($$SELECT table_name, action, done FROM saas.erasure_steps WHERE request_id = %L AND found > 0 AND table_name <> 'saas.audit_logs'$$, :'request'), 'SELECT * FROM counted', 'they are as many');
ROLLBACK TO clean;

-- Statistics of partitioned tables: the server notes -1 pages.
ANALYZE saas.activity_logs;
SELECT is((SELECT relpages FROM pg_class WHERE oid = 'saas.activity_logs'::regclass), -1, 'a partitioned table that was analysed');
SELECT isnt_empty($$SELECT FROM saas.planned_steps('erase') WHERE table_name = 'saas.activity_logs'$$, 'is planned like others');

SELECT * FROM finish();
ROLLBACK;
