-- Holds on payouts: who places and releases them, and what a cause may hold.
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
SELECT pg_temp.member('member') AS member, pg_temp.member('admin') AS admin, owner FROM fixture \gset
SELECT saas.create_team('Other', 'other-' || left(gen_random_uuid()::text, 8), :'owner') AS other \gset

SELECT saas.set_context(pg_temp.team(), :'member');
SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT saas.place_payout_hold(pg_temp.team(), 'manual')$$, '42501', NULL, 'a member places none');
SELECT throws_ok($$INSERT INTO saas.payout_holds (team_id, reason) VALUES (pg_temp.team(), 'manual')$$, '42501', NULL, 'not by hand either');
SELECT throws_ok($$SELECT saas.open_payout_hold(pg_temp.team(), 'manual')$$, '42501', NULL, 'nor as the package does');

RESET ROLE;
SELECT saas.set_context(pg_temp.team(), :'admin');
SET LOCAL ROLE saas_app;
SELECT saas.place_payout_hold(pg_temp.team(), 'manual', 'the bank account changes') AS manual \gset
SELECT saas.place_payout_hold(pg_temp.team(), 'kyc', NULL, 'customer_verifications', :'member') AS kyc \gset
SELECT is(saas.place_payout_hold(pg_temp.team(), 'kyc', NULL, 'customer_verifications', :'member'), :'kyc'::uuid, 'the same cause has one hold');
SELECT isnt(saas.place_payout_hold(pg_temp.team(), 'aml', NULL, 'customer_verifications', :'member'), :'kyc'::uuid, 'for each reason');
SELECT results_eq($$SELECT reason, note, placed_by FROM saas.payout_holds WHERE reason = 'manual'$$, format('VALUES (%L, %L, %L::uuid)', 'manual', 'the bank account changes', :'admin'), 'who held what, and why');
SELECT throws_ok(format('SELECT saas.place_payout_hold(pg_temp.team(), %L, %L, %L, %L)', a.reason, a.note, a.ref_table, a.ref_id), '23514', NULL, a.name)
FROM (VALUES
    ('whim', NULL, NULL, NULL::uuid, 'a reason that is none'), ('manual', '', NULL, NULL, 'an empty note'), ('manual', repeat('x', 2001), NULL, NULL, 'a long note'),
    ('kyc', NULL, 'payments', NULL, 'a table without a row'), ('kyc', NULL, 'no table', :'member', 'a table that is none')
) AS a (reason, note, ref_table, ref_id, name);
SELECT throws_ok($$SELECT saas.place_payout_hold(pg_temp.team(), NULL)$$, '23502', NULL, 'no reason');
SELECT throws_ok(format('SELECT saas.place_payout_hold(%L, %L)', :'other', 'manual'), '42501', NULL, 'in another team');
SELECT throws_ok(format('SELECT saas.release_payout_hold(pg_temp.team(), %L, %L)', :'kyc', 'looked at it'), '42501', NULL, 'an admin does not release what an examination found');
SELECT lives_ok(format('SELECT saas.release_payout_hold(pg_temp.team(), %L)', :'manual'), 'but what an admin has placed');
SELECT throws_ok(format('SELECT saas.release_payout_hold(pg_temp.team(), %L)', :'manual'), 'SA081', NULL, 'once');
SELECT throws_ok($$SELECT saas.release_payout_hold(pg_temp.team(), gen_random_uuid())$$, 'SA081', NULL, 'a hold that is none');

RESET ROLE;
SELECT saas.set_context(:'other', :'owner');
SET LOCAL ROLE saas_app;
SELECT is_empty('SELECT FROM saas.payout_holds', 'another team sees none');
SELECT throws_ok(format('SELECT saas.release_payout_hold(%L, %L, %L)', :'other', :'kyc', 'x'), 'SA081', NULL, 'and releases none of it');

RESET ROLE;
SELECT saas.set_context(pg_temp.team(), :'owner');
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.release_payout_hold(pg_temp.team(), %L)', :'kyc'), '22023', NULL, 'the owner says why');
SELECT lives_ok(format('SELECT saas.release_payout_hold(pg_temp.team(), %L, %L)', :'kyc', 'passport seen'), 'and releases it');
SELECT is((SELECT count(*) FROM saas.payout_holds WHERE released_at IS NULL), 1::bigint, 'the other reason holds');
RESET ROLE;
SELECT is(saas.close_payout_holds(pg_temp.team(), 'aml', 'customer_verifications', :'member', 'cleared'), 1, 'the package releases what it placed');
SELECT is(saas.close_payout_holds(pg_temp.team(), 'aml', 'customer_verifications', :'member'), 0, 'once');
SELECT isnt(saas.open_payout_hold(pg_temp.team(), 'aml', NULL, 'customer_verifications', :'member'), NULL, 'the same cause may hold again');
SET LOCAL ROLE saas_analyst;
SELECT is((SELECT count(reason) FROM saas.payout_holds), 4::bigint, 'an analyst sees reasons');
SELECT throws_ok('SELECT note FROM saas.payout_holds', '42501', NULL, 'but no notes');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
