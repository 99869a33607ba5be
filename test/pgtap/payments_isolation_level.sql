-- At other levels than read committed a deferred child and its parent could miss each other.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT plan(2);
\ir include/payments.sql
SELECT throws_ok($$SELECT pg_temp.deliver('{"id": "evt_1"}')$$, '0A000', NULL, 'no ingestion at repeatable read');
SELECT throws_ok($$SELECT saas.retry_webhook(pg_temp.team(), gen_random_uuid())$$, '0A000', NULL, 'nor another try');
SELECT * FROM finish();
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT plan(2);
\ir include/payments.sql
SELECT throws_ok($$SELECT pg_temp.deliver('{"id": "evt_1"}')$$, '0A000', NULL, 'nor at serializable');
SELECT is_empty($$SELECT FROM saas.webhook_events WHERE team_id = pg_temp.team()$$, 'nothing is stored');
SELECT * FROM finish();
ROLLBACK;
