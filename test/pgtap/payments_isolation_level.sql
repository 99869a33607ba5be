-- At repeatable read a deferred child and its parent could miss each other.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT plan(2);
\ir include/payments.sql
SELECT throws_ok($$SELECT pg_temp.deliver('{"id": "evt_1"}')$$, '0A000', NULL, 'no ingestion at repeatable read');
SELECT is_empty($$SELECT FROM saas.webhook_events WHERE team_id = pg_temp.team()$$, 'nothing is stored');
SELECT * FROM finish();
ROLLBACK;
