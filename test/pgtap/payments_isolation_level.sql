-- At other levels than read committed a deferred child and its parent could miss each other.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT plan(4);
\ir include/payments.sql
SELECT throws_ok($$SELECT pg_temp.deliver('{"id": "evt_1"}')$$, '0A000', NULL, 'no ingestion at repeatable read');
SELECT throws_ok($$SELECT saas.retry_webhook(pg_temp.team(), gen_random_uuid())$$, '0A000', NULL, 'nor another try');
SELECT is_empty($$SELECT FROM saas.webhook_events WHERE team_id = pg_temp.team()$$, 'nothing is stored');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
