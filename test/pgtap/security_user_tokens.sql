-- Tokens that work once: who gets one, what it opens, and how it ends.
BEGIN;
SELECT no_plan();
SELECT saas.create_user('ann@example.com', 'Ann') AS ann, saas.create_user('bob@example.com', 'Bob') AS bob \gset
SELECT saas.create_team('Red', 'red', :'ann') AS red, saas.create_team('Blue', 'blue', :'bob') AS blue \gset
SET LOCAL saas.password_cost = 4;

SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT saas.issue_user_token('ann@example.com', 'password_reset')$$, '42501', NULL, 'the application issues none: it would read it');
SET LOCAL ROLE saas_service;
SELECT user_id, token, expires_at - now() AS lasts FROM saas.issue_user_token('ANN@example.com', 'password_reset') \gset
SELECT is(:'user_id'::uuid, :'ann'::uuid, 'a token for an address');
SELECT matches(:'token'::text, '^rst_[0-9a-f]{64}$', 'has 256 random bits');
SELECT is(:'lasts'::interval, INTERVAL '1 hour', 'and holds for an hour');
SELECT is_empty($$SELECT * FROM saas.issue_user_token('nobody@example.com', 'password_reset')$$, 'none for an unknown one');
SELECT is_empty('SELECT * FROM saas.issue_user_token(NULL, ''password_reset'')', 'nor for NULL');
SELECT throws_ok(format('SELECT saas.issue_user_token(%L, %L, %L)', 'ann@example.com', b.purpose, b.expires), '22023', NULL, format('refused: %s for %s', b.purpose, b.expires))
FROM (VALUES ('invitation', NULL), (NULL, NULL), ('', NULL), ('magic_link', '0'), ('magic_link', '-1 s'), ('magic_link', '31 days')) AS b (purpose, expires);
RESET ROLE;
SELECT is((SELECT count(*)::integer FROM saas.user_tokens AS t WHERE position(substr(:'token', 5) IN t::text) > 0), 0, 'it is not stored');

-- A new password.
SELECT token AS session FROM saas.create_session(:'ann') \gset
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.reset_password(%L, %L)', b.token, 'correct horse battery'), 'SA127', 'the token is not valid', 'no token: ' || COALESCE(left(b.token, 10), 'NULL'))
FROM (VALUES (''), (NULL), ('rst_x'), (upper(:'token')), (repeat('rst_', 1000000)), ('lnk_' || substr(:'token', 5))) AS b (token);
SELECT throws_ok(format('SELECT saas.sign_in_by_link(%L)', :'token'), 'SA127', 'the token is not valid', 'it opens nothing else');
SELECT throws_ok(format('SELECT saas.verify_email(%L)', :'token'), 'SA127', 'the token is not valid', 'nor proves the address by itself');
SELECT throws_ok(format('SELECT saas.reset_password(%L, %L)', :'token', 'short'), 'SA126', NULL, 'a bad password does not use it up');
SELECT is(saas.reset_password(:'token', 'correct horse battery'), :'ann'::uuid, 'it sets a new password');
SELECT throws_ok(format('SELECT saas.reset_password(%L, %L)', :'token', 'correct horse battery'), 'SA127', 'the token was used already', 'once');
SELECT ok((saas.verify_password('ann@example.com', 'correct horse battery')).accepted, 'which is right');
SELECT is(saas.verify_session(:'session'), NULL, 'and ends sessions');
RESET ROLE;

-- Replaced, expired, taken back, another address.
SELECT token AS first FROM saas.issue_user_token('ann@example.com', 'password_reset') \gset
SELECT token AS other FROM saas.issue_user_token('ann@example.com', 'email_verification') \gset
SELECT token AS second FROM saas.issue_user_token('ann@example.com', 'password_reset') \gset
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.reset_password(%L, %L)', :'first', 'correct horse battery'), 'SA127', 'a newer token or password took the place of this one', 'a newer one takes its place');
SELECT is(saas.verify_email(:'other'), :'ann'::uuid, 'but not that of another purpose');
RESET ROLE;
SELECT is(saas.has_verified_email(:'ann'), true, 'which proves the address');
UPDATE saas.users SET email = 'anna@example.com' WHERE id = :'ann';
SELECT is(saas.has_verified_email(:'ann'), false, 'and not the next one');
SELECT throws_ok(format('SELECT saas.reset_password(%L, %L)', :'second', 'correct horse battery'), 'SA127', 'the token is not valid', 'a token for an address the user no longer has is worth nothing');
UPDATE saas.users SET email = 'ann@example.com' WHERE id = :'ann';
UPDATE saas.user_tokens SET expires_at = now() WHERE token_hash = saas.token_hash(:'second');
SELECT throws_ok(format('SELECT saas.reset_password(%L, %L)', :'second', 'correct horse battery'), 'SA127', 'the token has expired', 'nor an expired one');
SELECT token AS third FROM saas.issue_user_token('ann@example.com', 'password_reset') \gset
SELECT ok((saas.set_password('another good password', p_user => :'ann')).accepted, 'a new password');
SELECT throws_ok(format('SELECT saas.reset_password(%L, %L)', :'third', 'correct horse battery'), 'SA127', NULL, 'takes open tokens back');
SELECT token AS fourth FROM saas.issue_user_token('bob@example.com', 'magic_link') \gset
ALTER TABLE saas.users DISABLE TRIGGER users_20_keep_owned_teams;
UPDATE saas.users SET is_active = false WHERE id = :'bob';
SELECT throws_ok(format('SELECT saas.sign_in_by_link(%L)', :'fourth'), 'SA127', 'the token is not valid', 'a user who is not active signs in by none');
SELECT is_empty($$SELECT * FROM saas.issue_user_token('bob@example.com', 'magic_link')$$, 'nor gets one');
UPDATE saas.users SET is_active = true WHERE id = :'bob';

-- Signing in by a link.
SET LOCAL ROLE saas_app;
SELECT user_id, token AS session FROM saas.sign_in_by_link(:'fourth', p_ip => '192.0.2.1') \gset
SELECT is(:'user_id'::uuid, :'bob'::uuid, 'a link signs in');
SELECT is(saas.verify_session(:'session'), :'bob'::uuid, 'with a session');
SELECT throws_ok(format('SELECT saas.sign_in_by_link(%L)', :'fourth'), 'SA127', 'the token was used already', 'once');
RESET ROLE;

-- Cleaning up keeps what proves an address.
UPDATE saas.user_tokens SET expires_at = now() - INTERVAL '40 days', revoked_at = CASE WHEN used_at IS NULL THEN now() - INTERVAL '31 days' END;
SELECT throws_ok(format('SELECT saas.purge_user_tokens(%L)', i.kept), '22023', NULL, 'purging refuses ' || COALESCE(i.kept, 'NULL')) FROM (VALUES ('-1 day'), (NULL)) AS i (kept);
SELECT cmp_ok(saas.purge_user_tokens(), '>=', 3::bigint, 'long ended tokens are removed');
SELECT is((SELECT count(*)::integer FROM saas.user_tokens WHERE used_at IS NULL), 0, 'all that were not used');
SELECT is(saas.has_verified_email(:'ann'), true, 'and no proof');

-- What roles may not do, and whose they see.
SELECT token AS last FROM saas.issue_user_token('ann@example.com', 'magic_link') \gset
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*)::integer FROM saas.user_tokens WHERE user_id <> :'bob'), 0, 'nobody sees tokens of others');
SELECT throws_ok(s.statement, '42501', NULL, s.statement)
FROM (VALUES ('SELECT token_hash FROM saas.user_tokens'), ('UPDATE saas.user_tokens SET used_at = NULL'), ('INSERT INTO saas.user_tokens (purpose) VALUES (''magic_link'')'),
    ('SELECT saas.take_user_token(''x'', ''magic_link'')'), ('SELECT saas.purge_user_tokens()')) AS s (statement);
SELECT throws_ok(format('SELECT saas.has_verified_email(%L)', :'ann'), '42501', NULL, 'nor asks for them');
RESET ROLE;
SELECT is((SELECT count(*)::integer FROM saas.audit_logs AS l WHERE position(substr(:'last', 5) IN l::text) > 0
    OR position(encode(saas.token_hash(:'last'), 'hex') IN l::text) > 0), 0, 'the audit trail holds neither token nor hash');
SELECT cmp_ok((SELECT count(*) FROM saas.audit_logs AS l WHERE l.table_name = 'saas.user_tokens'), '>', 5::bigint, 'but that there were some');
SELECT * FROM finish();
ROLLBACK;
