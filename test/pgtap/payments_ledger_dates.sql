-- The ledger dates each movement of money by when it happened, not by what else is known of its payment.
BEGIN;
SELECT plan(14);
\ir include/payments.sql
CREATE FUNCTION pg_temp.dates(p_ref text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', t.kind, e.amount, CASE WHEN t.effective_at = now() THEN 'now' ELSE (t.effective_at AT TIME ZONE 'UTC')::date::text END), ', ' ORDER BY t.id)
    FROM saas.payments AS p
    JOIN saas.ledger_transactions AS t ON t.team_id = p.team_id AND t.ref_table = 'payments' AND t.ref_id = p.id
    JOIN saas.ledger_entries AS e ON e.team_id = t.team_id AND e.transaction_id = t.id AND e.amount > 0
    WHERE p.team_id = pg_temp.team() AND p.provider_payment_id = p_ref
$$;
CREATE FUNCTION pg_temp.charge_at(p_id text, p_event text, p_created bigint, p_captured bigint) RETURNS text LANGUAGE sql AS $$
    SELECT (pg_temp.deliver(pg_temp.event(p_event, p_created, jsonb_build_object('id', p_id, 'object', 'charge', 'amount', 1000, 'amount_captured', p_captured,
        'captured', p_captured > 0, 'currency', 'usd', 'status', 'succeeded', 'created', 1700000000)))).outcome
$$;
CREATE FUNCTION pg_temp.refund_at(p_id text, p_charge text, p_event text, p_told bigint, p_created bigint, p_status text) RETURNS text LANGUAGE sql AS $$
    SELECT (pg_temp.deliver(pg_temp.event(p_event, p_told, jsonb_build_object('id', p_id, 'object', 'refund', 'amount', 100, 'currency', 'usd',
        'status', p_status, 'charge', p_charge, 'created', p_created)))).outcome
$$;
CREATE FUNCTION pg_temp.refunds_on(p_at timestamptz) RETURNS numeric LANGUAGE sql AS $$
    SELECT t.balance FROM saas.ledger_trial_balance(pg_temp.team(), p_at) AS t WHERE t.kind = 'refunds'
$$;

-- Events: 1700000000 is 14 November 2023, the refunds are of December, one comes back in January.
SELECT is(pg_temp.charge_at('ch_1', 'evt_1', 1700000000, 1000), 'processed', 'a payment of November');
SELECT is(pg_temp.refund_at('re_1', 'ch_1', 'evt_2', 1702000100, 1702000000, 'pending'), 'processed', 'a refund of December');
SELECT is(pg_temp.refunds_on('2023-12-01Z'), 0::numeric, 'is not in the books of November');
SELECT is(pg_temp.refunds_on('2024-01-01Z'), 100::numeric, 'but in those of December');
SELECT is(pg_temp.refund_at('re_1', 'ch_1', 'evt_3', 1705000000, 1702000000, 'failed'), 'processed', 'it comes back');
SELECT is(pg_temp.dates('ch_1'), 'capture 1000 2023-11-14, refund 100 2023-12-08, refund_returned 100 2024-01-11', 'in January');
SELECT is(pg_temp.refund_at('re_2', 'ch_2', 'evt_5', 1702000100, 1702000000, 'succeeded'), 'deferred', 'a refund that comes before its payment');
SELECT is(pg_temp.charge_at('ch_2', 'evt_4', 1700000000, 1000), 'processed', 'which then comes');
SELECT is(pg_temp.dates('ch_2'), 'capture 1000 2023-11-14, refund 100 2023-12-08', 'has the date it would have had after it');

-- What we asked for and the provider has answered happened now, however old the authorisation is.
SELECT is(pg_temp.charge_at('ch_3', 'evt_6', 1700000000, 0), 'processed', 'an authorisation of November');
SELECT p.id AS payment FROM saas.payments AS p WHERE p.team_id = pg_temp.team() AND p.provider_payment_id = 'ch_3' \gset
SELECT saas.available_for_payout(pg_temp.team(), 'stripe', 'USD', '7 days') AS available \gset
SELECT saas.capture_payment(pg_temp.team(), :'payment', 600, 'capture') \g /dev/null
SELECT saas.complete_provider_request(r.team_id, r.id, r.attempts, 'succeeded', '{}') FROM saas.claim_provider_requests('stripe', 1000, 'w') AS r WHERE r.team_id = pg_temp.team() \g /dev/null
SELECT is(pg_temp.dates('ch_3'), 'capture 600 now', 'is captured today');
SELECT is(saas.available_for_payout(pg_temp.team(), 'stripe', 'USD', '7 days'), :available::numeric, 'and waits for the payout''s delay from today on');
SELECT saas.refund_payment(pg_temp.team(), :'payment', 50, 'refund') \g /dev/null
SELECT is(pg_temp.dates('ch_3'), 'capture 600 now, refund 50 now', 'and refunded today');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
