-- What proves an erasure: certificates that are forged, a backup from before that is restored, who may ask for it.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
\ir include/mentions.sql
SELECT saas.clear_context() \g /dev/null
SELECT saas.create_user('iris@example.org', 'Iris Restored') AS iris, saas.create_user('jack@example.org', 'Jack Other') AS jack, saas.create_user('meg@example.org', 'Meg Admin') AS meg,
    saas.create_user('vic@example.org', 'Vic Viewer') AS vic, saas.create_user('root@example.org', 'Root') AS root \gset
SELECT saas.set_context(:'red', :'ann'), saas.add_team_member(:'red', :'iris'), saas.add_team_member(:'red', :'meg', 'admin'), saas.add_team_member(:'red', :'vic', 'viewer'), saas.add_team_member(:'red', :'root', 'viewer') \g /dev/null
SELECT saas.set_context(:'blue', :'bob'), saas.add_team_member(:'blue', :'iris', 'admin') \g /dev/null
SELECT saas.set_context(:'red', :'iris'), saas.create_session(:'iris'), saas.log_activity(:'red', 'wrote', 'thread', NULL, '{"to": "iris@example.org"}') \g /dev/null
SELECT saas.clear_context() \g /dev/null

-- Rank in a team gives nobody a say over a person, not even below them.
-- NULL: see the tests of that function.
CREATE TEMPORARY TABLE calls (call text, self text, staff text);
INSERT INTO calls VALUES
    ('saas.request_user_deletion(%L, ''x'')', 'lives', 'lives'), ('saas.gdpr_plan(%L)', NULL, NULL), ('saas.gdpr_export_user_data(%L)', NULL, '42501'), ('saas.request_data_export(%L)', 'lives', '42501'),
    ('saas.restrict_processing(%L, ''x'')', 'lives', 'lives'), ('saas.place_legal_hold(%L, ''x'', ''y'')', '42501', 'lives'),
    ('saas.gdpr_erase(%L)', '42501', '42501'), ('saas.gdpr_delete_user_data(%L)', '42501', '42501'), ('saas.gdpr_anonymize_user(%L)', '42501', '42501'),
    ('saas.process_deletion_requests()', '42501', '42501'), ('saas.erasure_certificates()', '42501', '42501'), ('saas.repeat_erasures(''[]'')', '42501', '42501');
GRANT SELECT ON calls TO saas_app;
CREATE FUNCTION pg_temp.outcome(p_call text, p_subject uuid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'SELECT count(*) FROM ' || format(p_call, p_subject);
    RAISE EXCEPTION USING ERRCODE = 'ZZ001';
EXCEPTION
    WHEN SQLSTATE 'ZZ001' THEN RETURN 'lives';
    WHEN OTHERS THEN RETURN SQLSTATE;
END
$$;
SELECT saas.set_context(:'red', :'meg') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is_empty(format($$SELECT c.call FROM calls AS c CROSS JOIN unnest(ARRAY[%L, %L, %L]::uuid[]) AS s (id) WHERE pg_temp.outcome(c.call, s.id) <> '42501'$$, :'ann', :'vic', :'iris'),
    'an admin of a team does nothing to its owner, its viewers, its members');
RESET ROLE;
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is_empty(format($$SELECT c.call FROM calls AS c CROSS JOIN unnest(ARRAY[%L, %L]::uuid[]) AS s (id) WHERE pg_temp.outcome(c.call, s.id) <> '42501'$$, :'ann', :'iris'), 'nor an owner of another team, or of one of a person''s teams');
RESET ROLE;
SELECT saas.set_context(:'red', :'vic') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is_empty(format($$SELECT c.call FROM calls AS c WHERE pg_temp.outcome(c.call, %L) <> '42501'$$, :'ann'), 'nor a viewer');
SELECT set_eq(format('SELECT c.call, pg_temp.outcome(c.call, %L) FROM calls AS c WHERE c.self IS NOT NULL', :'vic'), 'SELECT c.call, c.self FROM calls AS c WHERE c.self IS NOT NULL', 'who asks for themselves, like everybody');
RESET ROLE;
SELECT saas.clear_context(), saas.set_platform_role(:'root', 'admin') \g /dev/null
SELECT saas.set_context(:'red', :'root') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT set_eq(format('SELECT c.call, pg_temp.outcome(c.call, %L) FROM calls AS c WHERE c.staff IS NOT NULL', :'vic'), 'SELECT c.call, c.staff FROM calls AS c WHERE c.staff IS NOT NULL', 'an admin of the platform decides on requests and reads nothing');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null

-- The states of a request are not written past its functions.
SELECT saas.request_user_deletion(:'jack', 'leaving') AS jacks \gset
SET LOCAL ROLE saas_service;
SELECT throws_ok(format('SELECT * FROM saas.run_deletion_request(%L)', :'jacks'), 'SA152', 'the request is requested', 'without a check of the identity nothing runs');
SELECT throws_ok(format($$UPDATE saas.user_deletion_requests SET status = 'verified', identity_check = 'x', identity_checked_at = now() WHERE id = %L$$, :'jacks'), '42501', NULL, 'a worker does not write it into the table');
SELECT saas.verify_deletion_identity(:'jacks', 'letter', INTERVAL '7 days') \g /dev/null
SELECT throws_ok(format('SELECT * FROM saas.run_deletion_request(%L)', :'jacks'), 'SA152', 'the grace period has not passed', 'nor before the grace period has passed');
SELECT is_empty(format('SELECT * FROM saas.process_deletion_requests() WHERE request_id = %L', :'jacks'), 'and it is not taken');
RESET ROLE;
SELECT throws_ok(format($$UPDATE saas.user_deletion_requests SET status = 'completed' WHERE id = %L$$, :'jacks'), NULL, NULL, 'not even the owner makes it completed');
SELECT saas.cancel_deletion_request(:'jacks', 'stays') \g /dev/null

-- Erased once; the transaction goes back to before, as a backup does. What was kept elsewhere is the certificate.
SAVEPOINT backup;
SELECT request_id AS first FROM saas.gdpr_erase(:'iris', p_strict => false) LIMIT 1 \gset
SELECT saas.erasure_certificates() AS certificates \gset
SELECT is(jsonb_array_length(:'certificates'), 1, 'certificates are kept beside the backups');
SELECT is((SELECT string_agg(m.name, ',') FROM pg_temp.mentions(ARRAY['iris@example.org', 'Iris Restored']) AS m), NULL, 'she is gone');
SELECT results_eq(format('SELECT outcome, repeated_by FROM saas.repeat_erasures(%L)', :'certificates'), $$VALUES ('done here', NULL::uuid)$$, 'here it is done');
SELECT ok(:'certificates' !~ 'iris|Iris' AND position(:'iris' IN :'certificates') = 0, 'a certificate names nobody');
ROLLBACK TO backup;
SELECT isnt_empty($$SELECT * FROM pg_temp.mentions('{iris@example.org}')$$, 'the backup brings her back');

-- Certificates that were changed, put together, or made up.
CREATE TEMPORARY TABLE forged AS
SELECT f.name, f.value
FROM (SELECT (:'certificates')::jsonb -> 0 AS c) AS x
CROSS JOIN LATERAL (
    VALUES
        ('steps', jsonb_set(x.c, '{steps,0,done}', '0')), ('no steps', jsonb_set(x.c, '{steps}', '[]')), ('rows', jsonb_set(x.c, '{erased_rows}', '1')),
        ('root', jsonb_set(x.c, '{merkle_root}', to_jsonb(repeat('00', 32)))), ('plan', jsonb_set(x.c, '{plan_hash}', to_jsonb(encode(sha256('other'), 'hex')))),
        ('subject', jsonb_set(x.c, '{subject_hash}', to_jsonb(encode(saas.subject_hash(:'jack'), 'hex')))), ('request', jsonb_set(x.c, '{request_id}', to_jsonb(:'jacks'::text))),
        ('residual', jsonb_set(x.c, '{verification,residual}', '[{}]')), ('keys', jsonb_set(x.c, '{keys_shredded}', '[{"keys": 9}]')), ('more', x.c || '{"note": "x"}'),
        ('less', x.c - 'mode'), ('time', jsonb_set(x.c, '{erased_at}', '"2020-01-01T00:00:00+00:00"')),
        ('signature', jsonb_set(x.c, '{signature}', to_jsonb(repeat('ab', 32)))), ('short', jsonb_set(x.c, '{signature}', '"ab"')), ('null', jsonb_set(x.c, '{signature}', 'null')),
        ('none', x.c - 'signature'), ('array', jsonb_set(x.c, '{signature}', '[1]')), ('upper', jsonb_set(x.c, '{signature}', to_jsonb(upper(x.c ->> 'signature')))),
        ('text', to_jsonb(x.c::text)), ('wrapped', jsonb_build_array(x.c)), ('empty', '{}'), ('json null', 'null'), ('number', '1')
) AS f (name, value);
SELECT ok(saas.verify_erasure_certificate((:'certificates')::jsonb -> 0), 'the certificate is genuine, in the restored database too');
SELECT is_empty('SELECT f.name FROM forged AS f WHERE saas.verify_erasure_certificate(f.value)', 'no other one is');
SELECT is(saas.verify_erasure_certificate(NULL), NULL, 'none is none');
SELECT is_empty($$SELECT f.name FROM forged AS f CROSS JOIN LATERAL saas.repeat_erasures(jsonb_build_array(f.value)) AS r WHERE r.outcome <> 'not genuine' OR r.repeated_by IS NOT NULL OR r.request_id IS NOT NULL$$,
    'nobody is erased by a forged one');
SELECT is((SELECT count(*) FROM saas.user_deletion_requests WHERE status <> 'cancelled'), 0::bigint, 'no request was made');
SELECT throws_ok($$SELECT * FROM saas.repeat_erasures('{}')$$, '22023', NULL, 'certificates come in an array');
SELECT throws_ok('SELECT * FROM saas.repeat_erasures(NULL)', '22023', NULL, 'or not at all');
SELECT is_empty($$SELECT * FROM saas.repeat_erasures('[]')$$, 'of none there are none');
SET LOCAL ROLE saas_service;
SELECT throws_ok($$SELECT saas.sign_proof('{}')$$, '42501', NULL, 'a worker signs nothing');
RESET ROLE;

-- A request of the backup that asks for less comes first.
SAVEPOINT less;
SELECT saas.request_user_deletion(:'iris', 'only my data', 'anonymise') AS less \gset
SELECT results_eq(format('SELECT outcome, repeated_by FROM saas.repeat_erasures(%L)', :'certificates'), format($$VALUES ('after another', %L::uuid)$$, :'less'), 'a request that asks for less is not taken for the erasure');
ROLLBACK TO less;

-- The genuine one, when a newer key hashes the ids of people by now.
SELECT saas.rotate_credential_key() \g /dev/null
SELECT set_eq(format('SELECT request_id, outcome FROM saas.repeat_erasures(%L)', :'certificates'), format($$VALUES (%L::uuid, 'queued')$$, :'first'), 'the genuine one asks for her erasure again');
SELECT is((SELECT count(*) FROM saas.repeat_erasures(:'certificates') AS r JOIN saas.user_deletion_requests AS q ON q.id = r.repeated_by AND q.subject_id = :'iris' AND q.status = 'verified'), 1::bigint, 'once, however often');
SELECT place AS hold FROM saas.place_legal_hold(:'iris', 'claim', 'Art. 17(3)(e)') AS place \gset
UPDATE saas.user_deletion_requests SET is_strict = false WHERE status = 'verified';
SET LOCAL ROLE saas_service;
SELECT results_eq('SELECT status FROM saas.process_deletion_requests()', '{blocked}'::text[], 'a hold that was placed between stops it');
SELECT saas.release_legal_hold(:'hold') \g /dev/null
SELECT results_eq('SELECT status FROM saas.process_deletion_requests()', '{completed}'::text[], 'and it is carried out');
RESET ROLE;
SELECT is((SELECT string_agg(m.name, ',') FROM pg_temp.mentions(ARRAY['iris@example.org', 'Iris Restored']) AS m), NULL, 'nothing of her is left');
SELECT results_eq(format('SELECT outcome FROM saas.repeat_erasures(%L)', :'certificates'), $$VALUES ('nobody')$$, 'afterwards there is nobody');
SELECT saas.rotate_credential_key() \g /dev/null
SELECT is((SELECT string_agg(DISTINCT e.action, ',') FROM saas.gdpr_erase(:'iris') AS e), 'already', 'whoever asks again hears that it is done');
SELECT throws_ok(format($$SELECT saas.encrypt_sensitive_data('x', p_asset => saas.asset_id('saas.addresses', 'line2'), p_subject => %L, p_team => %L)$$, :'iris', :'red'), 'SA137', NULL, 'and makes her no new key');
DELETE FROM saas.credential_keys AS k WHERE k.id = (SELECT min(c.id::text)::uuid FROM saas.credential_keys AS c);
SELECT results_eq(format('SELECT outcome FROM saas.repeat_erasures(%L)', :'certificates'), $$VALUES ('unknown key')$$, 'without the key of that time nobody is known by it');
-- A row that is kept keeps the entry of the audit trail about it, and says why; the entry about one that is gone does not.
SELECT saas.create_user('kim@example.org', 'Kim Keptrow') AS kim \gset
SELECT saas.set_context(:'red', :'ann'), saas.add_team_member(:'red', :'kim') \g /dev/null
SELECT saas.create_payment_intent(:'red', 100, 'usd', 'stripe', 'kim', p_provider_customer_id => 'cus_NffrFeUfNV2Hib', p_metadata => jsonb_build_object('user_id', :'kim')),
    saas.subscribe(:'red', :'kim', p.id, 1), saas.snooze_rules(:'red', 'customer', 'cus_NffrFeUfNV2Hib', 'infinity') FROM saas.subscription_plans AS p WHERE p.team_id = :'red' \g /dev/null
SELECT saas.clear_context() \g /dev/null
SELECT is((SELECT count(*)::integer FROM jsonb_array_elements(saas.gdpr_export_user_data(:'kim') -> 'billing_history') AS e WHERE e ->> '_table' IN ('saas.subscriptions', 'saas.subscription_changes')), 2, 'a customer''s subscriptions are in the export');
SELECT is(array_agg(DISTINCT concat_ws(' ', e.action, e.basis, e.kept_until > now() + INTERVAL '9 years') ORDER BY concat_ws(' ', e.action, e.basis, e.kept_until > now() + INTERVAL '9 years')), '{keep bookkeeping (GDPR Art. 17(3)(b)) t}'::text[], 'and are kept for the books')
FROM saas.gdpr_erase(:'kim') AS e WHERE e.table_name IN ('saas.subscriptions', 'saas.subscription_changes') AND e.records = 1;
SELECT r.id AS request, r.status AS kept_status FROM saas.user_deletion_requests AS r ORDER BY r.id DESC LIMIT 1 \gset
SELECT is(:'kept_status'::text, 'completed', 'an erasure is completed although rows are kept of which the audit trail has entries');
SELECT set_eq(format($$SELECT table_name, column_name, found_rows, basis LIKE '%%fraud%%' FROM saas.verify_erasure(%L)$$, :'request'),
    $$VALUES ('saas.fraud_snoozes', 'value', 1::bigint, true), ('saas.audit_logs', 'new_values', 1, true)$$, 'which are told with the basis of the row');
DELETE FROM saas.fraud_snoozes AS s WHERE s.team_id = :'red' AND s.value = 'cus_NffrFeUfNV2Hib';
SELECT set_eq(format($$SELECT table_name, column_name, found_rows, basis FROM saas.verify_erasure(%L)$$, :'request'),
    $$VALUES ('saas.audit_logs', 'new_values', 1::bigint, NULL::text), ('saas.audit_logs', 'old_values', 1, NULL)$$, 'when the row has gone there is none');

-- Certificates in the table that somebody rewrote are not genuine.
UPDATE saas.user_deletion_requests SET certificate = jsonb_set(certificate, '{erased_rows}', '0') WHERE status = 'completed';
SELECT ok(NOT bool_or(saas.verify_erasure_certificate(certificate)), 'one that was rewritten in the table shows it') FROM saas.user_deletion_requests WHERE status = 'completed';
SELECT * FROM finish();
ROLLBACK;
