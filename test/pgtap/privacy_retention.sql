-- The end of retention, legal holds, the register of processing and the scope of a breach.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SELECT saas.create_user('root@example.com', 'Root') AS root \gset
SELECT saas.set_platform_role(:'root', 'admin') \g /dev/null
UPDATE saas.webhook_events SET received_at = now();
SELECT saas.set_context(:'red', :'ann') \g /dev/null

SET LOCAL ROLE saas_app;
SELECT throws_ok('SELECT FROM saas.cleanup_old_data()', '42501', NULL, 'users clean nothing up');
SELECT throws_ok('SELECT FROM saas.drop_old_partitions()', '42501', NULL, 'nor drop partitions');
SELECT throws_ok('SELECT FROM saas.processing_register()', '42501', NULL, 'nor read the register');
SELECT throws_ok($$SELECT FROM saas.breach_scope('{saas.users}', now() - interval '1 day', now())$$, '42501', NULL, 'nor the scope of a breach');
SELECT throws_ok($$SELECT saas.set_retention_policy('x', 'saas.users', 'created_at', '1 day', 'delete', 'x')$$, '42501', NULL, 'nor make policies');
SELECT throws_ok($$SELECT saas.set_processing_purpose('x', 'x', 'contract', '{users}')$$, '42501', NULL, 'nor purposes');
SELECT throws_ok($$SELECT saas.end_processing_purpose('marketing')$$, '42501', NULL, 'nor end them');
SELECT throws_ok($$UPDATE saas.retention_policies SET kept_for = '0'$$, '42501', NULL, 'nor change them by hand');
RESET ROLE;

-- A table of one's own, of which persons own rows directly and through another.
CREATE TABLE public.letters (id integer PRIMARY KEY, author uuid REFERENCES saas.users (id), status text NOT NULL DEFAULT 'sent', body text, written timestamptz NOT NULL);
CREATE TABLE public.pages (id integer PRIMARY KEY, letter_id integer REFERENCES public.letters (id), body text, written timestamptz NOT NULL);
GRANT SELECT, UPDATE, DELETE ON public.letters, public.pages TO saas_internal;
SELECT saas.declare_personal_data('public.letters', 'author', '{author}', p_action => 'anonymise'), saas.declare_personal_column('public.letters', 'body', 'null'),
    saas.declare_personal_data('public.pages', 'letter', '{letter_id}', 'public.letters', '{id}') \g /dev/null
INSERT INTO public.letters (id, author, status, body, written)
SELECT i, CASE WHEN i % 2 = 0 THEN :'ann'::uuid ELSE :'bob' END, CASE WHEN i % 5 = 0 THEN 'draft' ELSE 'sent' END, 'body', now() - i * interval '10 days'
FROM generate_series(1, 20) AS i;
INSERT INTO public.pages SELECT i, i, 'page', now() - i * interval '10 days' FROM generate_series(1, 20) AS i;
SELECT throws_ok($$SELECT saas.set_retention_policy('letters', 'public.letters', 'body', '1 day', 'delete', 'x')$$, '42703', NULL, 'time runs from a time');
SELECT throws_ok($$SELECT saas.set_retention_policy('letters', 'public.letters', 'written', '-1 day', 'delete', 'x')$$, '23514', NULL, 'forwards');
SELECT throws_ok($$SELECT saas.set_retention_policy('letters', 'public.letters', 'written', '1 day', 'burn', 'x')$$, '22023', NULL, 'to an end that there is');
SELECT throws_ok($$SELECT saas.set_retention_policy('letters', 'public.letters', 'written', '1 day', 'delete', NULL)$$, '23502', NULL, 'on a basis');
SELECT throws_ok($$SELECT saas.set_retention_policy('pages', 'public.pages', 'written', '1 day', 'anonymise', 'x')$$, 'SA162', NULL, 'nothing can be anonymised of what nobody declared');
SELECT lives_ok($$SELECT saas.set_retention_policy('pages', 'public.pages', 'written', '100 days', 'delete', 'storage limitation')$$, 'a policy');
SELECT lives_ok($$SELECT saas.set_retention_policy('letters', 'public.letters', 'written', '50 days', 'anonymise', 'storage limitation', 'status', '{sent}')$$, 'another, for states');

SET LOCAL ROLE saas_service;
CREATE TEMPORARY TABLE dry AS SELECT * FROM saas.cleanup_old_data(true);
SELECT results_eq($$SELECT policy, action, records FROM dry WHERE policy IN ('pages', 'letters') ORDER BY policy$$,
    $$VALUES ('letters', 'anonymise', 12::bigint), ('pages', 'delete', 10::bigint)$$, 'a dry run counts');
SELECT is((SELECT count(*)::integer FROM dry WHERE problem IS NOT NULL), 0, 'every policy can be carried out');
RESET ROLE;
-- Of rights that are missing a dry run says what the other one does.
SAVEPOINT rights;
CREATE TABLE public.locked (id integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now() - INTERVAL '1 year');
GRANT SELECT, DELETE ON public.locked TO saas_internal;
INSERT INTO public.locked VALUES (1);
REVOKE UPDATE ON public.letters FROM saas_internal;
SELECT saas.set_retention_policy('locked', 'public.locked', 'at', '1 day', 'delete', 'x') \g /dev/null
CREATE TEMPORARY TABLE without AS SELECT * FROM saas.cleanup_old_data(true);
SELECT results_eq($$SELECT policy, problem FROM without WHERE problem IS NOT NULL ORDER BY 1$$,
    $$VALUES ('letters', '42501: permission denied for table letters'), ('locked', '42501: permission denied for table locked')$$, 'rights to change, and to lock');
SELECT results_eq($$SELECT policy, problem FROM saas.cleanup_old_data() WHERE problem IS NOT NULL ORDER BY 1$$, $$SELECT policy, problem FROM without WHERE problem IS NOT NULL ORDER BY 1$$, 'are missing indeed');
SELECT set_eq($$SELECT policy FROM saas.retention_advice() WHERE problem LIKE '%may not%'$$, '{letters,locked}'::text[], 'as the advice has it');
GRANT UPDATE (id) ON public.locked TO saas_internal;
GRANT UPDATE (body) ON public.letters TO saas_internal;
SELECT is_empty($$SELECT policy FROM saas.cleanup_old_data(true) WHERE problem IS NOT NULL$$, 'those of columns suffice');
SELECT is_empty($$SELECT policy FROM saas.cleanup_old_data() WHERE problem IS NOT NULL$$, 'indeed');
ROLLBACK TO rights;
-- Tables of the package that grow with use.
SET LOCAL session_replication_role = replica;
UPDATE saas.product_events SET created_at = now() - INTERVAL '1 hour';
UPDATE saas.payment_sessions SET created_at = now() - INTERVAL '1 hour';
UPDATE saas.aml_alerts SET created_at = now() - INTERVAL '1 hour';
UPDATE saas.fraud_snoozes SET created_at = now() - INTERVAL '1 hour';
UPDATE saas.fraud_reviews SET opened_at = now() - INTERVAL '1 hour';
UPDATE saas.customer_verifications SET created_at = now() - INTERVAL '1 hour';
SET LOCAL session_replication_role = origin;
SELECT saas.set_retention_policy(t, ('saas.' || t)::regclass, c, '0 s', 'delete', 'x')
FROM (VALUES ('product_events', 'created_at'), ('payment_sessions', 'created_at'), ('aml_alerts', 'created_at'), ('notifications', 'created_at'), ('activity_logs', 'created_at'), ('fraud_snoozes', 'created_at'), ('fraud_reviews', 'opened_at'), ('customer_verifications', 'created_at')) AS p (t, c) \g /dev/null
CREATE TEMPORARY TABLE used AS SELECT policy, problem FROM saas.cleanup_old_data(true);
SELECT is_empty($$SELECT policy, problem FROM used WHERE problem IS NOT NULL$$, 'can be given policies');
SELECT is_empty($$SELECT policy, problem FROM saas.cleanup_old_data() WHERE problem IS NOT NULL$$, 'that are carried out');
ROLLBACK TO rights;
-- How people proved who they are is not kept for ever; that they were erased is.
SELECT saas.create_user('gone@example.org', 'Gone Long') AS gone, saas.create_user('here@example.org', 'Here Still') AS here, saas.create_user('stays@example.org', 'Stays Here') AS stays \gset
SELECT request_id AS erased FROM saas.gdpr_erase(:'gone', 'letter of Gone Long', p_strict => false) LIMIT 1 \gset
SELECT saas.request_user_deletion(:'here', 'letter of Here Still') AS open, saas.request_user_deletion(:'stays', 'letter of Stays Here') AS cancelled \gset
SELECT saas.cancel_deletion_request(:'cancelled', 'changed their mind') \g /dev/null
SELECT is((SELECT records FROM saas.cleanup_old_data() WHERE policy = 'answered_deletion_requests'), 0::bigint, 'requests of today are kept');
SET LOCAL session_replication_role = replica;
UPDATE saas.user_deletion_requests SET requested_at = now() - INTERVAL '4 years' WHERE id IN (:'erased', :'open', :'cancelled');
SET LOCAL session_replication_role = origin;
SELECT is((SELECT records FROM saas.cleanup_old_data(true) WHERE policy = 'answered_deletion_requests'), 2::bigint, 'those of years ago that are answered count');
SELECT is((SELECT (records, problem)::text FROM saas.cleanup_old_data() WHERE policy = 'answered_deletion_requests'), '(2,)', 'and are anonymised');
SELECT is((SELECT records FROM saas.cleanup_old_data() WHERE policy = 'answered_deletion_requests'), 0::bigint, 'once');
SELECT set_eq(format($$SELECT id, reason, identity_check FROM saas.user_deletion_requests WHERE id IN (%L, %L, %L)$$, :'erased', :'open', :'cancelled'),
    format($$VALUES (%L::uuid, '[erased]', '[erased]'), (%L, 'letter of Here Still', NULL), (%L, '[erased]', NULL)$$, :'erased', :'open', :'cancelled'), 'but the open one');
SELECT ok(saas.verify_erasure_certificate(certificate), 'the certificate is as good as before') FROM saas.user_deletion_requests WHERE id = :'erased';
SELECT is((SELECT DISTINCT action FROM saas.gdpr_erase(:'gone')), 'already', 'and the person is known as erased');
ROLLBACK TO rights;
SELECT is((SELECT count(*)::integer FROM public.pages), 20, 'and does nothing');

-- A hold keeps what belongs to the person, along every way.
SELECT saas.place_legal_hold(:'bob', 'case 1', 'legal claims') AS hold \gset
SET LOCAL ROLE saas_service;
SELECT results_eq($$SELECT policy, records FROM saas.cleanup_old_data(true) WHERE policy IN ('pages', 'letters') ORDER BY policy$$,
    $$VALUES ('letters', 6::bigint), ('pages', 5::bigint)$$, 'held rows do not count');
SELECT results_eq($$SELECT policy, records, is_complete FROM saas.cleanup_old_data(p_limit => 4) WHERE policy IN ('pages', 'letters') ORDER BY policy$$,
    $$VALUES ('letters', 4::bigint, false), ('pages', 4::bigint, false)$$, 'in batches');
SELECT results_eq($$SELECT policy, records, is_complete FROM saas.cleanup_old_data(p_limit => 4) WHERE policy IN ('pages', 'letters') ORDER BY policy$$,
    $$VALUES ('letters', 2::bigint, true), ('pages', 1::bigint, true)$$, 'until all is done');
SELECT is((SELECT sum(records) FROM saas.cleanup_old_data() WHERE policy IN ('pages', 'letters')), 0::numeric, 'and once only');
RESET ROLE;
SELECT is((SELECT count(*)::integer FROM public.pages AS p JOIN public.letters AS l ON l.id = p.letter_id WHERE l.author = :'bob'), 10, 'the held person''s rows are all there');
SELECT is((SELECT count(*)::integer FROM public.letters WHERE author = :'bob' AND body IS NULL), 0, 'and whole');
SELECT is((SELECT count(*)::integer FROM public.letters WHERE body IS NULL), 6, 'the others are anonymous');
SELECT is((SELECT count(*)::integer FROM public.letters WHERE body IS NULL AND (status = 'draft' OR written > now() - interval '50 days')), 0, 'where they were past their time');
SELECT saas.release_legal_hold(:'hold') \g /dev/null
SET LOCAL ROLE saas_service;
SELECT is((SELECT records FROM saas.cleanup_old_data() WHERE policy = 'pages'), 5::bigint, 'a released hold holds nothing');
SELECT throws_ok('SELECT FROM saas.cleanup_old_data(p_limit => 0)', '22023', NULL, 'a limit is above 0');
RESET ROLE;

-- A policy that fails leaves the others alone.
REVOKE DELETE ON public.pages FROM saas_internal;
UPDATE public.pages SET written = '2000-01-01' WHERE id = 1;
UPDATE public.letters SET written = '2000-01-01', body = 'x' WHERE id IN (1, 2);
SET LOCAL ROLE saas_service;
SELECT results_eq($$SELECT policy, records, problem IS NULL, is_complete FROM saas.cleanup_old_data() WHERE policy IN ('pages', 'letters') ORDER BY policy$$,
    $$VALUES ('letters', 2::bigint, true, true), ('pages', 0::bigint, false, false)$$, 'one problem is told and does not stop the rest');
RESET ROLE;

-- Webhook events and consents.
UPDATE saas.webhook_events SET received_at = now() - interval '91 days' WHERE team_id = :'red';
SELECT count(*) AS due FROM saas.webhook_events WHERE team_id = :'red' AND status IN ('processed', 'superseded', 'ignored', 'rejected') \gset
SET LOCAL ROLE saas_service;
SELECT is((SELECT records FROM saas.cleanup_old_data() WHERE policy = 'processed_webhook_events'), :due::bigint, 'processed events go after 90 days');
RESET ROLE;
SELECT is((SELECT count(*)::integer FROM saas.webhook_events WHERE team_id = :'blue'), 5, 'younger ones stay');
SELECT saas.publish_consent_text('marketing', 'en', 'News?'), saas.grant_consent('marketing', 1, 'en', :'ann'), saas.withdraw_consent('marketing', :'ann'),
    saas.grant_consent('analytics', saas.publish_consent_text('analytics', 'en', 'Counting?'), 'en', :'ann') \g /dev/null
ALTER TABLE saas.consent_records DISABLE TRIGGER USER;
UPDATE saas.consent_records SET recorded_at = recorded_at - interval '8 years';
ALTER TABLE saas.consent_records ENABLE ALWAYS TRIGGER consent_records_10_append_only;
SELECT saas.place_legal_hold(:'ann', 'case 2', 'legal claims') AS hold \gset
SET LOCAL ROLE saas_service;
SELECT is((SELECT records FROM saas.cleanup_old_data() WHERE policy = 'withdrawn_consents'), 0::bigint, 'held consents stay');
RESET ROLE;
SELECT saas.release_legal_hold(:'hold') \g /dev/null
SET LOCAL ROLE saas_service;
SELECT is((SELECT records FROM saas.cleanup_old_data(p_limit => 1) WHERE policy = 'withdrawn_consents'), 2::bigint, 'after 7 years a withdrawal goes with what it ended');
SELECT is(saas.has_consent(:'ann', 'marketing'), false, 'and is no consent again');
SELECT is(saas.has_consent(:'ann', 'analytics'), true, 'what was not withdrawn stays');
RESET ROLE;

-- Partitions.
CREATE TABLE public.visits (person uuid REFERENCES saas.users (id), seen timestamptz, PRIMARY KEY (person, seen)) PARTITION BY RANGE (seen);
CREATE TABLE public.visits_old PARTITION OF public.visits FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
CREATE TABLE public.visits_held PARTITION OF public.visits FOR VALUES FROM ('2020-02-01') TO ('2020-03-01');
CREATE TABLE public.visits_new PARTITION OF public.visits FOR VALUES FROM ('2020-03-01') TO ('2100-01-01');
GRANT SELECT, UPDATE, DELETE ON public.visits TO saas_internal;
INSERT INTO public.visits VALUES (:'ann', '2020-01-10'), (:'ann', '2020-02-10'), (:'bob', '2020-02-11'), (:'ann', '2020-03-10');
SELECT saas.declare_personal_data('public.visits', 'person', '{person}'), saas.set_retention_policy('visits', 'public.visits', 'seen', '1 year', 'delete', 'x'),
    saas.place_legal_hold(:'bob', 'case 3', 'legal claims') \g /dev/null
SELECT results_eq($$SELECT partition_name FROM saas.drop_old_partitions() WHERE policy = 'visits'$$, $$VALUES ('public.visits_old')$$, 'a whole partition past its time is dropped, one with held rows is not');
SELECT is(to_regclass('public.visits_old'), NULL, 'gone');
SELECT is((SELECT count(*)::integer FROM public.visits_held), 2, 'there');
SET LOCAL ROLE saas_service;
SELECT is((SELECT records FROM saas.cleanup_old_data() WHERE policy = 'visits'), 2::bigint, 'row by row the rest goes');
RESET ROLE;
SELECT is((SELECT array_agg(person) FROM public.visits), ARRAY[:'bob'::uuid], 'but for the held one');

-- The register, from what is there.
SELECT is_empty($$SELECT m.table_name FROM saas.personal_data_map AS m
    WHERE m.table_name LIKE 'saas.%' AND m.classification = 'confidential' AND m.table_name NOT IN (SELECT r.table_name FROM saas.processing_register() AS r)$$,
    'every table of the package with personal data has a purpose');
SELECT saas.set_processing_purpose('letters', 'Writing letters', 'contract', '{users}', '{public.letters}', p_recipients => '{post}', p_transfers => '{"CH: adequacy decision"}') \g /dev/null
SET LOCAL ROLE saas_service;
SELECT ok((SELECT measures @> '{row-level security,audit trail,erasure and export on request}' AND 'email' = ANY (personal_columns) FROM saas.processing_register() WHERE purpose = 'service' AND table_name = 'saas.users'), 'measures as they are in force');
SELECT is((SELECT recipients FROM saas.processing_register() WHERE purpose = 'letters'), '{post}'::text[], 'with its recipients');
SELECT saas.set_privacy_recipient('post', 'who brings letters'), saas.set_privacy_recipient('mailer', 'who sends news'), saas.set_privacy_recipient('former', 'who did', p_active => false) \g /dev/null
SELECT is((SELECT recipients FROM saas.processing_register() WHERE purpose = 'letters'), '{post,mailer}'::text[], 'and those who are told of events');
SELECT is((SELECT recipients FROM saas.processing_register() WHERE purpose = 'analytics' AND table_name = 'saas.product_events'), '{mailer}'::text[], 'each with its purposes, or with all');
SELECT is((SELECT kept_for FROM saas.processing_register() WHERE purpose = 'letters'), 'anonymise 50 days when sent', 'retention as it is');
SELECT is(saas.end_processing_purpose('letters'), true, 'a purpose ends');
SELECT is(saas.end_processing_purpose('letters'), false, 'once');
SELECT is((SELECT count(*)::integer FROM saas.processing_register() WHERE purpose = 'letters'), 0, 'and leaves the register');
SELECT throws_ok(format('SELECT saas.may_process(%L, %L)', :'ann', 'letters'), '22023', NULL, 'nothing is processed for it any more');
RESET ROLE;
SELECT throws_ok($$SELECT saas.set_processing_purpose('x', 'x', 'legitimate_interests', '{users}')$$, '23514', NULL, 'a legitimate interest is named');
SELECT throws_ok($$SELECT saas.set_processing_purpose('x', 'x', 'because', '{users}')$$, '23514', NULL, 'a legal basis is one of six');
SELECT throws_ok($$SELECT saas.set_processing_purpose('x', 'x', 'contract', '{}')$$, '23514', NULL, 'a purpose concerns somebody');

-- The scope of a breach.
INSERT INTO public.letters (id, author, body, written) VALUES (100, :'ann', 'x', now());
SET LOCAL ROLE saas_service;
SELECT is((SELECT (rows_present, subjects)::text FROM saas.breach_scope('{public.letters}', now() - interval '1 hour', now() + interval '1 hour')), '(21,2)', 'rows and people');
SELECT is((SELECT subjects FROM saas.breach_scope('{public.pages}', now() - interval '1 hour', now() + interval '1 hour')), 2::bigint, 'through other tables too');
SELECT is((SELECT rows_present FROM saas.breach_scope('{saas.activity_logs}', now() - interval '1 hour', now() + interval '1 hour', NULL)), 2::bigint, 'of all teams');
SELECT is((SELECT rows_present FROM saas.breach_scope('{saas.activity_logs}', now() - interval '1 hour', now() + interval '1 hour', :'red')), 1::bigint, 'or of one');
SELECT results_eq(format($$SELECT table_name, rows_present, subjects, scope FROM saas.breach_scope('{saas.addresses,saas.users,saas.mfa_recovery_codes,saas.teams,saas.currencies}', now() - interval '1 hour', now() + interval '1 hour', %L)$$, :'red'),
    format($$VALUES ('saas.addresses', (SELECT count(*) FROM saas.addresses WHERE team_id = %1$L), 0::bigint, 'the team'),
        ('saas.users', (SELECT count(*) FROM saas.team_members WHERE team_id = %1$L), (SELECT count(*) FROM saas.team_members WHERE team_id = %1$L), 'members of the team'),
        ('saas.mfa_recovery_codes', (SELECT count(*) FROM saas.mfa_recovery_codes WHERE user_id = %2$L), 1, 'members of the team'),
        ('saas.teams', 1, 0, 'the team'), ('saas.currencies', (SELECT count(*) FROM saas.currencies), 0, 'all teams')$$, :'red', :'ann'), 'of one team, each table says what was counted');
SELECT is((SELECT (rows_present, scope)::text FROM saas.breach_scope('{saas.users}', now() - interval '1 hour', now() + interval '1 hour')), '(6,"all teams")', 'without one, everybody');
SELECT is((SELECT (rows_present, subjects)::text FROM saas.breach_scope('{saas.users}', now() - interval '1 hour', now() + interval '1 hour', gen_random_uuid())), '(0,0)', 'of a team that is none, nobody');
SELECT is((SELECT (rows_present, rows_changed)::text FROM saas.breach_scope('{saas.teams}', now() - interval '2 hours', now() - interval '1 hour')), '(0,0)', 'before there was anything, nothing');
SELECT ok((SELECT confidential_columns @> '{line1}' FROM saas.breach_scope('{saas.addresses}', now() - interval '1 hour', now())), 'personal columns are named');
SELECT throws_ok($$SELECT FROM saas.breach_scope('{saas.users}', now(), now())$$, '22023', NULL, 'a breach takes time');
SELECT throws_ok($$SELECT FROM saas.breach_scope('{saas.users}', NULL, now())$$, '22023', NULL, 'known time');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
