-- Requests through their states: asked for, checked, extended, taken back, refused, held, run in pieces.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SELECT saas.create_user('carl@example.org', 'Carl Gauss') AS carl, saas.create_user('dora@example.org', 'Dora Staff') AS dora \gset
SELECT saas.set_platform_role(:'dora', 'admin') \g /dev/null
SELECT saas.set_context(:'red', :'ann'), saas.add_team_member(:'red', :'carl'), saas.add_team_member(:'red', :'dora') \g /dev/null
SELECT saas.set_context(:'red', :'carl'), count(saas.create_notification(:'red', :'carl', 'No. ' || n)) FROM generate_series(1, 25) AS n \g /dev/null

-- The person asks; only they see it.
SET LOCAL ROLE saas_app;
SELECT saas.request_user_deletion(:'carl', 'I leave') AS request \gset
SELECT throws_ok(format('SELECT saas.request_user_deletion(%L, %L)', :'carl', 'again'), 'SA152', NULL, 'one request at a time');
SELECT throws_ok(format('SELECT saas.request_user_deletion(%L, %L)', :'bob', 'x'), '42501', NULL, 'nobody asks for another');
SELECT throws_ok(format('SELECT saas.request_user_deletion(%L, %L)', :'carl', ''), '23514', NULL, 'a reason is given');
SELECT throws_ok(format('SELECT saas.request_user_deletion(%L, %L, %L)', :'carl', 'x', 'burn'), '22023', NULL, 'and a mode that exists');
SELECT results_eq('SELECT status, due_at = now() + INTERVAL ''1 month'' FROM saas.user_deletion_requests', $$VALUES ('requested', true)$$, 'due within a month');
SELECT throws_ok('SELECT subject_hash FROM saas.user_deletion_requests', '42501', NULL, 'columns for workers are for workers');
SELECT throws_ok(format('SELECT saas.verify_deletion_identity(%L, %L)', :'request', 'it is me'), '42501', NULL, 'nobody checks their own identity');
SELECT throws_ok(format('SELECT * FROM saas.run_deletion_request(%L)', :'request'), '42501', NULL, 'nor runs the request');
SELECT throws_ok(format('SELECT saas.reject_deletion_request(%L, %L)', :'request', 'no'), '42501', NULL, 'nor refuses it');
SELECT throws_ok(format('SELECT saas.place_legal_hold(%L, %L, %L)', :'carl', 'x', 'y'), '42501', NULL, 'nor holds anything');
SELECT throws_ok('SELECT * FROM saas.legal_holds', '42501', NULL, 'nor sees holds');
RESET ROLE;
SELECT saas.set_context(:'blue', :'bob') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*) FROM saas.user_deletion_requests), 0::bigint, 'an owner of another team sees nothing of it');
SELECT throws_ok(format('SELECT saas.cancel_deletion_request(%L, %L)', :'request', 'x'), '42501', NULL, 'and takes nothing back');
SELECT throws_ok('SELECT saas.cancel_deletion_request(NULL, NULL)', '42501', NULL, 'nor what is not there');
RESET ROLE;

-- Staff of the platform checks and extends.
SELECT saas.set_context(:'red', :'dora') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.extend_deletion_request(%L, now() + INTERVAL %L, %L)', :'request', '4 months', 'many'), '22023', NULL, 'three months at most');
SELECT throws_ok(format('SELECT saas.extend_deletion_request(%L, now() + INTERVAL %L, NULL)', :'request', '2 months'), '22023', NULL, 'with a reason');
SELECT lives_ok(format('SELECT saas.extend_deletion_request(%L, now() + INTERVAL %L, %L)', :'request', '2 months', 'many requests'), 'then it is extended');
SELECT throws_ok(format('SELECT saas.verify_deletion_identity(%L, %L, INTERVAL %L)', :'request', 'passport', '1 year'), '22023', NULL, 'a grace period is no year');
SELECT throws_ok(format('SELECT saas.verify_deletion_identity(%L, %L)', :'request', ''), '22023', NULL, 'a check says how it was made');
SELECT is(saas.verify_deletion_identity(:'request', 'signed in and confirmed by mail', INTERVAL '3 days'), now() + INTERVAL '3 days', 'the identity is checked');
SELECT throws_ok(format('SELECT saas.verify_deletion_identity(%L, %L)', :'request', 'twice'), 'SA152', NULL, 'once');
SELECT throws_ok(format('SELECT saas.gdpr_export_user_data(%L)', :'carl'), '42501', NULL, 'staff does not read the data');
SELECT throws_ok(format('SELECT * FROM saas.run_deletion_request(%L)', :'request'), '42501', NULL, 'nor runs the request');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null
SET LOCAL ROLE saas_service;
SELECT throws_ok(format('SELECT * FROM saas.run_deletion_request(%L)', :'request'), 'SA152', 'the grace period has not passed', 'a worker waits for the grace period');
SELECT throws_ok(format('SELECT * FROM saas.run_deletion_request(%L, 0)', :'request'), '22023', NULL, 'a batch has rows');
SELECT throws_ok('SELECT * FROM saas.run_deletion_request(NULL)', 'P0002', NULL, 'nothing is no request');
SELECT is_empty('SELECT * FROM saas.process_deletion_requests()', 'nothing is due');
RESET ROLE;

-- Taken back, and asked for again.
SELECT saas.set_context(:'red', :'carl') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT lives_ok(format('SELECT saas.cancel_deletion_request(%L, %L)', :'request', 'I stay'), 'the person takes it back');
SELECT throws_ok(format('SELECT saas.cancel_deletion_request(%L, %L)', :'request', 'again'), 'SA152', NULL, 'once');
SELECT saas.request_user_deletion(:'carl', 'after all') AS request \gset
RESET ROLE;
SELECT saas.clear_context() \g /dev/null
SELECT saas.verify_deletion_identity(:'request', 'letter', INTERVAL '0') \g /dev/null
SELECT throws_ok(format('UPDATE saas.user_deletion_requests SET status = %L WHERE id = %L', 'completed', :'request'), 'SA070', NULL, 'states follow the machine');
SELECT throws_ok(format('UPDATE saas.user_deletion_requests SET due_at = now() + INTERVAL %L WHERE id = %L', '1 year', :'request'), 'SA071', NULL, 'the date it is due stays');

-- Held, then released.
SELECT saas.place_legal_hold(:'carl', 'case 4711', 'GDPR Art. 17(3)(e)') AS hold \gset
SELECT is((SELECT status FROM saas.run_deletion_request(:'request')), 'blocked', 'a hold blocks it');
SELECT matches((SELECT status_reason FROM saas.user_deletion_requests WHERE id = :'request'), '^SA151: ', 'and is the reason');
SELECT is((SELECT status FROM saas.run_deletion_request(:'request')), 'blocked', 'as long as it lasts');
SELECT throws_ok(format('SELECT * FROM saas.gdpr_delete_user_data(%L)', :'carl'), 'SA151', NULL, 'the short way is no way around');
SELECT is((SELECT count(*) FROM saas.notifications WHERE user_id = :'carl'), 25::bigint, 'nothing has gone');
SELECT lives_ok(format('SELECT saas.release_legal_hold(%L)', :'hold'), 'it is released');
SELECT throws_ok(format('SELECT saas.release_legal_hold(%L)', :'hold'), 'P0002', NULL, 'once');
SELECT saas.place_legal_hold(:'carl', 'case 4712', 'claims', now() + INTERVAL '1 second') AS hold \gset
UPDATE saas.legal_holds SET placed_at = now() - INTERVAL '1 hour', ends_at = now() WHERE id = :'hold';

-- In pieces: ten rows a call, and a hold in the middle.
SELECT is((SELECT status FROM saas.run_deletion_request(:'request', 10, 0)), 'running', 'a hold that has ended does not hold; a call works for its time');
CREATE TEMPORARY TABLE calls (n integer, status text, remaining bigint);
INSERT INTO calls SELECT n, r.status, r.remaining FROM generate_series(1, 4) AS n CROSS JOIN LATERAL (SELECT * FROM saas.run_deletion_request(:'request', 10, n - n)) AS r;
SELECT ok(min(c.remaining) < max(c.remaining) AND bool_and(c.status = 'running'), 'each call goes on') FROM calls AS c;
SELECT saas.place_legal_hold(:'carl', 'case 4713', 'claims') AS hold \gset
SELECT is((SELECT status FROM saas.run_deletion_request(:'request', 10, 0)), 'blocked', 'a hold stops it in the middle');
SELECT saas.release_legal_hold(:'hold') \g /dev/null
SELECT is((SELECT status FROM saas.run_deletion_request(:'request', 10)), 'erased', 'afterwards it comes to its end');
SELECT is((SELECT count(*) FROM saas.notifications WHERE user_id = :'carl') + (SELECT count(*) FROM saas.users WHERE id = :'carl'), 0::bigint, 'everything is gone');
SELECT is((SELECT done FROM saas.erasure_steps WHERE request_id = :'request' AND table_name = 'saas.notifications'), 25::bigint, 'every row was counted once');

-- Something of him comes back before the certificate is signed.
SELECT saas.create_user('x@example.com', 'written by carl@example.org') AS other \gset
SELECT is(saas.complete_deletion_request(:'request') #>> '{verification,residual,0,column}', 'display_name', 'the search finds what is left');
SELECT results_eq(format('SELECT status, status_reason LIKE %L FROM saas.user_deletion_requests WHERE id = %L', 'erased values were found:%', :'request'), $$VALUES ('erased', true)$$, 'and the request stays open');
UPDATE saas.users SET display_name = NULL WHERE id = :'other';
SELECT is_empty('SELECT * FROM saas.process_deletion_requests()', 'whoever works on all requests does not read the whole database for it every time');
SELECT is(saas.complete_deletion_request(:'request') #> '{verification,residual}', '[]'::jsonb, 'once it is gone the request is completed');
SELECT is(saas.verify_erasure_certificate(certificate), true, 'with a certificate') FROM saas.user_deletion_requests WHERE id = :'request';
SELECT is((SELECT status FROM saas.run_deletion_request(:'request')), 'completed', 'running it again changes nothing');
SELECT is_empty('SELECT * FROM saas.process_deletion_requests()', 'nothing is left to do');

-- Refused.
SELECT saas.request_user_deletion(:'suspended', 'please') AS request \gset
SELECT throws_ok(format('SELECT saas.reject_deletion_request(%L, NULL)', :'request'), '22023', NULL, 'a refusal has a reason');
SELECT lives_ok(format('SELECT saas.reject_deletion_request(%L, %L)', :'request', 'identity not proven'), 'then it is one');
SELECT throws_ok('SELECT saas.request_user_deletion(gen_random_uuid(), ''x'')', 'P0002', NULL, 'nobody is no user');
SELECT * FROM finish();
ROLLBACK;
