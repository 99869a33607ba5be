-- Erasing a person: what goes, what stays and why, keys, audit trail, certificate, a second run, circles,
-- anonymising instead, and who may.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SELECT saas.create_user('ada@example.org', 'Ada Lovelace') AS ada \gset
UPDATE saas.users SET github_username = 'adalovelace', bio = 'Countess', preferences = '{"theme": "dark"}' WHERE id = :'ada';
SELECT saas.set_context(:'red', :'ann'), saas.add_team_member(:'red', :'ada') \g /dev/null
SELECT saas.set_context(:'red', :'ada'), saas.log_activity(:'red', 'signed', 'letter', NULL, '{"to": "ada@example.org"}') \g /dev/null
INSERT INTO saas.addresses (team_id, user_id, recipient, line1, city, country, phone) VALUES (:'red', :'ada', 'Ada Lovelace', '12 St James Square', 'London', 'GB', '+44 20 7946 0018');
SELECT saas.create_notification(:'red', :'ada', 'Hello Ada'), saas.create_session(:'ada', p_ip => '192.0.2.7') \g /dev/null
SELECT saas.clear_context() \g /dev/null
INSERT INTO saas.mfa_factors (user_id, label, sealed_secret) VALUES (:'ada', 'Phone of Ada', '');

-- What she bought: found by her address in the attributes, and from there on by the provider's customer.
UPDATE saas.payment_intents SET attributes = '{"email": "Ada@Example.org", "ip": "192.0.2.7"}', provider_customer_id = 'cus_ada_1815' WHERE team_id = :'red';
UPDATE saas.payments SET provider_customer_id = 'cus_ada_1815', card_fingerprint = 'fp_ada_000001', metadata = '{"note": "for ada@example.org"}' WHERE team_id = :'red';
INSERT INTO saas.payment_intents (team_id, provider, provider_intent_id, amount, currency, status, provider_customer_id, metadata)
VALUES (:'red', 'stripe', 'pi_2', 700, 'USD', 'requires_payment_method', 'cus_ada_1815', '{"order": 5}');
INSERT INTO saas.fraud_list_items (team_id, list_id, value) VALUES (:'red', :'red', 'ada@example.org');
SELECT pg_temp.deliver(:'red', 'evt_9', '{"id": "pi_1", "object": "payment_intent", "amount": 1000, "currency": "usd", "status": "succeeded", "created": 1700000000, "receipt_email": "ada@example.org"}') \g /dev/null

-- A value under her key.
CREATE TABLE public.letters (team_id uuid, id uuid PRIMARY KEY DEFAULT saas.uuid_v7(), person uuid REFERENCES saas.users (id) ON DELETE SET NULL, words bytea);
SELECT saas.encrypt_column('public.letters', 'words', p_subject_column => 'person') \g /dev/null
SELECT saas.declare_personal_data('public.letters', 'person', '{person}', p_action => 'shred'), saas.declare_personal_column('public.letters', 'words', 'shred') \g /dev/null
GRANT SELECT ON public.letters TO saas_internal;
INSERT INTO public.letters (team_id, person, words) VALUES (:'red', :'ada', 'I am in a charming state of confusion'), (:'red', :'ann', 'Dear Ada');
SELECT words AS letter, id AS letter_id FROM public.letters WHERE person = :'ada' \gset

-- Others, digested.
CREATE FUNCTION pg_temp.others() RETURNS text LANGUAGE sql AS $$
    SELECT md5(string_agg(x.d, '|' ORDER BY x.n)) FROM (
        SELECT 1 AS n, string_agg(u::text, ',' ORDER BY u.id) AS d FROM saas.users AS u WHERE u.email <> 'ada@example.org'
        UNION ALL SELECT 2, string_agg(m::text, ',' ORDER BY m.id) FROM saas.team_members AS m JOIN saas.users AS u ON u.id = m.user_id AND u.email <> 'ada@example.org'
        UNION ALL SELECT 3, string_agg(p::text, ',' ORDER BY p.id) FROM saas.payments AS p JOIN saas.teams AS t ON t.id = p.team_id AND t.slug = 'blue'
        UNION ALL SELECT 4, string_agg(e::text, ',' ORDER BY e.id) FROM saas.ledger_entries AS e
        UNION ALL SELECT 5, string_agg(s::text, ',' ORDER BY s.id) FROM saas.user_sessions AS s JOIN saas.users AS u ON u.id = s.user_id AND u.email <> 'ada@example.org'
        UNION ALL SELECT 6, string_agg(a::text, ',' ORDER BY a.id) FROM saas.addresses AS a WHERE a.user_id IS NULL
        UNION ALL SELECT 7, string_agg(concat_ws(',', p.id, p.amount, p.amount_captured, p.amount_refunded, p.status, p.currency, p.provider_payment_id), ';' ORDER BY p.id) FROM saas.payments AS p
    ) AS x
$$;
SELECT pg_temp.others() AS others \gset

-- A dry run counts and changes nothing.
SELECT saas.set_privacy_recipient('mailer', 'sends the newsletter') \g /dev/null
CREATE TEMPORARY TABLE counted AS SELECT * FROM saas.gdpr_erase(:'ada', p_dry_run => true);
SELECT is((SELECT count(*) FROM saas.users WHERE id = :'ada'), 1::bigint, 'a dry run erases nothing');
SELECT is((SELECT count(*) FROM saas.user_deletion_requests), 0::bigint, 'and leaves no request');
SELECT is((SELECT count(*) FROM saas.erasure_rows), 0::bigint, 'and no rows');
SELECT is((SELECT bool_and(c.request_id IS NULL) FROM counted AS c), true, 'so it names none');

CREATE TEMPORARY TABLE erased AS SELECT * FROM saas.gdpr_erase(:'ada');
SELECT results_eq(
    $$SELECT table_name, action, records, basis, path FROM erased WHERE table_name <> 'saas.audit_logs' ORDER BY 1, 2, 5$$,
    $$SELECT table_name, action, records, basis, path FROM counted WHERE table_name <> 'saas.audit_logs' ORDER BY 1, 2, 5$$,
    'what the dry run counted is what happened');
SELECT is((SELECT string_agg(e.table_name || ' ' || e.action || ' ' || e.records, ', ' ORDER BY e.table_name) FROM erased AS e WHERE e.action <> 'anonymise' AND e.table_name NOT LIKE '%audit%' AND e.table_name NOT LIKE '%assess%'),
    'public.letters shred 1, saas.addresses delete 1, saas.dispute_evidence delete 1, saas.fraud_list_changes keep 1, saas.fraud_list_items keep 1, saas.mfa_factors delete 1, saas.notifications delete 2, saas.payment_transactions keep 3, saas.team_members delete 1, saas.user_sessions delete 1, saas.users delete 1',
    'rows that went, and those kept');
SELECT is((SELECT bool_and(e.basis IS NOT NULL AND e.kept_until > now() + INTERVAL '1 year') FROM erased AS e WHERE e.action = 'keep'), true, 'what is kept has a basis and an end');
SELECT is((SELECT count(*) FROM saas.users WHERE id = :'ada'), 0::bigint, 'she is gone');
SELECT is(pg_temp.others(), :'others', 'nobody and no amount else has changed');
SELECT results_eq(format('SELECT attributes, metadata, provider_customer_id, amount FROM saas.payment_intents WHERE team_id = %L AND amount IN (700, 1000) ORDER BY amount', :'red'),
    $$VALUES ('{}'::jsonb, '{}'::jsonb, NULL, 700::bigint), ('{}', '{}', NULL, 1000)$$, 'payments stay, without her: also the one that only the customer led to');
SELECT results_eq(format('SELECT card_fingerprint, metadata, amount_captured FROM saas.payments WHERE team_id = %L', :'red'), $$VALUES (NULL::text, '{}'::jsonb, 1000::bigint)$$, 'their columns are anonymised');
SELECT results_eq(format('SELECT attributes, decision FROM saas.fraud_assessments WHERE team_id = %L LIMIT 1', :'red'), $$VALUES ('{}'::jsonb, 'review')$$, 'assessments keep their decision');
SELECT is((SELECT count(*) FROM saas.webhook_events WHERE team_id = :'red' AND provider_event_id = 'evt_9' AND payload IS NULL), 1::bigint, 'bodies of deliveries are emptied');
SELECT is((SELECT count(*) FROM saas.webhook_events WHERE team_id = :'blue' AND payload IS NULL), 0::bigint, 'of her team only');
SELECT is_empty('SELECT * FROM saas.ledger_proof', 'the ledger still agrees with the payments');
SELECT is((SELECT count(*) FROM saas.activity_logs WHERE action = 'signed' AND user_id IS NULL AND details = '{}'), 1::bigint, 'the log keeps what happened, not who');
SELECT throws_ok(format('SELECT saas.decrypt_sensitive_bytes(%L::bytea, %L::uuid, %L::uuid, %L::uuid)', :'letter', saas.asset_id('public.letters', 'words'), :'letter_id', :'red'),
    'SA101', NULL, 'what was under her key opens no more, wherever a copy is');
SELECT is((SELECT count(*) FROM public.letters AS l WHERE convert_from(saas.decrypt_sensitive_bytes(l.words, saas.asset_id('public.letters', 'words'), l.id, l.team_id), 'UTF8') = 'Dear Ada' AND l.person = :'ann'),
    1::bigint, 'what is under another''s does');

-- The audit trail: emptied where it repeated her values, and whole.
SELECT is(
    (SELECT count(*) FROM saas.audit_logs AS l WHERE concat(l.old_values, l.new_values) ~* 'ada@example|lovelace|cus_ada|fp_ada'),
    0::bigint, 'the audit trail repeats nothing of her');
SELECT cmp_ok((SELECT count(*) FROM saas.audit_logs AS l WHERE l.table_name = 'saas.payments' AND l.team_id = :'blue' AND l.payload_hash IS NOT NULL), '=', 0::bigint, 'entries of others are as they were');
SELECT is((SELECT count(*) FROM saas.audit_logs AS l WHERE l.table_name = 'saas.users' AND l.row_id = :'ada' AND l.operation = 'D'), 1::bigint, 'that she was deleted is in it');
SELECT cmp_ok((SELECT count(*) FROM saas.audit_redactions AS r WHERE r.reason LIKE 'erasure request %'), '>', 0::bigint, 'and why entries were emptied');

-- The request and its certificate.
SELECT request_id AS request FROM erased LIMIT 1 \gset
SELECT results_eq(format('SELECT status, subject_id, octet_length(plan_hash) FROM saas.user_deletion_requests WHERE id = %L', :'request'), $$VALUES ('completed', NULL::uuid, 32)$$, 'the request forgets the id');
SELECT certificate FROM saas.user_deletion_requests WHERE id = :'request' \gset
SELECT is((:'certificate')::jsonb #> '{verification,residual}', '[]'::jsonb, 'the search found nothing');
SELECT is((:'certificate')::jsonb #> '{verification,not_readable}' ? 'public.letters', false, 'in every table that can be read');
SELECT set_eq(format('SELECT k ->> %L FROM jsonb_array_elements(%L::jsonb #> %L) AS k', 'table', :'certificate', '{verification,kept}'), ARRAY['saas.fraud_list_changes', 'saas.fraud_list_items'], 'what is kept on purpose is named');
SELECT is(((:'certificate')::jsonb ->> 'erased_rows')::bigint, (SELECT sum(e.records) FROM erased AS e WHERE e.action = 'delete')::bigint, 'every deleted row is a leaf of the tree');
SELECT is(length((:'certificate')::jsonb ->> 'merkle_root'), 64, 'with its root');
SELECT is((:'certificate')::jsonb #>> '{keys_shredded,0,team_id}', :'red', 'the keys that were destroyed');
SELECT is(saas.verify_erasure_certificate(:'certificate'), true, 'the certificate is genuine');
SELECT is(saas.verify_erasure_certificate((:'certificate')::jsonb || '{"erased_rows": 1}'), false, 'and shows when it was changed');
SELECT is(saas.verify_erasure_certificate('{}'), false, 'what is none is none');
SELECT ok(:'certificate' !~* ('ada@|lovelace|james|192\.0\.2|cus_|' || :'ada'), 'it contains nothing personal');

-- The search bites.
SELECT is_empty(format('SELECT * FROM saas.verify_erasure(%L) WHERE basis IS NULL', :'request'), 'a search finds nothing');
CREATE TABLE public.backup (id integer, body text, more jsonb);
INSERT INTO public.backup VALUES (1, 'nothing', '{}'), (2, 'write to ADA@example.org', '{}'), (3, '', '{"people": [{"phone": "+44 (20) 7946-0018"}]}');
GRANT SELECT ON public.backup TO saas_internal;
SELECT results_eq(format('SELECT table_name, column_name, found_rows FROM saas.verify_erasure(%L) WHERE basis IS NULL ORDER BY 2', :'request'),
    $$VALUES ('public.backup', 'body', 1::bigint), ('public.backup', 'more', 1)$$, 'what came back is found, in texts and JSON values');
DROP TABLE public.backup;

-- Recipients are told once.
SELECT results_eq($$SELECT recipient, kind, subject_id FROM saas.claim_privacy_events('w')$$, format($$VALUES ('mailer', 'erasure', %L::uuid)$$, :'ada'), 'the recipient is told whom to erase');
SELECT is_empty($$SELECT * FROM saas.claim_privacy_events('w')$$, 'an event is claimed once');
SELECT throws_ok($$SELECT saas.complete_privacy_event(e.id, 'other', true) FROM saas.privacy_events AS e$$, 'SA152', NULL, 'by one worker');
SELECT is(saas.complete_privacy_event(e.id, 'w', false), 'queued', 'what was not delivered is tried again') FROM saas.privacy_events AS e;
UPDATE saas.privacy_events SET next_attempt_at = now();
SELECT is((SELECT count(*) FROM saas.claim_privacy_events('w')), 1::bigint, 'later');
SELECT is(saas.complete_privacy_event(e.id, 'w', true), 'delivered', 'and delivered') FROM saas.privacy_events AS e;
SELECT is((SELECT e.subject_id FROM saas.privacy_events AS e), NULL, 'then nobody is named any more');

-- Again.
CREATE FUNCTION pg_temp.everything() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_table name;
    v_digest text;
    v_all text := '';
BEGIN
    FOR v_table IN SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1 LOOP
        EXECUTE format('SELECT md5(string_agg(t::text, %L ORDER BY t::text)) FROM saas.%I AS t', '|', v_table) INTO v_digest;
        v_all := md5(concat(v_all, v_table, v_digest));
    END LOOP;
    RETURN v_all;
END
$$;
SELECT pg_temp.everything() AS everything \gset
SELECT is((SELECT sum(d.records_deleted) FROM saas.gdpr_delete_user_data(:'ada') AS d), 0::bigint, 'a second run does nothing');
SELECT is(pg_temp.everything(), :'everything', 'and changes nothing');
SELECT is((SELECT string_agg(DISTINCT e.action, ',') FROM saas.gdpr_erase(:'ada') AS e), 'already', 'as the long form says');
SELECT throws_ok($$SELECT * FROM saas.gdpr_delete_user_data('00000000-0000-7000-8000-000000000001')$$, 'P0002', NULL, 'somebody who never was is an error');
SELECT throws_ok($$SELECT * FROM saas.gdpr_delete_user_data(NULL)$$, 'P0002', NULL, 'so is nobody');
UPDATE saas.erasure_needles SET forget_at = now();
SELECT is(saas.forget_erased_values(), 1::bigint, 'the hashes are forgotten in time');
SELECT throws_ok(format('SELECT * FROM saas.verify_erasure(%L)', :'request'), 'SA152', NULL, 'then there is nothing to search for');

-- Anonymised: the owner of a team stays its owner.
SELECT throws_ok(format('SELECT * FROM saas.gdpr_delete_user_data(%L)', :'ann'), 'SA153', NULL, 'the last owner of a team is not erased');
CREATE TEMPORARY TABLE anonymised AS SELECT * FROM saas.gdpr_anonymize_user(:'ann');
SELECT is((SELECT a.records_anonymized FROM anonymised AS a WHERE a.table_name = 'saas.users'), 1, 'but anonymised');
SELECT results_eq(format('SELECT email LIKE %L, display_name, password_hash FROM saas.users WHERE id = %L', 'erased+%@erased.invalid', :'ann'), $$VALUES (true, NULL::text, NULL::text)$$, 'without name and address');
SELECT is((SELECT count(*) FROM saas.team_members WHERE user_id = :'ann' AND role = 'owner'), 1::bigint, 'still the owner');
SELECT is((SELECT count(*) FROM saas.user_sessions WHERE user_id = :'ann') + (SELECT count(*) FROM saas.mfa_factors WHERE user_id = :'ann'), 0::bigint, 'with no way to sign in');
SELECT is((SELECT count(*) FROM saas.user_sessions WHERE user_id = :'bob'), 1::bigint, 'others keep theirs');

-- Who may.
SELECT saas.set_platform_role(:'bob', 'super_admin') \g /dev/null
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT * FROM saas.gdpr_delete_user_data(%L)', :'bob'), '42501', NULL, 'nobody erases at once, not even themselves');
SELECT throws_ok(format('SELECT * FROM saas.gdpr_erase(%L)', :'suspended'), '42501', NULL, 'nor a super_admin others');
SELECT throws_ok(format('SELECT * FROM saas.gdpr_anonymize_user(%L)', :'suspended'), '42501', NULL, 'or anonymises them');
SELECT throws_ok(format('SELECT * FROM saas.verify_erasure(%L)', :'request'), '42501', NULL, 'searches');
SELECT throws_ok(format('SELECT * FROM saas.complete_deletion_request(%L)', :'request'), '42501', NULL, 'or signs');
SELECT throws_ok('SELECT * FROM saas.claim_privacy_events(NULL)', '42501', NULL, 'or takes events');
SELECT is((SELECT count(*) FROM saas.user_deletion_requests), 0::bigint, 'and sees requests of others');
RESET ROLE;
SET LOCAL ROLE saas_service;
SELECT lives_ok(format('SELECT * FROM saas.gdpr_delete_user_data(%L, true)', :'suspended'), 'a worker may');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
