-- What deliveries of each provider do, signed as that provider signs.
BEGIN;
SELECT plan(67);
\ir include/payments.sql
\ir include/provider_events.sql
CREATE FUNCTION pg_temp.shows(p_ref text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', p.status, p.amount, p.currency, p.amount_captured, p.amount_refunded, p.amount_released, p.amount_disputed)
    FROM saas.payments AS p WHERE p.team_id = pg_temp.team() AND p.provider_payment_id = p_ref
$$;
-- A sender that names its own event type.
CREATE FUNCTION pg_temp.post(p_provider text, p_payload jsonb, p_event text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(': ', s.outcome, s.detail) FROM pg_temp.send(p_provider, p_payload, p_event) AS s
$$;
CREATE FUNCTION pg_temp.batch(VARIADIC p_items jsonb[]) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(': ', s.outcome, s.detail) FROM pg_temp.send_body('adyen', convert_to(jsonb_build_object('live', 'true', 'notificationItems',
        (SELECT jsonb_agg(jsonb_build_object('NotificationRequestItem', i.item)) FROM unnest(p_items) AS i (item)))::text, 'UTF8'), NULL) AS s
$$;

-- The signature of each, genuine and not.
SELECT is((pg_temp.send_body(p.provider, '{"event_id": "e", "id": "e", "type": "x", "event": "x"}', 'e-' || p.provider)).outcome, 'ignored', p.provider || ': a genuine delivery is taken')
FROM (VALUES ('square'), ('razorpay'), ('standard'), ('svix')) AS p (provider);
SELECT is(d.outcome, 'rejected', p.provider || ': another body is not')
FROM (VALUES ('square'), ('razorpay'), ('standard'), ('svix'), ('adyen'), ('paypal')) AS p (provider),
    saas.ingest_webhook(pg_temp.team(), p.provider, '{"x-square-hmacsha256-signature": "AAAA", "X-Razorpay-Signature": "00", "x-razorpay-event-id": "e",
        "webhook-id": "e", "webhook-timestamp": "1700000000", "webhook-signature": "v1,AAAA", "svix-id": "e", "svix-timestamp": "1700000000", "svix-signature": "v1,AAAA"}',
        '{"notificationItems": []}', 'https://shop.example/hook', to_timestamp(1700000000)) AS d;

-- Adyen: every item of a batch is an event.
SELECT is(pg_temp.batch(
    pg_temp.adyen_item('CAPTURE', 'true', 'C1', 'P1', 600, 200), pg_temp.adyen_item('AUTHORISATION', 'true', 'P1', NULL, 1000, 100,
        '{"additionalData": {"cardSummary": "4242"}}'), pg_temp.adyen_item('REFUND', 'true', 'R1', 'P1', 250, 300)),
    'processed: 3 items: processed, processed, processed', 'a batch is taken item by item');
SELECT is(pg_temp.shows('P1'), 'paid 1000 USD 600 250 0 0', 'all of it is applied');
SELECT is((SELECT string_agg(e.provider_event_id, ' ' ORDER BY e.provider_event_id) FROM saas.webhook_events AS e WHERE e.team_id = pg_temp.team() AND e.provider = 'adyen' AND e.status = 'processed'),
    'AUTHORISATION:P1 CAPTURE:C1 REFUND:R1', 'each under its own name');
SELECT is(pg_temp.batch(pg_temp.adyen_item('CAPTURE', 'true', 'C2', 'P1', 100, 210), pg_temp.adyen_item('CAPTURE', 'true', 'C3', 'P1', 100, 210) || '{"success": "false"}'),
    'rejected: no valid signature', 'a batch whose second item is forged is refused');
SELECT is(pg_temp.shows('P1'), 'paid 1000 USD 600 250 0 0', 'whole');
SELECT is(pg_temp.batch(pg_temp.adyen_item('CAPTURE', 'true', 'C1', 'P1', 600, 200), pg_temp.adyen_item('CAPTURE', 'true', 'C2', 'P1', 400, 210)),
    'processed: 2 items: duplicate, processed', 'of a batch what is new is applied');
SELECT is(pg_temp.shows('P1'), 'paid 1000 USD 1000 250 0 0', 'captures sum up');
-- References that do not fit fail their item, not the delivery.
SELECT is(pg_temp.batch(pg_temp.adyen_item('AUTHORISATION', 'true', repeat('L', 255), NULL, 1000, 100), pg_temp.adyen_item('AUTHORISATION', 'true', repeat('M', 300), NULL, 1000, 100),
    pg_temp.adyen_item('AUTHORISATION', 'true', repeat('M', 301), NULL, 1000, 100), pg_temp.adyen_item('AUTHORISATION', 'true', 'P9', NULL, 1000, 100)),
    'failed: 4 items: processed, failed, failed, processed', 'a reference that is too long fails its item alone');
SELECT is(pg_temp.shows(repeat('L', 255)), 'authorized 1000 USD 0 0 0 0', 'the longest one that fits is taken');
SELECT results_eq(format($$SELECT e.reason, e.error_code, length(e.payload #>> '{NotificationRequestItem,pspReference}') FROM saas.webhook_events AS e WHERE e.team_id = %L AND e.status = 'failed' ORDER BY 3$$, pg_temp.team()),
    $$VALUES ('an object has no id, or it is not a text of 1 to 255 characters', 'SA072', 300), ('an object has no id, or it is not a text of 1 to 255 characters', 'SA072', 301)$$, 'the others are kept, and say why');
SELECT is(pg_temp.batch(pg_temp.adyen_item('AUTHORISATION', 'true', repeat('M', 300), NULL, 1000, 100), pg_temp.adyen_item('AUTHORISATION', 'true', repeat('L', 255), NULL, 1000, 100)),
    'duplicate: 2 items: duplicate, duplicate', 'and known when they come again');
SELECT is(pg_temp.batch(pg_temp.adyen_item('CAPTURE_FAILED', 'true', 'C2', 'P1', 400, 900)), 'processed', 'one may fail late');
SELECT is(pg_temp.shows('P1'), 'paid 1000 USD 600 250 0 0', 'and counts no more');
SELECT is(pg_temp.batch(pg_temp.adyen_item('REFUNDED_REVERSED', 'true', 'R1', 'P1', 250, 900)), 'processed', 'money that came back');
SELECT is(pg_temp.shows('P1'), 'paid 1000 USD 600 0 0 0', 'is ours again');
SELECT is(pg_temp.batch(pg_temp.adyen_item('NOTIFICATION_OF_CHARGEBACK', 'true', 'D1', 'P1', 600, 910)), 'processed', 'a chargeback is announced');
SELECT is(pg_temp.shows('P1'), 'paid 1000 USD 600 0 0 0', 'which moves nothing');
SELECT is(pg_temp.batch(pg_temp.adyen_item('CHARGEBACK', 'true', 'D1', 'P1', 600, 920)), 'processed', 'it comes');
SELECT is(pg_temp.shows('P1'), 'paid 1000 USD 600 0 0 600', 'which does');
SELECT is(pg_temp.batch(pg_temp.adyen_item('CHARGEBACK_REVERSED', 'true', 'D1', 'P1', 600, 930)), 'processed', 'it is won');
SELECT is(pg_temp.batch(pg_temp.adyen_item('SECOND_CHARGEBACK', 'true', 'D1', 'P1', 600, 940)), 'processed', 'and lost at the next stage');
SELECT is((SELECT concat_ws(' ', d.stage, d.status) FROM saas.payment_disputes AS d WHERE d.team_id = pg_temp.team() AND d.provider_dispute_id = 'D1'), 'pre_arbitration lost', 'as it should');
SELECT is(pg_temp.batch(pg_temp.adyen_item('AUTHORISATION', 'true', 'P2', NULL, 500, 100)) || pg_temp.batch(pg_temp.adyen_item('CANCEL_OR_REFUND', 'true', 'V2', 'P2', 500, 110,
    '{"additionalData": {"modification.action": "cancel"}}')), 'processedprocessed', 'what was canceled or refunded');
SELECT is(pg_temp.shows('P2'), 'voided 500 USD 0 0 500 0', 'is told apart');
SELECT is(pg_temp.batch(pg_temp.adyen_item('AUTHORISATION', 'false', 'P3', NULL, 500, 100, '{"reason": "Refused"}')), 'processed', 'a refused one');
SELECT is((SELECT concat_ws(' ', p.status, p.failure_code) FROM saas.payments AS p WHERE p.team_id = pg_temp.team() AND p.provider_payment_id = 'P3'), 'failed Refused', 'says why');
SELECT saas.configure_payment_provider(pg_temp.team(), 'adyen', p_captures_automatically => true);
SELECT is(pg_temp.batch(pg_temp.adyen_item('AUTHORISATION', 'true', 'P4', NULL, 500, 100)) || ' ' || pg_temp.shows('P4'), 'processed paid 500 USD 500 0 0 0', 'where all is captured at once, an authorisation is paid');
SELECT saas.configure_payment_provider(pg_temp.team(), 'adyen', p_captures_automatically => false);

-- Exponents: exact, or refused.
SELECT is(pg_temp.batch(jsonb_set(pg_temp.adyen_item('AUTHORISATION', 'true', 'PX', NULL, 500, 100), '{amount}', '{"value": 500, "currency": "CLP"}')), 'rejected: no valid signature', 'a currency is signed');
SELECT results_eq(
    $$SELECT (saas.counted_money(v.provider, v.amount, v.currency)).amount FROM (VALUES ('adyen', '500'::jsonb, 'CLP'), ('adyen', '5', 'CVE'), ('adyen', '700', 'IDR'), ('stripe', '500', 'UGX'),
        ('square', '500', 'JPY'), ('razorpay', '5000', 'KWD'), ('standard', '5', 'CLP')) AS v (provider, amount, currency)$$,
    $$VALUES (5::bigint), (500), (70000), (5), (500), (5000), (5)$$, 'each provider counts in its own way');
SELECT throws_ok($$SELECT saas.counted_money('adyen', '550', 'CLP')$$, 'SA072', NULL, 'half a peso is none');
SELECT results_eq(
    $$SELECT (saas.paypal_money(v.amount)).amount FROM (VALUES ('{"value": "10.99", "currency_code": "USD"}'::jsonb), ('{"total": "-0.01", "currency": "USD"}'),
        ('{"value": "1000", "currency_code": "JPY"}'), ('{"value": "1000", "currency_code": "HUF"}'), ('{"value": "1.234", "currency_code": "KWD"}')) AS v (amount)$$,
    $$VALUES (1099::bigint), (1), (1000), (100000), (1234)$$, 'decimals are exact');
SELECT throws_ok($$SELECT saas.paypal_money('{"value": "10.999", "currency_code": "USD"}')$$, 'SA072', NULL, 'a tenth of a cent is none');
SELECT throws_ok($$SELECT saas.paypal_money('{"value": "1e3", "currency_code": "USD"}')$$, 'SA072', NULL, 'nor is another notation');

-- PayPal: an authorization, its captures, and refunds that name a capture.
CREATE FUNCTION pg_temp.paypal(p_kind text, p_ref text, p_parent text, p_state text, p_amount bigint, p_at bigint, p_event text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.post('paypal', pg_temp.render('paypal', p_kind, p_ref, p_parent, p_state, CASE p_kind WHEN 'dispute' THEN 'dispute' END, p_amount, p_at, p_event), p_event)
$$;
SELECT is(pg_temp.paypal('refund', 're1', 'cap1', 'succeeded', 100, 120, 'W3'), 'deferred: the payment is not known yet', 'PayPal: a refund waits for its capture');
SELECT is(pg_temp.paypal('capture', 'cap1', 'auth1', 'succeeded', 600, 110, 'W2'), 'deferred: the payment is not known yet', 'and that for the authorization');
SELECT is(pg_temp.paypal('payment', 'auth1', 'order1', 'authorized', 1000, 100, 'W1'), 'processed', 'which brings both');
SELECT is(pg_temp.shows('auth1'), 'paid 1000 USD 600 100 0 0', 'in one transaction');
SELECT is(pg_temp.paypal('payment', 'cap9', NULL, 'paid', 500, 100, 'W4') || ' ' || pg_temp.shows('cap9'), 'processed paid 500 USD 500 0 0 0', 'a capture of its own is a payment');
SELECT is(pg_temp.paypal('dispute', 'dp1', 'cap1', 'needs_response', 300, 130, 'W5') || ' ' || pg_temp.shows('auth1'), 'processed paid 1000 USD 600 100 0 300', 'a dispute finds the payment by its capture');

-- An intent of ours, where the provider has none.
SELECT saas.create_payment_intent(pg_temp.team(), 700, 'USD', 'adyen', 'k1') ->> 'payment_intent_id' AS ours \gset
SELECT is(pg_temp.batch(pg_temp.adyen_item('AUTHORISATION', 'true', 'P7', NULL, 700, 100, jsonb_build_object('merchantReference', :'ours'))), 'processed', 'a payment names our intent');
SELECT is((SELECT concat_ws(' ', i.status, i.amount_received) FROM saas.payment_intents AS i WHERE i.id = :'ours'), 'requires_capture 0', 'which follows it');
SELECT is(pg_temp.batch(pg_temp.adyen_item('CAPTURE', 'true', 'C7', 'P7', 700, 200)), 'processed', 'to its capture');
SELECT is((SELECT concat_ws(' ', i.status, i.amount_received, p.integrity_hold) FROM saas.payment_intents AS i JOIN saas.payments AS p ON p.payment_intent_id = i.id WHERE i.id = :'ours'), 'succeeded 700 f', 'as asked for');
-- A capture that we asked for is one with the one the provider tells of.
SELECT saas.create_payment_intent(pg_temp.team(), 900, 'USD', 'adyen', 'k2') ->> 'payment_intent_id' AS ours \gset
SELECT pg_temp.batch(pg_temp.adyen_item('AUTHORISATION', 'true', 'P8', NULL, 900, 100, jsonb_build_object('merchantReference', :'ours')));
SELECT saas.capture_payment(pg_temp.team(), (pg_temp.payment('P8')).id, 400, 'k3') ->> 'payment_transaction_id' AS capture \gset
SELECT is(pg_temp.batch(pg_temp.adyen_item('CAPTURE', 'true', 'C8', 'P8', 400, 200, jsonb_build_object('merchantReference', :'capture'))) || ' ' || pg_temp.shows('P8'), 'processed paid 900 USD 400 0 0 0', 'our own capture is counted once');
SELECT is((SELECT string_agg(t.provider_reference, ' ') FROM saas.payment_transactions AS t WHERE t.team_id = pg_temp.team() AND t.operation = 'capture' AND t.payment_id = (pg_temp.payment('P8')).id), 'C8', 'and has the provider''s name');

-- Razorpay: several entities in one event; what is never captured is given back.
SELECT is(pg_temp.post('razorpay', '{"event": "refund.processed", "created_at": 100, "payload": {
    "payment": {"entity": {"id": "pay_1", "amount": 1000, "currency": "INR", "status": "captured", "captured": true, "amount_refunded": 300, "created_at": 90, "order_id": "order_1"}},
    "refund": {"entity": {"id": "rfnd_1", "payment_id": "pay_1", "amount": 300, "currency": "INR", "status": "processed", "created_at": 95}}}}', 'RZ1') || ' ' || pg_temp.shows('pay_1'),
    'processed paid 1000 INR 1000 300 0 0', 'Razorpay: a refund brings its payment');
SELECT is(pg_temp.post('razorpay', '{"event": "payment.failed", "created_at": 100, "payload": {"payment": {"entity": {"id": "pay_2", "amount": 1000, "currency": "INR", "status": "refunded",
    "captured": false, "amount_refunded": 1000, "created_at": 90}}}}', 'RZ2') || ' ' || pg_temp.shows('pay_2'), 'processed voided 1000 INR 0 0 1000 0', 'an authorisation that ran out is released');
SELECT is(pg_temp.post('razorpay', '{"event": "settlement.processed", "created_at": 100, "payload": {"settlement": {"entity": {"id": "setl_1", "amount": 700, "status": "processed", "created_at": 90}}}}', 'RZ3'), 'processed', 'a settlement');
SELECT is((SELECT concat_ws(' ', o.status, o.amount, o.currency) FROM saas.payouts AS o WHERE o.team_id = pg_temp.team() AND o.provider_payout_id = 'setl_1'), 'paid 700 INR', 'is a payout');

-- Square: an inquiry, and a payment that is canceled.
SELECT is(pg_temp.post('square', pg_temp.render('square', 'payment', 'sq1', NULL, 'authorized', NULL, 800, 100, 'S1'), 'S1')
    || pg_temp.post('square', pg_temp.render('square', 'payment', 'sq1', NULL, 'voided', NULL, 800, 110, 'S2'), 'S2') || ' ' || pg_temp.shows('sq1'), 'processedprocessed voided 800 USD 0 0 800 0', 'Square: canceled is released');
-- Nonsense fails with the reason.
SELECT is(pg_temp.post('square', '{"event_id": "S9", "type": "payment.updated", "created_at": "2024-01-01T00:00:00Z", "data": {"object": {"payment": {"id": "x", "status": "NEW", "total_money": {"amount": 1, "currency": "USD"}}}}}', 'S9'),
    'failed: the status of the payment is unknown', 'a state that is not mapped fails');
SELECT is(pg_temp.post('standard', '{"type": "payment.updated", "data": {}}', 'N1'), 'failed: the event has no time', 'a neutral event needs a time');
SELECT is(pg_temp.post('standard', '{"type": "payment.updated", "timestamp": "2024-13-01T00:00:00Z", "data": {}}', 'N2'), 'failed: the event has no time', 'of the calendar');
SELECT is(pg_temp.post('standard', '{"type": "payment.updated", "timestamp": "2024-01-01T00:00:00Z", "data": []}', 'N3'), 'failed: the currency is unknown, or has no minor unit', 'and an object');
-- Of several codes the one that says most.
SELECT pg_temp.send('razorpay', jsonb_set(pg_temp.render('razorpay', 'payment', 'rzf1', NULL, 'failed', NULL, 1000, 1600000000, 'ef1'), '{payload,payment,entity}',
    pg_temp.render('razorpay', 'payment', 'rzf1', NULL, 'failed', NULL, 1000, 1600000000, 'ef1') #> '{payload,payment,entity}' || '{"error_code": "BAD_REQUEST_ERROR", "error_reason": "insufficient_funds"}'), 'ef1') \g /dev/null
SELECT pg_temp.send('paypal', jsonb_set(pg_temp.render('paypal', 'payment', 'ppf1', NULL, 'failed', NULL, 1000, 1600000000, 'WH-f1'), '{resource}',
    pg_temp.render('paypal', 'payment', 'ppf1', NULL, 'failed', NULL, 1000, 1600000000, 'WH-f1') -> 'resource' || '{"processor_response": {"response_code": "5120"}, "status_details": {"reason": "OTHER"}}'), 'WH-f1') \g /dev/null
SELECT is((SELECT f.reason FROM saas.failed_payments AS f WHERE f.team_id = pg_temp.team() AND f.payment_id = (pg_temp.payment(c.ref)).id), 'insufficient_funds', c.ref || ': the code says why')
FROM (VALUES ('rzf1'), ('ppf1')) AS c (ref);
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
