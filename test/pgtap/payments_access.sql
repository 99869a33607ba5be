-- Who may do what with the payment tables: denials next to permissions.
BEGIN;
SELECT plan(24);
\ir include/payments.sql
SELECT pg_temp.deliver(pg_temp.event('evt_1', 1, pg_temp.intent('pi_1', 'succeeded')));
SELECT pg_temp.deliver(pg_temp.event('evt_2', 1, pg_temp.charge('ch_1', 'pi_1', 'succeeded', true)));
SELECT pg_temp.deliver(pg_temp.event('evt_3', 1, pg_temp.refund('re_1', 'ch_1', 10, 'succeeded')));
CREATE TEMPORARY TABLE other ON COMMIT DROP AS
SELECT saas.create_team('Other', 'other-' || left(gen_random_uuid()::text, 8), owner) AS team, owner FROM fixture;
GRANT SELECT ON other TO PUBLIC;

SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*) FROM saas.payments), 1::bigint, 'a member sees the payments of the team');
SELECT is((SELECT count(*) FROM saas.payment_intents), 1::bigint, 'and the intents');
SELECT is((SELECT count(*) FROM saas.refunds), 1::bigint, 'and the refunds');
SELECT is((SELECT count(*) FROM saas.payment_transactions), 3::bigint, 'and the operations');
SELECT is((SELECT count(payload) FROM saas.webhook_events), 3::bigint, 'and the deliveries with their bodies');
SELECT is((SELECT display_name FROM saas.payment_providers), 'Stripe', 'and the providers');
SELECT throws_ok('SELECT webhook_secrets FROM saas.payment_providers', '42501', NULL, 'but not their secrets');
SELECT throws_ok('UPDATE saas.payments SET amount_refunded = 0', '42501', NULL, 'and changes nothing by hand');
SELECT throws_ok('DELETE FROM saas.webhook_events', '42501', NULL, 'nor deletes');
SELECT throws_ok($$SELECT saas.ingest_webhook(pg_temp.team(), 'stripe', '{}', '{}')$$, '42501', NULL, 'nor ingests');
SELECT throws_ok($$SELECT saas.apply_stripe_event(pg_temp.team(), '{}', 'evt')$$, '42501', NULL, 'nor applies events');
SELECT throws_ok($$SELECT saas.verify_webhook('stripe', '{}', '', NULL, '{}', now())$$, '42501', NULL, 'nor verifies');
SELECT throws_ok($$SELECT saas.retry_webhook(pg_temp.team(), gen_random_uuid())$$, '42501', NULL, 'nor tries again');
SELECT throws_ok(
    $$SELECT saas.configure_payment_provider((SELECT team FROM other), 'stripe')$$, '42501', NULL,
    'nor sets up the providers of another team'
);

SET LOCAL ROLE saas_analyst;
SELECT is((SELECT sum(amount) FROM saas.payments)::bigint, 1000::bigint, 'an analyst sees amounts');
SELECT throws_ok('SELECT card_last4 FROM saas.payments', '42501', NULL, 'but no card');
SELECT throws_ok('SELECT payload FROM saas.webhook_events', '42501', NULL, 'no body');
SELECT throws_ok('SELECT attributes FROM saas.payment_intents', '42501', NULL, 'no attributes');
SELECT throws_ok('SELECT webhook_secrets FROM saas.payment_providers', '42501', NULL, 'and no secrets');

RESET ROLE;
SELECT saas.set_context(team, owner) FROM other;
SET LOCAL ROLE saas_app;
SELECT is_empty('SELECT FROM saas.payments', 'another team sees no payment');
SELECT is_empty('SELECT FROM saas.webhook_events', 'and no delivery');
SELECT is((SELECT count(*) FROM saas.currencies WHERE code = 'USD'), 1::bigint, 'though currencies are for all');
SET LOCAL ROLE saas_anonymous;
SELECT throws_ok('SELECT FROM saas.payments', '42501', NULL, 'the anonymous role has no rights');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
