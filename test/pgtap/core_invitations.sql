-- Invitations: who invites, who accepts, and that a token works once.
BEGIN;
SELECT plan(38);

SELECT saas.create_user('ann@example.com', 'Ann') AS ann, saas.create_user('ben@example.com', 'Ben') AS ben,
    saas.create_user('cat@example.com', 'Cat') AS cat, saas.create_user('dan@example.com', 'Dan') AS dan,
    saas.create_user('eve@example.com', 'Eve') AS eve \gset
SELECT saas.create_team('Red', 'red', :'ann') AS red, saas.create_team('Blue', 'blue', :'dan') AS blue \gset

SELECT saas.set_context(:'red', :'ann');
SET LOCAL ROLE saas_app;
SELECT token AS t_ben, invitation_id AS i_ben, expires_at - now() AS lasts FROM saas.invite_member(:'red', 'ben@example.com', 'admin') \gset
SELECT matches(:'t_ben'::text, '^inv_[0-9a-f]{32}_[0-9a-f]{64}$', 'a token names its team and has 256 random bits');
SELECT is(:'lasts'::interval, INTERVAL '7 days', 'and lasts a week');
SELECT throws_ok('SELECT token_hash FROM saas.team_invitations', '42501', NULL, 'no hash is shown');
SELECT throws_ok(format('UPDATE saas.team_invitations SET role = %L', 'owner'), '42501', NULL, 'an invitation is not changed by UPDATE');
SELECT results_eq(format('SELECT email, role, state FROM saas.list_invitations(%L)', :'red'),
    $$VALUES ('ben@example.com', 'admin', 'open')$$, 'an owner lists what is open');
SELECT throws_ok(format('SELECT saas.invite_member(%L, %L)', :'blue', 'x@example.com'), '42501', NULL, 'nobody invites into another team');
SELECT throws_ok(format('SELECT * FROM saas.list_invitations(%L)', :'blue'), '42501', NULL, 'nor lists its invitations');
SELECT throws_ok(format('SELECT saas.invite_member(%L, %L)', :'red', 'no address'), '23514', NULL, 'what is no address is refused');
CREATE FUNCTION pg_temp.detail_of(p_statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_detail text;
BEGIN
    EXECUTE p_statement;
    RETURN 'no error';
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
    RETURN v_detail;
END
$$;
SELECT is(pg_temp.detail_of(format('SELECT saas.invite_member(%L, %L)', :'red', 'nope')), '', 'and the error does not show the row with the hash of its token');
SELECT is(pg_temp.detail_of(format('SELECT saas.invite_member(%L, %L, %L)', :'red', 'x@example.com', 'king')), '', 'nor when there is no such role');
SELECT throws_ok(format('SELECT saas.invite_member(%L, NULL)', :'red'), '23502', NULL, 'so is NULL');
SELECT throws_ok(format('SELECT saas.invite_member(%L, %L)', :'red', 'ANN@example.com'), '23505', NULL, 'a member is not invited');
SELECT throws_ok(format('SELECT saas.invite_member(%L, %L, p_expires_in => %L)', :'red', 'x@example.com', '0'), '22023', NULL, 'an invitation lasts some time');
SELECT throws_ok(format('SELECT saas.accept_invitation(%L)', :'t_ben'), 'SA029', NULL, 'an invitation is for its address');
SELECT throws_ok(format('SELECT saas.accept_invitation(%L, %L)', :'t_ben', :'ben'), '42501', NULL, 'the application accepts for nobody else');
RESET ROLE;
SELECT is((SELECT count(*)::integer FROM saas.team_invitations AS i WHERE position(:'t_ben' IN i::text) > 0), 0, 'the token itself is not stored');
SELECT is((SELECT token_hash FROM saas.team_invitations WHERE id = :'i_ben'), sha256(convert_to(:'t_ben', 'UTF8')), 'its SHA-256 is');

-- Ben has no team yet: his session proves who he is.
SELECT saas.clear_context();
SELECT token AS s_ben FROM saas.create_session(:'ben') \gset
SELECT token AS s_eve FROM saas.create_session(:'eve') \gset
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.accept_invitation(%L)', :'t_ben'), '42501', NULL, 'without being signed in nobody accepts');
SELECT throws_ok(format('SELECT saas.accept_invitation(%L, NULL, %L)', :'t_ben', 'ses_0'), 'SA030', NULL, 'nor with a session that is none');
SELECT throws_ok(format('SELECT saas.accept_invitation(%L, NULL, %L)', :'t_ben', :'s_eve'), 'SA029', NULL, 'nor as somebody else');
SELECT is(saas.accept_invitation(:'t_ben', NULL, :'s_ben'), :'red'::uuid, 'the invited user does');
SELECT throws_like(format('SELECT saas.accept_invitation(%L, NULL, %L)', :'t_ben', :'s_ben'), '%accepted already', 'once');
SELECT throws_like(format('SELECT saas.accept_invitation(%L, NULL, %L)', b.token, :'s_eve'), 'the invitation is not valid', 'no token: ' || left(b.token, 20))
FROM (VALUES (''), ('nonsense'), ('инв_⚡'), (repeat('x', 5000000)), ('inv_' || repeat('0', 32) || '_' || repeat('0', 64))) AS b (token);
SELECT throws_ok(format('SELECT saas.accept_invitation(NULL, NULL, %L)', :'s_eve'), 'SA028', NULL, 'nor is NULL');
RESET ROLE;
SELECT is(saas.active_role(:'red', :'ben'), 'admin', 'and has the role of the invitation');

-- Expired, taken back, replaced; for whoever has the token; a suspended member.
SELECT saas.set_context(:'red', :'ben');
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.invite_member(%L, %L, %L)', :'red', 'x@example.com', 'owner'), '42501', NULL, 'an admin invites no owner');
SELECT token AS t_old FROM saas.invite_member(:'red', 'eve@example.com') \gset
SELECT token AS t_eve, invitation_id AS i_eve FROM saas.invite_member(:'red', 'EVE@example.com', 'viewer') \gset
RESET ROLE;
SELECT throws_ok(format('SELECT saas.accept_invitation(%L, %L)', :'t_old', :'eve'), 'SA028', NULL, 'inviting again replaces the token');
UPDATE saas.team_invitations SET expires_at = now() WHERE id = :'i_eve';
SELECT throws_like(format('SELECT saas.accept_invitation(%L, %L)', :'t_eve', :'eve'), '%has expired', 'an expired one is worth nothing');
SELECT saas.revoke_invitation(:'red', :'i_eve');
SELECT throws_like(format('SELECT saas.accept_invitation(%L, %L)', :'t_eve', :'eve'), '%taken back', 'nor is one that was taken back');
SELECT token AS t_any FROM saas.invite_member(:'red', 'list@example.com', p_match_email => false) \gset
SELECT saas.clear_context();
SELECT is(saas.accept_invitation(:'t_any', :'cat'), :'red'::uuid, 'the team may let in whoever has the token, and a backend vouch for them');

-- Who may no longer invite does not come back by an invitation left open.
SELECT saas.create_user('fay@example.com', 'Fay') AS fay, saas.create_user('gus@example.com', 'Gus') AS gus \gset
SELECT saas.set_context(:'red', :'ann');
SELECT saas.add_team_member(:'red', :'fay', 'owner');
SELECT saas.set_context(:'red', :'fay');
SELECT token AS t_owner FROM saas.invite_member(:'red', 'gus@example.com', 'owner') \gset
SELECT token AS t_member FROM saas.invite_member(:'red', 'hal@example.com', p_match_email => false) \gset
SELECT saas.set_context(:'red', :'ann');
SELECT saas.change_team_member(:'red', :'fay', 'admin');
SELECT throws_ok(format('SELECT saas.accept_invitation(%L, %L)', :'t_owner', :'gus'), 'SA028', NULL, 'a former owner''s invitation makes no owner');
SELECT saas.suspend_member(:'red', :'fay');
SELECT throws_ok(format('SELECT saas.accept_invitation(%L, %L)', :'t_member', :'gus'), 'SA028', NULL, 'a suspended member''s lets nobody in');
SELECT saas.reactivate_member(:'red', :'fay');
SELECT is(saas.accept_invitation(:'t_member', :'gus'), :'red'::uuid, 'an admin''s does');
SELECT is(saas.active_role(:'red', :'gus'), 'member', 'as what it says');
SELECT * FROM finish();
ROLLBACK;
