-- Retention against what has to stay: holds behind cascades, policies that keep, proof, tables of strangers; its speed and schedule.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SELECT saas.set_context(:'red', :'ann') \g /dev/null

-- Tables that the engine does not work on.
CREATE ROLE privacy_stranger NOLOGIN;
CREATE TABLE public.theirs (id integer PRIMARY KEY, at timestamptz NOT NULL, body text);
INSERT INTO public.theirs VALUES (1, '2000-01-01', 'x');
CREATE VIEW public.seen AS SELECT * FROM public.theirs;
CREATE TEMPORARY TABLE passing (id integer PRIMARY KEY, at timestamptz NOT NULL);
GRANT SELECT, UPDATE, DELETE ON public.theirs TO saas_internal;
SELECT throws_ok($$SELECT saas.set_retention_policy('x', 'public.seen', 'at', '1 day', 'delete', 'x')$$, 'SA165', NULL, 'a view has no retention');
SELECT throws_ok($$SELECT saas.set_retention_policy('x', 'passing', 'at', '1 day', 'delete', 'x')$$, 'SA165', NULL, 'nor what is temporary');
SELECT throws_ok(format('SELECT saas.set_retention_policy(%L, %L, %L, %L, %L, %L)', 'x', 'saas.' || t, c, '1 day', 'delete', 'x'), 'SA165', NULL, 'nor proof: ' || t)
FROM (VALUES ('audit_logs', 'created_at'), ('ledger_transactions', 'created_at'), ('legal_holds', 'placed_at')) AS v (t, c);
SELECT lives_ok($$SELECT saas.set_retention_policy('theirs', 'public.theirs', 'at', '1 day', 'delete', 'x')$$, 'a table of the owner of the database has');
-- It changes hands, and the new owner waits for the engine.
ALTER TABLE public.theirs OWNER TO privacy_stranger;
CREATE TABLE public.caught (who text);
GRANT INSERT ON public.caught TO PUBLIC;
GRANT CREATE, USAGE ON SCHEMA public TO privacy_stranger;
SET LOCAL ROLE privacy_stranger;
CREATE FUNCTION public.catch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.caught VALUES (current_user); RETURN OLD; END$$;
CREATE TRIGGER catch BEFORE DELETE ON public.theirs FOR EACH ROW EXECUTE FUNCTION public.catch();
CREATE FUNCTION public.peek() RETURNS boolean LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.caught VALUES (current_user); RETURN true; END$$;
CREATE VIEW public.bait AS SELECT 1 AS id WHERE public.peek();
GRANT SELECT ON public.bait TO PUBLIC;
RESET ROLE;
SET LOCAL ROLE saas_service;
SELECT matches((SELECT problem FROM saas.cleanup_old_data() WHERE policy = 'theirs'), '^SA165', 'a table that changed hands is left alone');
SELECT throws_ok($$SELECT FROM saas.breach_scope('{public.bait}', now() - interval '1 day', now())$$, 'SA165', NULL, 'the scope of a breach reads no view');
SELECT throws_ok($$SELECT FROM saas.breach_scope('{public.theirs}', now() - interval '1 day', now())$$, 'SA165', NULL, 'nor a stranger''s table');
RESET ROLE;
SELECT is((SELECT count(*)::integer FROM public.caught), 0, 'nobody''s code ran');

-- What one policy keeps another does not delete.
CREATE TABLE public.bills (id integer PRIMARY KEY, at timestamp NOT NULL, status text, booked date);
CREATE INDEX ON public.bills (at);
GRANT SELECT, UPDATE, DELETE ON public.bills TO saas_internal;
INSERT INTO public.bills SELECT i, now() - i * interval '10 days', CASE WHEN i % 2 = 0 THEN 'paid' ELSE 'draft' END, now() FROM generate_series(1, 30) AS i;
SELECT saas.set_retention_policy('bills', 'public.bills', 'at', '95 days', 'delete', 'x'),
    saas.set_retention_policy('bills_paid', 'public.bills', 'at', '205 days', 'keep', 'bookkeeping', 'status', '{paid}') \g /dev/null
SET LOCAL ROLE saas_service;
SELECT is((SELECT records FROM saas.cleanup_old_data(true) WHERE policy = 'bills'), 15::bigint, 'a dry run knows what is kept');
SET LOCAL timezone = 'Pacific/Kiritimati';
SELECT is((SELECT records FROM saas.cleanup_old_data(true) WHERE policy = 'bills'), 15::bigint, 'in every time zone');
SELECT is((SELECT records FROM saas.cleanup_old_data() WHERE policy = 'bills'), 15::bigint, 'and so does the run');
RESET ROLE;
RESET timezone;
SELECT is((SELECT array_agg(id ORDER BY id) FROM public.bills WHERE id >= 10), ARRAY[10, 12, 14, 16, 18, 20], 'what has to be kept is there');

-- A hold reaches through cascades: a topic is nobody's, messages below it are somebody's, and files of messages.
CREATE TABLE public.topics (id integer PRIMARY KEY, at timestamptz NOT NULL);
CREATE TABLE public.posts (id integer PRIMARY KEY, topic integer REFERENCES public.topics (id) ON DELETE CASCADE, author uuid REFERENCES saas.users (id));
CREATE TABLE public.files (id integer PRIMARY KEY, post integer NOT NULL REFERENCES public.posts (id) ON DELETE CASCADE, owner uuid REFERENCES saas.users (id));
CREATE INDEX ON public.posts (topic);
CREATE INDEX ON public.files (post);
GRANT SELECT, UPDATE, DELETE ON public.topics, public.posts, public.files TO saas_internal;
SELECT saas.declare_personal_data('public.posts', 'author', '{author}'), saas.declare_personal_data('public.files', 'owner', '{owner}'),
    saas.set_retention_policy('topics', 'public.topics', 'at', '30 days', 'delete', 'x') \g /dev/null
INSERT INTO public.topics SELECT i, now() - interval '60 days' FROM generate_series(1, 4) AS i;
INSERT INTO public.posts VALUES (1, 1, :'ann'), (2, 2, :'bob'), (3, 3, :'ann'), (4, NULL, :'bob');
INSERT INTO public.files VALUES (1, 1, :'ann'), (3, 3, :'bob');
SELECT saas.place_legal_hold(:'bob', 'case', 'legal claims') AS hold \gset
SET LOCAL ROLE saas_service;
SELECT is((SELECT records FROM saas.cleanup_old_data(true) WHERE policy = 'topics'), 2::bigint, 'a dry run sees what a row would take along');
SELECT is((SELECT records FROM saas.cleanup_old_data() WHERE policy = 'topics'), 2::bigint, 'so does the run');
RESET ROLE;
SELECT is((SELECT array_agg(id ORDER BY id) FROM public.topics), ARRAY[2, 3], 'rows with held ones below them stay');
SELECT is((SELECT array_agg(id ORDER BY id) FROM public.files), ARRAY[3], 'two steps below too');
SELECT saas.release_legal_hold(:'hold') \g /dev/null
SET LOCAL ROLE saas_service;
SELECT is((SELECT records FROM saas.cleanup_old_data() WHERE policy = 'topics'), 2::bigint, 'until the hold is released');
RESET ROLE;

-- Partitions: one that others refer to, one that is kept, a default one.
CREATE TABLE public.logs (id integer, at timestamptz, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE public.logs_1 PARTITION OF public.logs FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
CREATE TABLE public.logs_2 PARTITION OF public.logs FOR VALUES FROM ('2020-02-01') TO ('2020-03-01');
CREATE TABLE public.logs_rest PARTITION OF public.logs DEFAULT;
CREATE VIEW public.logs_1_view AS SELECT * FROM public.logs_1;
INSERT INTO public.logs VALUES (1, '2020-01-05'), (2, '2020-02-05'), (3, '2019-01-05');
SELECT saas.set_retention_policy('logs', 'public.logs', 'at', '1 year', 'delete', 'x'), saas.set_retention_policy('logs_kept', 'public.logs', 'at', '100 years', 'keep', 'x') \g /dev/null
SELECT is((SELECT count(*)::integer FROM saas.drop_old_partitions() WHERE policy = 'logs'), 0, 'partitions that are kept are not dropped');
SELECT saas.set_retention_policy('logs_kept', 'public.logs', 'at', '2 years', 'keep', 'x') \g /dev/null
SET LOCAL client_min_messages = error;
SELECT results_eq($$SELECT partition_name FROM saas.drop_old_partitions() WHERE policy = 'logs'$$, $$VALUES ('public.logs_2')$$, 'one that cannot be dropped does not keep the others');
RESET client_min_messages;
SELECT isnt(to_regclass('public.logs_1'), NULL, 'it is there');
SELECT isnt(to_regclass('public.logs_rest'), NULL, 'and so is the default one');

-- The scope of a breach: rows of that time that were changed later, or end later.
CREATE TABLE public.notes (id integer PRIMARY KEY, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
GRANT SELECT ON public.notes TO saas_internal;
INSERT INTO public.notes VALUES (1, '2025-01-01', '2025-01-01'), (2, '2025-02-10', '2025-06-01'), (3, '2025-01-05', '2025-02-15'), (4, '2025-05-01', '2025-05-01');
SET LOCAL ROLE saas_service;
SELECT is((SELECT (rows_present, rows_changed)::text FROM saas.breach_scope('{public.notes}', '2025-02-01', '2025-03-01')), '(3,2)', 'what was written meanwhile counts, though it was changed again later');
RESET ROLE;

-- Advice and schedule.
INSERT INTO public.notes SELECT i, now(), now() FROM generate_series(10, 20000) AS i;
ANALYZE public.notes;
ANALYZE public.bills;
SELECT saas.set_retention_policy('notes', 'public.notes', 'created_at', '1 year', 'delete', 'x') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok('SELECT FROM saas.retention_advice()', '42501', NULL, 'users get no advice');
SELECT throws_ok('SELECT saas.schedule_cleanup()', '42501', NULL, 'nor schedule anything');
SET LOCAL ROLE saas_service;
SELECT results_eq($$SELECT remedy FROM saas.retention_advice() WHERE policy = 'notes' ORDER BY remedy$$,
    $$VALUES ('CREATE INDEX CONCURRENTLY ON public.notes (created_at);'), ('GRANT SELECT, UPDATE, DELETE ON public.notes TO saas_internal;')$$, 'a missing index and a missing right are told with what mends them');
SELECT is_empty($$SELECT * FROM saas.retention_advice(0) WHERE table_name LIKE 'saas.%'$$, 'the package''s own policies lack nothing');
RESET ROLE;
UPDATE saas.retention_policies SET states = states || '{dead}' WHERE name = 'processed_webhook_events';
SELECT results_eq($$SELECT policy FROM saas.retention_advice(0) WHERE table_name LIKE 'saas.%'$$, '{processed_webhook_events}'::text[], 'until one is about more states than its index');
UPDATE saas.retention_policies SET states = '{processed}' WHERE name = 'processed_webhook_events';
SELECT is_empty($$SELECT * FROM saas.retention_advice(0) WHERE table_name LIKE 'saas.%'$$, 'fewer do no harm');
-- The indexes are there for the clean-up alone; which one the planner takes of several depends on statistics.
SET LOCAL enable_seqscan = off;
UPDATE pg_index SET indisvalid = false
WHERE indrelid IN ('saas.data_exports'::regclass, 'saas.webhook_events'::regclass)
    AND indexrelid NOT IN ('saas.data_exports_created_at_idx'::regclass, 'saas.webhook_events_received_at_finished_idx'::regclass);
CREATE FUNCTION pg_temp.reading(p_policy text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_plan json;
    v_policy saas.retention_policies;
BEGIN
    SELECT p.* INTO v_policy FROM saas.retention_policies AS p WHERE p.name = p_policy;
    EXECUTE format('EXPLAIN (FORMAT json) SELECT count(*) FROM %s AS c WHERE %s', v_policy.table_name, saas.retention_condition(v_policy)) INTO v_plan;
    RETURN substring(v_plan::text FROM '"Index Name": "([^"]*)"') || ' by ' || substring(v_plan::text FROM '"Index Cond": "\((\w+)');
END
$$;
SELECT results_eq($$SELECT pg_temp.reading(p.name) FROM saas.retention_policies AS p WHERE p.name IN ('finished_exports', 'processed_webhook_events') ORDER BY p.name$$,
    '{data_exports_created_at_idx by created_at,webhook_events_received_at_finished_idx by received_at}'::text[], 'the clean-up reads those indexes');
RESET enable_seqscan;
UPDATE pg_index SET indisvalid = true WHERE indrelid IN ('saas.data_exports'::regclass, 'saas.webhook_events'::regclass);
SELECT is((SELECT count(*)::integer FROM saas.retention_advice(0) WHERE policy = 'bills'), 0, 'where there is nothing to mend, nothing');
RESET ROLE;
CREATE SCHEMA cron;
CREATE FUNCTION cron.schedule(a text, b text, c text) RETURNS bigint LANGUAGE sql AS $$INSERT INTO public.caught VALUES (a || ': ' || b || ' ' || c) RETURNING 1::bigint$$;
SELECT throws_ok('SELECT saas.schedule_cleanup()', '0A000', NULL, 'without pg_cron nothing is scheduled, whatever is called so');
SET LOCAL allow_system_table_mods = on;
UPDATE pg_extension SET extname = 'pg_cron' WHERE extname = 'pgtap';
ALTER EXTENSION pg_cron ADD FUNCTION cron.schedule(text, text, text);
SELECT is(saas.schedule_cleanup('5 4 * * *'), '{"pg_saas partitions","pg_saas retention"}'::text[], 'with pg_cron two jobs are');
SELECT results_eq('SELECT who FROM public.caught ORDER BY who', $$VALUES ('pg_saas partitions: 5 4 * * * SELECT saas.drop_old_partitions()'), ('pg_saas retention: 5 4 * * * SELECT saas.cleanup_old_data()')$$, 'as asked');
SELECT * FROM finish();
ROLLBACK;
