-- What providers take: read from the events of each that tells it, posted once, the same in any order.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
\ir include/provider_events.sql
CREATE FUNCTION pg_temp.fees(p_provider text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', f.provider_reference, f.kind, f.amount, f.currency), ', ' ORDER BY f.provider_reference, f.kind)
    FROM saas.payment_fees AS f WHERE f.team_id = pg_temp.team() AND f.provider = p_provider
$$;
CREATE FUNCTION pg_temp.taken(p_provider text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(t.balance || ' ' || t.currency, ', ' ORDER BY t.currency) FROM saas.ledger_trial_balance(pg_temp.team()) AS t
    WHERE t.kind = 'provider_fees' AND t.provider = p_provider AND t.balance <> 0
$$;
-- Delivers events in this order, and answers with outcomes, fees and what the ledger says was taken; takes it back.
CREATE FUNCTION pg_temp.after(p_provider text, VARIADIC p_events jsonb[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_event jsonb;
    v_outcomes text := '';
BEGIN
    FOREACH v_event IN ARRAY p_events LOOP
        v_outcomes := concat_ws(' ', NULLIF(v_outcomes, ''), (pg_temp.send(p_provider, v_event - 'as', COALESCE(v_event ->> 'as', v_event ->> 'id', v_event ->> 'event_id'))).outcome);
    END LOOP;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = concat(
        CASE WHEN v_outcomes ~ 'failed|rejected|ignored' THEN v_outcomes || ' ' || (SELECT string_agg(e.reason, '; ') FROM saas.webhook_events AS e WHERE e.team_id = pg_temp.team() AND e.status = 'failed') || ' | ' END,
        pg_temp.fees(p_provider), ' | ', pg_temp.taken(p_provider), (SELECT ' unproved ' || count(*) FROM saas.ledger_proof AS l WHERE l.team_id = pg_temp.team() HAVING count(*) > 0));
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
    RETURN SQLERRM;
END
$$;
CREATE FUNCTION pg_temp.with_object(p_payload jsonb, p_path text[], p_more jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_set(p_payload, p_path, p_payload #> p_path || p_more)
$$;

-- Stripe: the balance transaction where the application has expanded it, and what a platform takes.
CREATE FUNCTION pg_temp.stripe(p_id text, p_at bigint, p_more jsonb, p_captured boolean DEFAULT true) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.event(p_id, p_at, pg_temp.charge('ch_1', NULL, 'succeeded', p_captured, p_more))
$$;
SELECT is(pg_temp.after('stripe', pg_temp.stripe('e1', 100, '{"balance_transaction": "txn_1", "application_fee": null, "application_fee_amount": 100}')), ' | ', 'Stripe: an identifier tells no fee, nor does one that is not collected');
SELECT is(pg_temp.after('stripe', pg_temp.stripe('e1', 100, '{"balance_transaction": {"id": "txn_1", "fee": 59, "currency": "eur", "fee_details": [{"type": "stripe_fee", "amount": 59}]}}')),
    'ch_1 processing 59 EUR | 59 EUR', 'Stripe: the fee of the balance transaction, in its own currency');
SELECT is(pg_temp.after('stripe', pg_temp.stripe('e1', 100, '{"application_fee": "fee_1", "application_fee_amount": 100,
        "balance_transaction": {"fee": 159, "currency": "usd", "fee_details": [{"type": "stripe_fee", "amount": 59}, {"type": "application_fee", "amount": 100}]}}')),
    'ch_1 application 100 USD, ch_1 processing 59 USD | 159 USD', 'Stripe: what a platform takes counts once');
SELECT is(pg_temp.after('stripe', pg_temp.stripe('e1', 100, '{"application_fee": "fee_1", "application_fee_amount": 100, "transfer_data": {"destination": "acct_1"}}')), ' | ', 'Stripe: of a destination charge it is the platform''s income');
SELECT is(pg_temp.after('stripe', pg_temp.stripe('e1', 100, '{"currency": "isk", "amount": 100000, "amount_captured": 100000, "balance_transaction": {"fee": 5900, "currency": "isk"}}')),
    'ch_1 processing 59 ISK | 59 ISK', 'Stripe: counted as Stripe counts');
SELECT is(pg_temp.after('stripe', pg_temp.stripe('e1', 100, '{}'), pg_temp.event('e2', 110, pg_temp.refund('re_1', 'ch_1', 300, 'succeeded', '{"balance_transaction": {"fee": -20, "currency": "usd"}}')),
        pg_temp.event('e3', 120, pg_temp.payout('po_1', 500, 'paid', '{"balance_transaction": {"fee": 25, "currency": "usd"}}'))),
    'po_1 transfer 25 USD, re_1 processing -20 USD | 5 USD', 'Stripe: given back with a refund, taken of a payout');
SELECT is(pg_temp.after('stripe', pg_temp.stripe('e1', 100, '{"balance_transaction": {"fee": "59", "currency": "usd"}}')), 'failed an amount is missing or not a number |  | ', 'Stripe: a fee that makes no sense fails the event');
SELECT is(pg_temp.after('stripe', pg_temp.stripe('e1', 100, '{"balance_transaction": {"fee": 1.5, "currency": "usd"}}')), 'failed an amount is not a whole, non-negative number of minor units |  | ', 'nor does a part of a cent');

-- PayPal.
CREATE FUNCTION pg_temp.paypal(p_kind text, p_ref text, p_parent text, p_state text, p_at bigint, p_more jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.with_object(pg_temp.render('paypal', p_kind, p_ref, p_parent, p_state, NULL, 1000, p_at, p_ref || p_at), '{resource}', p_more)
$$;
SELECT is(pg_temp.after('paypal', pg_temp.paypal('payment', 'cap1', NULL, 'paid', 100, '{"status": "COMPLETED", "seller_receivable_breakdown": {"gross_amount": {"currency_code": "USD", "value": "10.00"},
        "paypal_fee": {"currency_code": "USD", "value": "0.59"}, "platform_fees": [{"amount": {"currency_code": "USD", "value": "0.30"}}, {"amount": {"currency_code": "USD", "value": "0.20"}}]}}')),
    'cap1 application 50 USD, cap1 processing 59 USD | 109 USD', 'PayPal: its fee and those of platforms');
SELECT is(pg_temp.after('paypal', pg_temp.paypal('payment', 'cap1', NULL, 'paid', 100, '{"status": "PARTIALLY_REFUNDED", "seller_receivable_breakdown": {"paypal_fee": {"currency_code": "USD", "value": "0.59"}, "paypal_fee_in_receivable_currency": {"currency_code": "EUR", "value": "0.50"}}}')),
    'cap1 processing 50 EUR | 50 EUR', 'PayPal: in the currency in which it is taken');
SELECT is(pg_temp.after('paypal', pg_temp.paypal('payment', 'cap1', NULL, 'pending', 100, '{"seller_receivable_breakdown": {"paypal_fee": {"currency_code": "USD", "value": "0.59"}}}')), ' | ', 'PayPal: none of what is pending');
SELECT is(pg_temp.after('paypal', pg_temp.paypal('payment', 'cap1', NULL, 'paid', 100, '{}'), pg_temp.paypal('refund', 're1', 'cap1', 'succeeded', 110,
        '{"status": "COMPLETED", "amount": {"currency_code": "USD", "value": "3.00"}, "seller_payable_breakdown": {"paypal_fee": {"currency_code": "USD", "value": "0.09"}, "platform_fees": [{"amount": {"currency_code": "USD", "value": "0.10"}}]}}')),
    're1 application -10 USD, re1 processing -9 USD | -19 USD', 'PayPal: given back with a refund');
SELECT is(pg_temp.after('paypal', pg_temp.with_object(pg_temp.paypal('payment', 'sale1', NULL, 'paid', 100, '{"state": "completed", "status": null, "transaction_fee": {"currency": "USD", "value": "0.59"}}') || '{"resource_type": "sale"}', '{resource}', '{}')),
    'sale1 processing 59 USD | 59 USD', 'PayPal: of a sale of the first version');
SELECT is(pg_temp.after('paypal', pg_temp.paypal('payout', 'po1', NULL, s.state, 100, jsonb_build_object('transaction_status', s.status, 'payout_item_fee', '{"currency": "USD", "value": "0.25"}'::jsonb))), s.fees, 'PayPal: of a payout that is ' || s.status)
FROM (VALUES ('paid', 'SUCCESS', 'po1 transfer 25 USD | 25 USD'), ('failed', 'FAILED', 'po1 transfer 0 USD | ')) AS s (state, status, fees);

-- Square: told later, adjusted later, given back.
CREATE FUNCTION pg_temp.square(p_kind text, p_ref text, p_parent text, p_state text, p_at bigint, p_more jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.with_object(pg_temp.render('square', p_kind, p_ref, p_parent, p_state, NULL, 1000, p_at, p_ref || p_at), ARRAY['data', 'object', p_kind], p_more)
$$;
CREATE TEMPORARY TABLE told ON COMMIT DROP AS
SELECT pg_temp.square('payment', 'sq1', NULL, 'paid', 100, '{}') AS paid,
    pg_temp.square('payment', 'sq1', NULL, 'paid', 200, '{"processing_fee": [{"type": "INITIAL", "amount_money": {"amount": 36, "currency": "USD"}}], "app_fee_money": {"amount": 10, "currency": "USD"}}') AS initial,
    pg_temp.square('payment', 'sq1', NULL, 'paid', 300, '{"processing_fee": [{"type": "INITIAL", "amount_money": {"amount": 36, "currency": "USD"}}, {"type": "ADJUSTMENT", "amount_money": {"amount": -6, "currency": "USD"}}], "app_fee_money": {"amount": 10, "currency": "USD"}}') AS adjusted,
    pg_temp.square('refund', 'sqr1', 'sq1', 'succeeded', 400, '{"amount_money": {"amount": 500, "currency": "USD"}, "processing_fee": [{"type": "INITIAL", "amount_money": {"amount": -15, "currency": "USD"}}], "app_fee_money": {"amount": 5, "currency": "USD"}}') AS refunded;
SELECT is(pg_temp.after('square', t.paid), ' | ', 'Square: none is told yet') FROM told AS t;
SELECT is(pg_temp.after('square', t.paid, t.initial), 'sq1 application 10 USD, sq1 processing 36 USD | 46 USD', 'Square: it comes later') FROM told AS t;
SELECT is(
    pg_temp.after('square', VARIADIC o.events), 'sq1 application 10 USD, sq1 processing 30 USD, sqr1 application -5 USD, sqr1 processing -15 USD | 20 USD', 'Square: adjusted and given back, order ' || o.n)
FROM told AS t, LATERAL (VALUES
    (1, ARRAY[t.paid, t.initial, t.adjusted, t.refunded]), (2, ARRAY[t.refunded, t.adjusted, t.initial, t.paid]),
    (3, ARRAY[t.adjusted, t.paid, t.refunded, t.adjusted, t.initial]), (4, ARRAY[t.initial, t.refunded, t.initial, t.paid, t.adjusted, t.refunded])) AS o (n, events);
SELECT is(pg_temp.after('square', pg_temp.square('payment', 'sq1', NULL, 'authorized', 100, '{"app_fee_money": {"amount": 10, "currency": "USD"}}')), ' | ', 'Square: what an application will take is not taken yet');
SELECT is(pg_temp.after('square', pg_temp.square('payout', 'sqp1', NULL, 'paid', 100, '{"payout_fee": [{"type": "TRANSFER_FEE", "amount_money": {"amount": 15, "currency": "USD"}}]}')), 'sqp1 transfer 15 USD | 15 USD', 'Square: of an instant payout');
SELECT is(pg_temp.after('square', pg_temp.square('payment', 'sq1', NULL, 'paid', 100, '{"processing_fee": [{"amount_money": {"amount": 1, "currency": "USD"}}, {"amount_money": {"amount": 1, "currency": "EUR"}}]}')),
    'failed a fee is told in several currencies |  | ', 'Square: not in two currencies');

-- Razorpay: fee and tax in one.
CREATE FUNCTION pg_temp.razorpay(p_state text, p_at bigint, p_more jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.with_object(pg_temp.render('razorpay', 'payment', 'rz1', NULL, p_state, NULL, 1000, p_at, 'e' || p_at), '{payload,payment,entity}', p_more) || jsonb_build_object('as', 'e' || p_at)
$$;
SELECT is(pg_temp.after('razorpay', pg_temp.razorpay('authorized', 100, '{"fee": null, "tax": null}')), ' | ', 'Razorpay: none before the capture');
SELECT is(pg_temp.after('razorpay', pg_temp.razorpay('paid', 110, '{"captured": true, "fee": 24, "tax": 4}')), 'rz1 processing 24 USD | 24 USD', 'Razorpay: the fee includes the tax');
SELECT is(pg_temp.after('razorpay', VARIADIC o.events), 'rz1 processing 24 INR | 24 INR', 'Razorpay: in the account''s currency, in either order')
FROM (SELECT pg_temp.razorpay('authorized', 100, '{"fee": null}') AS a, pg_temp.razorpay('paid', 110, '{"captured": true, "fee": 24, "tax": 4, "base_currency": "INR"}') AS b) AS t, LATERAL (VALUES (ARRAY[t.a, t.b]), (ARRAY[t.b, t.a])) AS o (events);
SELECT is((SELECT string_agg(concat_ws(' ', f.kind, f.amount, f.currency), ', ') FROM saas.razorpay_fees('payout', jsonb_build_object('status', s.status, 'fees', 118, 'tax', 18, 'currency', 'INR')) AS f), s.fees, 'Razorpay: of a payout that is ' || s.status)
FROM (VALUES ('processed', 'transfer 118 INR'), ('reversed', 'transfer 0 INR'), ('queued', NULL)) AS s (status, fees);

-- The neutral body.
SELECT is(pg_temp.after(p.provider, pg_temp.with_object(pg_temp.render(p.provider, 'payment', 'n1', NULL, 'paid', NULL, 1000, 100, 'n1'), '{data}', '{"fee": 12}') || '{"as": "n1"}',
        pg_temp.with_object(pg_temp.render(p.provider, 'refund', 'n2', 'n1', 'succeeded', NULL, 500, 100, 'n2'), '{data}', '{"fee": -5}') || '{"as": "n2"}',
        pg_temp.with_object(pg_temp.render(p.provider, 'payout', 'n3', NULL, 'paid', NULL, 100, 100, 'n3'), '{data}', '{"fee": 3}') || '{"as": "n3"}',
        pg_temp.with_object(pg_temp.render(p.provider, 'dispute', 'n4', 'n1', 'needs_response', 'dispute', 100, 100, 'n4'), '{data}', '{"fee": 7}') || '{"as": "n4"}'),
    'n1 processing 12 USD, n2 processing -5 USD, n3 transfer 3 USD | 17 USD', p.provider || ': a fee is a member like others; a dispute''s is its own')
FROM (VALUES ('standard'), ('svix')) AS p (provider);

-- Told by the application: the same fee, whoever tells it, and the newest holds.
SELECT pg_temp.deliver(pg_temp.event('evt_1', 1700000000, pg_temp.charge('ch_9', NULL, 'succeeded', true, '{"created": 1700000000}'))) \g /dev/null
SELECT saas.record_payment_fee(pg_temp.team(), 'stripe', 'ch_9', 61, 'usd', '2023-11-14 22:13:20Z', p_told_at => '2023-11-15Z') AS fee \gset
SELECT is(saas.record_payment_fee(pg_temp.team(), 'stripe', 'ch_9', 61, 'usd', '2023-11-14 22:13:20Z', p_told_at => '2023-11-15Z'), :'fee', 'told twice it is one fee');
SELECT is(pg_temp.taken('stripe'), '61 USD', 'posted once');
SELECT is(saas.record_payment_fee(pg_temp.team(), 'stripe', 'ch_9', 70, 'usd', '2023-11-14 22:13:20Z', p_told_at => '2023-11-14Z'), :'fee', 'what was told before');
SELECT is(pg_temp.taken('stripe'), '61 USD', 'changes nothing');
SELECT is(saas.record_payment_fee(pg_temp.team(), 'stripe', 'ch_9', 59, 'usd', '2023-11-14 22:13:20Z', p_told_at => '2023-11-16Z'), :'fee', 'what was told later');
SELECT is(pg_temp.taken('stripe'), '59 USD', 'does');
SELECT saas.record_payment_fee(pg_temp.team(), 'adyen', 'PSP1', 30, 'eur', '2023-11-14Z') \g /dev/null
SELECT is(pg_temp.taken('adyen'), '30 EUR', 'Adyen''s come from its settlement report');
SELECT saas.record_payment_fee(pg_temp.team(), 'adyen', 'PSP1', 33, 'usd', '2023-11-14Z', p_told_at => now() + interval '1 second') \g /dev/null
SELECT is(pg_temp.taken('adyen'), '33 USD', 'in another currency it is no longer taken in the first');
SELECT is((SELECT string_agg(concat_ws(' ', t.kind, t.effective_at AT TIME ZONE 'UTC'), ', ' ORDER BY t.id) FROM saas.ledger_transactions AS t WHERE t.team_id = pg_temp.team() AND t.ref_id = :'fee'),
    'fee 2023-11-14 22:13:20, fee_returned 2023-11-14 22:13:20', 'the ledger tells what was taken and given back, when the payment was made');
SELECT throws_ok(format('SELECT saas.record_payment_fee(%L, %s)', pg_temp.team(), a.arguments), a.code, NULL, a.arguments)
FROM (VALUES ($$'stripe', 'x', NULL, 'usd', now()$$, '22023'), ($$'stripe', '', 1, 'usd', now()$$, '22023'), ($$'stripe', 'x', 1, 'usd', 'infinity'$$, '22023'), ($$'stripe', NULL, 1, 'usd', now()$$, '22023'),
    ($$'stripe', repeat('x', 256), 1, 'usd', now()$$, '22023'), ($$'stripe', 'x', 1, 'usd', now(), 'tip'$$, '22023'), ($$'stripe', 'x', 1, 'xxx', now()$$, 'SA072'), ($$'nobody', 'x', 1, 'usd', now()$$, 'SA081'),
    ($$NULL, 'x', 1, 'usd', now()$$, 'SA081')) AS a (arguments, code);

-- Figures: on the day of what it was taken for, less what was given back.
SELECT saas.fill_payment_analytics(pg_temp.team()) \g /dev/null
SELECT results_eq(
    format($$SELECT a.day, a.provider, a.currency::text, a.amount_fees FROM saas.payment_analytics AS a WHERE a.team_id = %L AND a.amount_fees <> 0 ORDER BY 1, 2$$, pg_temp.team()),
    $$VALUES ('2023-11-14'::date, 'adyen', 'USD', 33::numeric), ('2023-11-14', 'stripe', 'USD', 59)$$, 'fees are figures of their day');
SELECT is((SELECT r.net FROM saas.payment_revenue(pg_temp.team(), '2023-11-01', '2023-12-01') AS r WHERE r.currency = 'USD'), 1000 - 59 - 33::numeric, 'and lessen what is left');
SELECT saas.record_payment_fee(pg_temp.team(), 'stripe', 'ch_9', 58, 'usd', '2023-11-20Z', p_told_at => now() + interval '1 second') \g /dev/null
SELECT is(saas.fill_payment_analytics(pg_temp.team()), 2, 'another day marks both days');
SELECT is_empty(format('SELECT * FROM saas.payment_analytics_drift(%L)', pg_temp.team()), 'all of it agrees with the rows');
SELECT is(saas.available_for_payout(pg_temp.team(), 'stripe', 'usd'), 1000 - 58::numeric, 'what was taken is not paid out');

-- Who may.
SELECT throws_ok(format('DELETE FROM saas.payment_fees WHERE id = %L', :'fee'), 'SA033', NULL, 'fees stay');
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*) FROM saas.payment_fees), 2::bigint, 'members read them');
SELECT throws_ok('UPDATE saas.payment_fees SET amount = 0', '42501', NULL, 'and do not write them');
RESET ROLE;
SELECT saas.create_user('other-fees@example.com') AS other \gset
SELECT saas.create_team('Other', 'other-fees', :'other') AS other_team \gset
SELECT saas.set_context(:'other_team', :'other') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT is((SELECT count(*) FROM saas.payment_fees), 0::bigint, 'nobody reads those of another team');
SELECT throws_ok(format('SELECT saas.record_payment_fee(%L, %L, %L, 1, %L, now())', pg_temp.team(), 'stripe', 'ch_9', 'usd'), '42501', NULL, 'or records one');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
