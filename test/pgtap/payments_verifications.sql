-- Verifications: begun, recorded, expired, and what their absence holds.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
CREATE FUNCTION pg_temp.member(p_role text) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_user uuid := saas.create_user(p_role || gen_random_uuid() || '@example.com');
BEGIN
    INSERT INTO saas.team_members (team_id, user_id, role) VALUES (pg_temp.team(), v_user, p_role);
    RETURN v_user;
END $$;
SELECT pg_temp.member('viewer') AS viewer, pg_temp.member('member') AS member, pg_temp.member('admin') AS admin, owner FROM fixture \gset
SELECT saas.create_team('Other', 'other-' || left(gen_random_uuid()::text, 8), :'owner') AS other \gset
CREATE FUNCTION pg_temp.held() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$
    SELECT count(*) FROM saas.payout_holds AS h WHERE h.team_id = pg_temp.team() AND h.reason = 'kyc' AND h.released_at IS NULL
$$;
-- A worker, for what only workers do.
CREATE FUNCTION pg_temp.record(p_id uuid, p_status text, p_expires timestamptz DEFAULT NULL, p_failure text DEFAULT NULL, p_results jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT (saas.record_verification(pg_temp.team(), p_id, p_status, p_results, p_failure, p_expires)).status
$$;

SELECT saas.set_context(pg_temp.team(), :'member');
SET LOCAL ROLE saas_app;
SELECT saas.start_verification(pg_temp.team(), 'customer', 'cus_1', 'standard', 'onfido', 'check_1', 'Ann Example', '1980-02-29', 'gb',
    '[{"type": "passport", "reference": "vault:42", "country": "GB", "expires_on": "2030-01-01"}]') AS v \gset
SELECT results_eq('SELECT status, country::text, started_by FROM saas.customer_verifications', format('VALUES (%L, %L, %L::uuid)', 'pending', 'GB', :'member'), 'a member begins one');
SELECT throws_ok($$SELECT saas.start_verification(pg_temp.team(), 'customer', 'cus_1', 'standard', 'onfido')$$, 'SA093', NULL, 'one at a time');
SELECT lives_ok($$SELECT saas.start_verification(pg_temp.team(), 'customer', 'cus_1', 'basic', 'onfido')$$, 'for each level');
SELECT throws_ok(format('SELECT saas.start_verification(pg_temp.team(), %L, %L, %L, %L, NULL, %L, %L, %L, %L)', b.subject, b.reference, b.level, b.provider, b.name, b.birth, b.country, b.documents), b.state, NULL, b.label)
FROM (VALUES
    ('customer', NULL, 'basic', 'onfido', 'x', NULL::date, NULL, '[]', '23502', 'nobody'), ('customer', '', 'basic', 'onfido', 'x', NULL, NULL, '[]', '23514', 'an empty identifier'),
    ('customer', repeat('x', 256), 'basic', 'onfido', 'x', NULL, NULL, '[]', '23514', 'a long identifier'), ('ghost', 'c', 'basic', 'onfido', 'x', NULL, NULL, '[]', '23514', 'a subject that is none'),
    ('customer', 'c', 'deep', 'onfido', 'x', NULL, NULL, '[]', '23514', 'a level that is none'), ('customer', 'c', 'basic', 'On Fido', 'x', NULL, NULL, '[]', '23514', 'a provider that is none'),
    ('customer', 'c', 'basic', 'onfido', 'x', '2999-01-01', NULL, '[]', '22023', 'a birth to come'), ('customer', 'c', 'basic', 'onfido', 'x', NULL, 'GBR', '[]', '22023', 'a long country'),
    ('customer', 'c', 'basic', 'onfido', 'x', NULL, NULL, '{}', '23514', 'documents that are no array'), ('customer', 'c', 'basic', 'onfido', 'x', NULL, NULL, '["x"]', '23514', 'a document that is a text'),
    ('customer', 'c', 'basic', 'onfido', 'x', NULL, NULL, '[{"type": "passport", "image": "iVBO"}]', '23514', 'a document itself'),
    ('customer', 'c', 'basic', 'onfido', 'x', NULL, NULL, format('[{"reference": "%s"}]', repeat('x', 256)), '23514', 'a reference that is too long for one'),
    ('customer', 'c', 'basic', 'onfido', 'x', NULL, NULL, '[{"reference": {"a": 1}}]', '23514', 'a reference that is an object')
) AS b (subject, reference, level, provider, name, birth, country, documents, state, label);
SELECT throws_ok($$SELECT saas.start_verification(pg_temp.team(), 'team', NULL, 'basic', 'onfido')$$, '42501', NULL, 'a member begins none of the team itself');
SELECT throws_ok(format('SELECT saas.start_verification(%L, %L, %L, %L, %L)', :'other', 'customer', 'c', 'basic', 'onfido'), '42501', NULL, 'nor in another team');
SELECT throws_ok(format('SELECT saas.record_verification(pg_temp.team(), %L, %L)', :'v', 'verified'), '42501', NULL, 'nobody verifies himself');
SELECT throws_ok(format('SELECT saas.cancel_verification(pg_temp.team(), %L)', :'v'), '42501', NULL, 'a member cancels none');
SELECT throws_ok($$UPDATE saas.customer_verifications SET status = 'verified'$$, '42501', NULL, 'not by hand');
SELECT throws_ok($$SELECT saas.require_payout_verification(pg_temp.team(), NULL)$$, '42501', NULL, 'a team does not excuse itself');
RESET ROLE;
SELECT saas.set_context(pg_temp.team(), :'viewer');
SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT saas.start_verification(pg_temp.team(), 'customer', 'c', 'basic', 'onfido')$$, '42501', NULL, 'a viewer begins none');

-- Outcomes.
RESET ROLE;
SELECT saas.set_context(pg_temp.team());
SET LOCAL ROLE saas_service;
SELECT is(pg_temp.record(:'v', 'in_progress'), 'in_progress', 'submitted');
SELECT throws_ok(format('SELECT pg_temp.record(%L, %L)', :'v', b.status), '22023', NULL, 'no outcome')
FROM (VALUES ('expired'), ('canceled'), ('pending'), (NULL)) AS b (status);
SELECT throws_ok($$SELECT pg_temp.record(gen_random_uuid(), 'verified')$$, 'SA094', NULL, 'a verification that is none');
SELECT throws_ok(format('SELECT saas.record_verification(%L, %L, %L)', :'other', :'v', 'verified'), 'SA094', NULL, 'or of another team');
SELECT throws_ok(format('SELECT pg_temp.record(%L, %L, %L)', :'v', 'verified', now() - interval '1 day'), '23514', NULL, 'until a time that is past');
SELECT is(pg_temp.record(:'v', 'verified', now() + interval '1 year', NULL, '{"face": 0.98}'), 'verified', 'verified');
SELECT is(pg_temp.record(:'v', 'verified'), 'verified', 'reported again');
SELECT is((SELECT expires_at FROM saas.customer_verifications WHERE id = :'v'), now() + interval '1 year', 'which changes nothing');
SELECT throws_ok(format('SELECT pg_temp.record(%L, %L)', :'v', 'in_progress'), 'SA070', NULL, 'there is no way back');
SELECT is(saas.verified_level(pg_temp.team(), 'customer', 'cus_1'), 'standard', 'at its level');
SELECT is(saas.verified_level(pg_temp.team(), 'customer', 'cus_1', now() + interval '2 years'), NULL, 'until it expires');
SELECT is(saas.verified_level(pg_temp.team(), 'customer', 'cus_2'), NULL, 'nobody else');
SELECT is(pg_temp.record(:'v', 'failed', NULL, 'document_forged'), 'failed', 'revoked');
SELECT is(saas.verified_level(pg_temp.team(), 'customer', 'cus_1'), NULL, 'then it counts no more');
SELECT throws_ok(format('SELECT pg_temp.record(%L, %L)', :'v', 'verified'), 'SA070', NULL, 'for good');

-- Payouts wait for the team's own.
SELECT is(pg_temp.held(), 0::bigint, 'nothing is held where nothing is required');
SELECT saas.require_payout_verification(pg_temp.team(), 'standard');
SELECT is(pg_temp.held(), 1::bigint, 'a missing verification holds payouts');
SELECT saas.start_verification(pg_temp.team(), 'team', NULL, 'basic', 'onfido') AS basic, saas.start_verification(pg_temp.team(), 'team', 'anything', 'enhanced', 'onfido') AS enhanced \gset
SELECT is(pg_temp.record(:'basic', 'verified'), 'verified', 'the team is verified');
SELECT is(pg_temp.held(), 1::bigint, 'but not at that level');
SELECT is(pg_temp.record(:'enhanced', 'verified', now() + interval '1 hour'), 'verified', 'at a higher one');
SELECT is(pg_temp.held(), 0::bigint, 'payouts go on');
SELECT is(saas.expire_verifications(), 0, 'nothing expires yet');
SELECT is(saas.expire_verifications(now() + interval '1 day'), 0, 'nor ahead of time');
RESET ROLE;
SET LOCAL session_replication_role = replica;
UPDATE saas.customer_verifications SET started_at = now() - interval '2 hours', expires_at = now() - interval '1 hour' WHERE id = :'enhanced';
SET LOCAL session_replication_role = origin;
SET LOCAL ROLE saas_service;
SELECT is(saas.verified_level(pg_temp.team(), 'team', pg_temp.team()::text), 'basic', 'its time is up');
SELECT is(pg_temp.held(), 0::bigint, 'nobody has swept yet');
SELECT is(saas.run_payouts(pg_temp.team(), 'sent-late') -> 'sent', '[]'::jsonb, 'payouts are run all the same');
SELECT is(pg_temp.held(), 1::bigint, 'and look at the clock themselves');
SELECT saas.schedule_payouts(pg_temp.team(), 'made-late') \g /dev/null
SELECT is(pg_temp.held(), 1::bigint, 'there is one hold');
RESET ROLE;
SELECT saas.set_context(pg_temp.team(), owner) FROM fixture;
SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT saas.release_payout_hold(pg_temp.team(), h.id, 'we are honest') FROM saas.payout_holds AS h WHERE h.team_id = pg_temp.team() AND h.reason = 'kyc' AND h.released_at IS NULL$$, 'SA097', NULL, 'the owner does not excuse the team');
RESET ROLE;
SELECT saas.set_context(pg_temp.team());
SET LOCAL ROLE saas_service;
SELECT is(saas.expire_verifications(), 1, 'it expires');
SELECT is(saas.expire_verifications(), 0, 'once');
SELECT is(pg_temp.held(), 1::bigint, 'and payouts are held again');
SELECT saas.require_payout_verification(pg_temp.team(), 'basic');
SELECT is(pg_temp.held(), 0::bigint, 'less is required');
SELECT is(pg_temp.record(:'basic', 'failed'), 'failed', 'even that is revoked');
SELECT is(pg_temp.held(), 1::bigint, 'a failed verification holds payouts');
SELECT is((SELECT failure_code FROM saas.customer_verifications WHERE id = :'basic'), 'unspecified', 'for a reason that nobody gave');
SELECT saas.require_payout_verification(pg_temp.team(), NULL);
SELECT is(pg_temp.held(), 0::bigint, 'nothing is required');
SELECT throws_ok($$SELECT saas.require_payout_verification(pg_temp.team(), 'deep')$$, '23514', NULL, 'a level that is none');

RESET ROLE;
SELECT saas.set_context(pg_temp.team(), :'admin');
SET LOCAL ROLE saas_app;
SELECT saas.start_verification(pg_temp.team(), 'team', NULL, 'basic', 'onfido') AS again \gset
SELECT lives_ok(format('SELECT saas.cancel_verification(pg_temp.team(), %L)', :'again'), 'an admin gives one up');
SELECT throws_ok(format('SELECT saas.cancel_verification(pg_temp.team(), %L)', :'basic'), 'SA070', NULL, 'but none that has an outcome');
RESET ROLE;
SELECT is((SELECT count(*) FROM saas.audit_logs WHERE table_name = 'saas.customer_verifications' AND team_id = pg_temp.team() AND (new_values ->> 'full_name' = 'Ann Example' OR new_values::text LIKE '%vault:42%')), 0::bigint, 'the audit trail holds no personal data');
SELECT is_empty($$SELECT m.machine FROM (VALUES ('customer_verification'), ('aml_alert')) AS m (machine)
    CROSS JOIN LATERAL (SELECT DISTINCT t.to_state FROM saas.state_transitions AS t WHERE t.machine = m.machine) AS s
    WHERE NOT EXISTS (SELECT FROM saas.state_transitions AS i WHERE i.machine = m.machine AND i.from_state IS NULL AND (i.to_state = s.to_state OR saas.state_reachable(m.machine, i.to_state, s.to_state)))$$,
    'every state can be reached');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
