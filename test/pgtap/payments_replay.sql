-- Applying stored events again, and what is unknown of what came.
BEGIN;
SELECT plan(26);
\ir include/payments.sql
\ir include/provider_events.sql
SELECT pg_temp.deliver(pg_temp.event('evt_1', 100, pg_temp.charge('ch_1', NULL, 'succeeded', true)));
-- States and events that the map does not know yet.
DELETE FROM saas.provider_status_map WHERE provider = 'square' AND (provider_status = 'COMPLETED' OR provider_status = 'refund.updated');
SELECT is((pg_temp.send('square', pg_temp.render('square', 'refund', 're1', 'sq1', 'pending', NULL, 300, 120, 'S2'), 'S2')).detail, 'the type of event is unknown', 'an event of an unknown type is kept');
SELECT is((SELECT d.outcome FROM pg_temp.send('square', jsonb_set(pg_temp.render('square', 'payment', 'sq1', NULL, 'authorized', NULL, 800, 100, 'S1'), '{data,object,payment,status}', '"COMPLETED"'), 'S1') AS d), 'failed', 'one of an unknown state fails');
SELECT is((SELECT d.outcome FROM pg_temp.send('square', jsonb_set(pg_temp.render('square', 'payment', 'sq2', NULL, 'authorized', NULL, 800, 100, 'S3'), '{data,object,payment,new_member}', '1'), 'S3') AS d), 'processed', 'an unknown member does no harm');
SELECT pg_temp.send('square', '{"event_id": "S4", "type": "teleport.created"}', 'S4');

-- What is unknown is seen by the team alone.
SET LOCAL ROLE saas_app;
SELECT results_eq(
    $$SELECT u.provider, u.event_type, u.events FROM saas.webhook_unknown_events AS u ORDER BY 2$$,
    $$VALUES ('square', 'refund.updated', 1::bigint), ('square', 'teleport.created', 1)$$, 'unknown types are counted');
SELECT results_eq(
    $$SELECT u.provider, u.object, u.key, u.events FROM saas.webhook_unknown_keys AS u WHERE u.provider = 'square'$$,
    $$VALUES ('square', 'payment', 'new_member', 1::bigint)$$, 'so are unknown members');
SELECT is((SELECT e.payload #>> '{data,object,payment,id}' FROM saas.webhook_unknown_keys AS u JOIN saas.webhook_events AS e ON e.team_id = u.team_id AND e.id = u.example_id WHERE u.key = 'new_member'), 'sq2', 'with an example');
RESET ROLE;
SELECT saas.set_context(saas.create_team('Other', 'other-' || left(gen_random_uuid()::text, 8), owner), owner) FROM fixture;
SET LOCAL ROLE saas_app;
SELECT is_empty('SELECT FROM saas.webhook_unknown_events', 'another team sees none');
SELECT is_empty('SELECT FROM saas.webhook_unknown_keys', 'nor members');
SELECT throws_ok($$SELECT * FROM saas.replay_webhooks(pg_temp.team())$$, '42501', NULL, 'people replay nothing');
RESET ROLE;
SET LOCAL ROLE saas_analyst;
SELECT lives_ok('SELECT * FROM saas.webhook_unknown_events', 'analysts see types');
SELECT throws_ok('SELECT * FROM saas.webhook_unknown_keys', '42501', NULL, 'but no bodies');
RESET ROLE;
SELECT saas.set_context(team, owner) FROM fixture;

-- A filter that makes no sense.
SELECT throws_ok(format('SELECT * FROM saas.replay_webhooks(pg_temp.team(), %L)', f.filter), 'SA057', NULL, 'no filter: ' || f.filter)
FROM (VALUES ('[]'), ('{"state": "failed"}'), ('{"from": "yesterday"}'), ('{"limit": 0}'), ('{"provider": 1}')) AS f (filter);

-- Mapped, they are applied.
INSERT INTO saas.provider_status_map (provider, object, provider_status, machine, state)
VALUES ('square', 'payment', 'COMPLETED', 'payment', 'paid'), ('square', 'refund', 'COMPLETED', 'refund', 'succeeded'), ('square', 'event', 'refund.updated', 'refund', 'object');
CREATE TEMPORARY TABLE before ON COMMIT DROP AS SELECT pg_temp.rows_made() AS rows;
CREATE TEMPORARY TABLE tried ON COMMIT DROP AS SELECT r.* FROM saas.replay_webhooks(pg_temp.team(), '{"provider": "square"}') AS r;
SELECT is(pg_temp.rows_made(), (SELECT rows FROM before), 'a dry run changes nothing');
SELECT is((SELECT e.status FROM saas.webhook_events AS e WHERE e.team_id = pg_temp.team() AND e.provider_event_id = 'S1'), 'failed', 'nor the events');
CREATE TEMPORARY TABLE done ON COMMIT DROP AS SELECT r.* FROM saas.replay_webhooks(pg_temp.team(), '{"provider": "square", "status": ["failed", "ignored"]}', false) AS r;
SELECT results_eq(
    $$SELECT d.table_name, d.operation, count(*), bool_and(d.before IS NULL), bool_and(d.after IS NULL) FROM done AS d GROUP BY 1, 2 ORDER BY 1, 2$$,
    $$VALUES ('saas.ledger_transactions', 'insert', 2::bigint, true, false), ('saas.payment_transactions', 'insert', 3, true, false), ('saas.payments', 'insert', 1, true, false),
        ('saas.refunds', 'insert', 1, true, false), ('saas.webhook_events', 'update', 2, false, false)$$, 'the changes are told row by row');
SELECT results_eq(
    $$SELECT t.table_name, t.operation, t.before, t.after - '{id,payment_id,created_at,updated_at,ref_id}'::text[] FROM tried AS t ORDER BY 1, 2, 4$$,
    $$SELECT d.table_name, d.operation, d.before, d.after - '{id,payment_id,created_at,updated_at,ref_id}'::text[] FROM done AS d ORDER BY 1, 2, 4$$,
    'the dry run said the same');
SELECT is((SELECT d.after ->> 'amount_refunded' FROM done AS d WHERE d.table_name = 'saas.payments'), '300', 'a row that changed twice is told once');
SELECT results_eq(
    $$SELECT d.before ->> 'status', d.after ->> 'status' FROM done AS d WHERE d.table_name = 'saas.webhook_events' ORDER BY 1$$,
    $$VALUES ('failed', 'processed'), ('ignored', 'processed')$$, 'the events with their statuses');
SELECT is_empty($$SELECT * FROM saas.replay_webhooks(pg_temp.team(), '{}', false)$$, 'again, nothing changes');
SELECT is((SELECT count(*) FROM saas.webhook_events AS e WHERE e.team_id = pg_temp.team() AND e.status = 'processed'), 4::bigint, 'what was applied stays so');
SELECT is_empty($$SELECT * FROM saas.replay_webhooks(gen_random_uuid(), '{}', false)$$, 'of another team there is nothing');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
