-- At other levels than read committed a deferred child and its parent could miss each other.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT plan(7);
\ir include/payments.sql
SELECT throws_ok($$SELECT pg_temp.deliver('{"id": "evt_1"}')$$, '0A000', NULL, 'no ingestion at repeatable read');
SELECT throws_ok($$SELECT saas.retry_webhook(pg_temp.team(), gen_random_uuid())$$, '0A000', NULL, 'nor another try');
SELECT throws_ok($$SELECT saas.refund_payment(pg_temp.team(), gen_random_uuid(), 1, 'k')$$, '0A000', NULL, 'no refund, which would not see another one');
SELECT throws_ok($$SELECT saas.run_payouts(pg_temp.team(), 'k')$$, '0A000', NULL, 'no payout, which would not see a hold');
SELECT throws_ok($$SELECT saas.submit_dispute(pg_temp.team(), gen_random_uuid(), 'k')$$, '0A000', NULL, 'nor an answer to a dispute');
SELECT is_empty($$SELECT FROM saas.webhook_events WHERE team_id = pg_temp.team()$$, 'nothing is stored');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
