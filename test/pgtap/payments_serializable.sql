-- A serializable transaction overlooks what others commit after it began, so webhooks are refused there.
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT plan(3);
\ir include/payments.sql
SELECT throws_ok($$SELECT pg_temp.deliver('{"id": "evt_1"}')$$, '0A000', NULL, 'no ingestion at serializable');
SELECT is_empty($$SELECT FROM saas.webhook_events WHERE team_id = pg_temp.team()$$, 'nothing is stored');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
