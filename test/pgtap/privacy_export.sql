-- Exports: everything that belongs to the person and nothing of others, decrypted, without secrets; jobs in
-- encrypted chunks; who may.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
CREATE TABLE public.diary (team_id uuid, id uuid PRIMARY KEY DEFAULT saas.uuid_v7(), person uuid REFERENCES saas.users (id) ON DELETE CASCADE, entry text, written_at timestamptz DEFAULT now());
SELECT saas.encrypt_column('public.diary', 'entry', p_subject_column => 'person') \g /dev/null
SELECT saas.declare_personal_data('public.diary', 'person', '{person}', p_section => 'projects') \g /dev/null
GRANT SELECT, DELETE ON public.diary TO saas_internal;
INSERT INTO public.diary (team_id, person, entry) VALUES (:'red', :'ann', 'Dear "diary", €'), (:'blue', :'bob', 'Bob writes');
UPDATE saas.payment_intents SET attributes = '{"email": "ANN@example.com"}' WHERE team_id = :'red';

SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT saas.gdpr_export_user_data(:'ann') AS export \gset
SELECT throws_ok(format('SELECT saas.gdpr_export_user_data(%L)', :'bob'), '42501', NULL, 'nobody exports another person');
SELECT throws_ok('SELECT saas.gdpr_export_user_data(NULL)', '42501', NULL, 'nor nobody');
RESET ROLE;
SELECT bag_eq(format('SELECT jsonb_object_keys(%L)', :'export'),
    ARRAY['personal_info', 'projects', 'templates', 'activity_history', 'billing_history', 'team_memberships', 'export_metadata'], 'the sections');
SELECT is((:'export')::jsonb -> 'templates', '[]'::jsonb, 'what does not exist is empty');
SELECT is((:'export')::jsonb #>> '{projects,0,entry}', 'Dear "diary", €', 'encrypted values are decrypted');
SELECT is((SELECT count(*) FROM jsonb_array_elements((:'export')::jsonb -> 'billing_history') AS b WHERE b ->> '_table' = 'saas.refunds'), 1::bigint, 'what was paid is in it, by every hop');
SELECT ok(:'export' !~ 'bob@example|Bob writes', 'nothing of others is');
SELECT ok(:'export' !~ 'password_hash|token_hash|sealed_secret|code_hash', 'and no secret');
SELECT results_eq(
    format($$SELECT u.* FROM jsonb_array_elements((%L)::jsonb -> 'personal_info') AS p CROSS JOIN LATERAL jsonb_populate_record(NULL::saas.users, p) AS u WHERE p ->> '_table' = 'saas.users'$$, :'export'),
    format('SELECT u.* FROM saas.users AS u WHERE u.id = %L', :'ann'), 'read back, a row is the row');
SELECT results_eq(
    format($$SELECT n.* FROM jsonb_array_elements((%L)::jsonb -> 'activity_history') AS p CROSS JOIN LATERAL jsonb_populate_record(NULL::saas.notifications, p) AS n WHERE p ->> '_table' = 'saas.notifications' ORDER BY n.id$$, :'export'),
    format('SELECT n.* FROM saas.notifications AS n WHERE n.user_id = %L ORDER BY n.id', :'ann'), 'so are others');
SELECT is((:'export')::jsonb #>> '{export_metadata,retention,saas.payments,kept_for}', '10 years', 'with what is kept how long');
SELECT is((:'export')::jsonb #>> '{export_metadata,retention,saas.customer_verifications,kept_for}', CASE WHEN (:'export')::jsonb #> '{export_metadata,tables}' ? 'saas.customer_verifications' THEN '5 years' END, 'by the map, too');
SELECT ok((:'export')::jsonb #> '{export_metadata,purposes}' @> '[{"purpose": "service", "legal_basis": "contract", "tables": ["saas.users"]}]', 'what the data are processed for, and on which basis');
SELECT is_empty(format($$SELECT t FROM jsonb_object_keys(%L::jsonb #> '{export_metadata,tables}') AS t WHERE NOT (%L::jsonb #> '{export_metadata,purposes}') @> jsonb_build_array(jsonb_build_object('tables', jsonb_build_array(t))) AND t LIKE 'saas.%%'$$, :'export', :'export'), 'for every table');
SELECT is((SELECT count(*) FROM saas.erasure_rows), 0::bigint, 'and nothing of the work stays');
SELECT ok(NOT saas.gdpr_export_user_data(:'ann', true) #> '{export_metadata,tables}' ?| '{saas.fraud_assessments,saas.user_sessions,saas.activity_logs}', 'a portable one has only what the person provided');

-- As a job.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT saas.request_data_export(:'ann', p_chunk_rows => 3) AS job \gset
SELECT throws_ok(format('SELECT saas.request_data_export(%L)', :'bob'), '42501', NULL, 'nobody asks for another''s');
SELECT throws_ok(format('SELECT saas.request_data_export(%L, p_expires_in => INTERVAL %L)', :'ann', '1 year'), '22023', NULL, 'an export expires');
SELECT throws_ok(format('SELECT saas.request_data_export(%L, p_chunk_rows => 0)', :'ann'), '23514', NULL, 'a chunk has rows');
SELECT throws_ok(format('SELECT saas.run_data_export(%L)', :'job'), '42501', NULL, 'a worker runs it');
SELECT throws_ok(format('SELECT saas.read_data_export(%L, 1)', :'job'), 'SA155', NULL, 'before, there is nothing to read');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null
SELECT is(saas.run_data_export(:'job', 0), 'running', 'it works for its time');
SELECT is(saas.run_data_export(:'job'), 'ready', 'and goes on');
SELECT throws_ok(format('SELECT saas.run_data_export(%L)', :'job'), 'SA155', NULL, 'to its end');
SELECT is((SELECT max(c.row_count) FROM saas.data_export_chunks AS c WHERE c.export_id = :'job'), 3, 'in chunks');
SELECT is(
    (SELECT string_agg(m ->> 'sha256', ',' ORDER BY (m ->> 'number')::integer) FROM saas.data_exports AS e CROSS JOIN LATERAL jsonb_array_elements(e.manifest -> 'chunks') AS m WHERE e.id = :'job'),
    (SELECT string_agg(encode(sha256(convert_to(saas.read_data_export(:'job', c.number), 'UTF8')), 'hex'), ',' ORDER BY c.number) FROM saas.data_export_chunks AS c WHERE c.export_id = :'job'),
    'the manifest has the SHA-256 of what is read');
SELECT is((SELECT e.manifest_sha256 FROM saas.data_exports AS e WHERE e.id = :'job'), (SELECT sha256(convert_to(e.manifest::text, 'UTF8')) FROM saas.data_exports AS e WHERE e.id = :'job'), 'and its own stands beside it');
-- The export itself is among the person's rows by now.
SELECT is(
    (SELECT count(*) FROM saas.data_export_chunks AS c CROSS JOIN LATERAL jsonb_array_elements(saas.read_data_export(:'job', c.number)::jsonb -> 'rows') WHERE c.export_id = :'job' AND c.table_name <> 'saas.data_exports'),
    (SELECT sum(jsonb_array_length(s.value)) FROM jsonb_each((:'export')::jsonb - 'export_metadata') AS s)::bigint, 'with every row of the export at once');
SELECT is((SELECT count(*) FROM saas.data_export_chunks AS c WHERE c.export_id = :'job' AND position('diary'::bytea IN c.content) > 0), 0::bigint, 'chunks are encrypted');
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.read_data_export(%L, 1)', :'job'), '42501', NULL, 'nobody else reads them');
SELECT throws_ok(format('SELECT saas.cancel_data_export(%L)', :'job'), '42501', NULL, 'or takes them away');
SELECT is((SELECT count(*) FROM saas.data_exports), 0::bigint, 'or sees that they are there');
RESET ROLE;
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT lives_ok(format('SELECT saas.read_data_export(%L, 1)', :'job'), 'the person reads');
SELECT throws_ok(format('SELECT saas.read_data_export(%L, 999)', :'job'), 'P0002', NULL, 'what there is');
SELECT saas.request_data_export(:'ann') AS second \gset
SELECT lives_ok(format('SELECT saas.cancel_data_export(%L)', :'second'), 'and takes back what is not ready');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null
UPDATE saas.data_exports SET created_at = now() - INTERVAL '2 days', expires_at = now() - INTERVAL '1 day' WHERE id = :'job';
SELECT throws_ok(format('SELECT saas.read_data_export(%L, 1)', :'job'), 'SA155', 'the export is expired', 'after its time nobody reads');
SELECT is(saas.expire_data_exports(), 1::bigint, 'and it goes');
SELECT is((SELECT count(*) FROM saas.data_export_chunks WHERE export_id = :'job'), 0::bigint, 'with its chunks');
-- Nobody waits for ever for one whose time is over before it is ready.
SELECT saas.request_data_export(:'ann') AS queued, saas.request_data_export(:'ann', p_chunk_rows => 1) AS running \gset
SELECT is(saas.run_data_export(:'running', 0), 'running', 'one is queued, one has begun');
SELECT is(saas.expire_data_exports(), 0::bigint, 'they have time');
UPDATE saas.data_exports SET created_at = now() - INTERVAL '2 days', expires_at = now() - INTERVAL '1 day' WHERE id IN (:'queued', :'running');
SELECT throws_ok(format('SELECT saas.run_data_export(%L)', e), 'SA155', 'the export is expired', 'after it nobody works on them') FROM unnest(ARRAY[:'queued', :'running']::uuid[]) AS e;
SELECT is(saas.expire_data_exports(), 2::bigint, 'and they end');
SELECT results_eq(format('SELECT status FROM saas.data_exports WHERE id IN (%L, %L)', :'queued', :'running'), $$VALUES ('expired'), ('expired')$$, 'as expired');
SELECT is((SELECT count(*) FROM saas.data_export_chunks WHERE export_id = :'running') + (SELECT count(*) FROM saas.erasure_rows WHERE run_id = :'running'), 0::bigint, 'and nothing of them is left');
SELECT is(saas.expire_data_exports(), 0::bigint, 'once');
SELECT * FROM finish();
ROLLBACK;
