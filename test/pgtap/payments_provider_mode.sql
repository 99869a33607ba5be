-- Test mode and live money do not meet in one ledger, whoever says first which of the two it is.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
\ir include/provider_events.sql
CREATE FUNCTION pg_temp.mode(p_provider text) RETURNS text LANGUAGE sql AS $$
    SELECT COALESCE(p.livemode::text, 'unsaid') FROM saas.payment_providers AS p WHERE p.team_id = pg_temp.team() AND p.provider = p_provider
$$;
CREATE FUNCTION pg_temp.of_mode(p_event text, p_charge text, p_livemode boolean) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(': ', d.outcome, d.detail) FROM pg_temp.deliver(
        pg_temp.event(p_event, 100, pg_temp.charge(p_charge, NULL, 'succeeded', true) || jsonb_build_object('livemode', p_livemode)) || jsonb_build_object('livemode', p_livemode)
    ) AS d
$$;

-- Nobody has said: the first event that does says it for the provider.
SELECT is(pg_temp.mode('stripe'), 'unsaid', 'a provider may be set up without a mode');
SELECT is((pg_temp.deliver(pg_temp.event('evt_0', 100, pg_temp.charge('ch_0', NULL, 'succeeded', true)))).outcome, 'processed', 'an event that does not say it is taken');
SELECT is(pg_temp.mode('stripe'), 'unsaid', 'and leaves it open');
SELECT is(pg_temp.of_mode('evt_1', 'ch_1', false), 'processed', 'the first event that says it');
SELECT is(pg_temp.mode('stripe'), 'false', 'says it for the provider');
SELECT is(pg_temp.of_mode('evt_2', 'ch_2', true), 'failed: the event is about live money, and the provider is set up in test mode', 'live money is refused');
SELECT is((pg_temp.payment('ch_2')).id, NULL, 'and moves nothing');
SELECT is((SELECT e.error_code FROM saas.webhook_events AS e WHERE e.team_id = pg_temp.team() AND e.provider_event_id = 'evt_2'), 'SA035', 'the event is kept, and says why');
SELECT throws_ok(format('SELECT saas.configure_payment_provider(%L, %L, p_livemode => true)', pg_temp.team(), 'stripe'), 'SA036', NULL, 'nor can the provider become live with payments of test mode');
SELECT lives_ok(format('SELECT saas.configure_payment_provider(%L, %L, p_livemode => false)', pg_temp.team(), 'stripe'), 'it may be said again');
SELECT is(pg_temp.of_mode('evt_3', 'ch_1', false), 'processed', 'events of its mode go on');

-- Set up in the wrong mode, with nothing recorded: it may be mended, and what failed is tried again.
SELECT is(saas.configure_payment_provider(pg_temp.team(), 'adyen', p_livemode => true) IS NOT NULL, true, 'a mode is said at set-up');
SELECT is((pg_temp.send('adyen', pg_temp.adyen_item('AUTHORISATION', 'true', 'P1', NULL, 1000, 100), NULL)).detail,
    'the event is of the provider''s test mode, and the provider is set up for live money', 'an event of test mode is refused');
SELECT is((SELECT count(*) FROM saas.payments AS p WHERE p.team_id = pg_temp.team() AND p.provider = 'adyen'), 0::bigint, 'and moves nothing');
SELECT is(saas.configure_payment_provider(pg_temp.team(), 'adyen', p_livemode => false) IS NOT NULL, true, 'nothing recorded, so the mode may change');
SELECT is((SELECT (saas.retry_webhook(e.team_id, e.id)).outcome FROM saas.webhook_events AS e WHERE e.team_id = pg_temp.team() AND e.provider_event_id = 'AUTHORISATION:P1'), 'processed', 'and the event is taken');
SELECT is((pg_temp.payment('P1')).livemode, false, 'as what it is');
SELECT saas.configure_payment_provider(pg_temp.team(), 'adyen') \g /dev/null
SELECT is(pg_temp.mode('adyen'), 'false', 'NULL keeps');

-- PayPal says it by the links of its objects, and has no say before it has confirmed the event.
CREATE FUNCTION pg_temp.paypal(p_ref text, p_host text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.render('paypal', 'payment', p_ref, NULL, 'paid', NULL, 1000, 1600000000, 'WH-' || p_ref)
        || jsonb_build_object('links', jsonb_build_array('x', jsonb_build_object('href', 'https://example.com/api.paypal.com/'), jsonb_build_object('href', p_host || '/v1/notifications/webhooks-events/WH')))
$$;
SELECT is(saas.webhook_livemode('paypal', pg_temp.paypal('c', h.host)), h.live, 'PayPal: ' || h.host)
FROM (VALUES ('https://api.sandbox.paypal.com', false), ('https://api-m.sandbox.paypal.com', false), ('https://API.paypal.com', true), ('https://api-m.paypal.com', true),
    ('https://api.paypal.com.example.com', NULL), ('http://api.paypal.com', NULL), ('https://apiXpaypal.com', NULL)) AS h (host, live);
SELECT is(saas.webhook_livemode('paypal', '{"resource": {"links": [{"href": "https://api.sandbox.paypal.com/v2/payments/captures/1"}]}}'), false, 'or by those of what it is about');
SELECT is(saas.webhook_livemode(p.provider, '{"links": {}, "livemode": "perhaps", "data": null}'), NULL, p.provider || ': nothing said is nothing said')
FROM unnest('{stripe,paypal,square,adyen,razorpay,standard,svix}'::text[]) AS p (provider);
SELECT is((saas.take_webhook(pg_temp.team(), 'paypal', 'WH-c1', pg_temp.paypal('c1', 'https://api.paypal.com'), '{}', 1, NULL, now(), NULL)).outcome, 'unconfirmed', 'what anybody may have written');
SELECT is(pg_temp.mode('paypal'), 'unsaid', 'says nothing');
SELECT is((SELECT (saas.confirm_webhook(e.team_id, e.id, p_event => pg_temp.paypal('c1', 'https://api.sandbox.paypal.com'))).outcome FROM saas.webhook_events AS e WHERE e.team_id = pg_temp.team() AND e.provider_event_id = 'WH-c1'), 'processed', 'PayPal''s own copy');
SELECT is(pg_temp.mode('paypal') || ' ' || (pg_temp.payment('c1')).livemode, 'false false', 'does');
SELECT is((pg_temp.send('paypal', pg_temp.paypal('c2', 'https://api.paypal.com'), 'WH-c2')).outcome, 'failed', 'and a live one is refused from then on');

-- Square and Razorpay say nothing: live, unless the provider is set up otherwise.
SELECT is((pg_temp.send('square', pg_temp.render('square', 'payment', 'sq1', NULL, 'paid', NULL, 1000, 1600000000, 'e1'), 'e1')).outcome, 'processed', 'Square does not say it');
SELECT is((pg_temp.payment('sq1')).livemode, true, 'which is live');
SELECT throws_ok(format('SELECT saas.configure_payment_provider(%L, %L, p_livemode => false)', pg_temp.team(), 'square'), 'SA036', NULL, 'and too late to be called a test');
SELECT saas.configure_payment_provider(pg_temp.team(), 'razorpay', p_livemode => false) \g /dev/null
SELECT is((pg_temp.send('razorpay', pg_temp.render('razorpay', 'payment', 'rz1', NULL, 'paid', NULL, 1000, 1600000000, 'e1'), 'e1')).outcome, 'processed', 'Razorpay neither');
SELECT is((pg_temp.payment('rz1')).livemode, false, 'and is what it is set up as');
SELECT saas.configure_payment_provider(pg_temp.team(), 'standard', p_livemode => false) \g /dev/null
SELECT saas.create_payment_intent(pg_temp.team(), 500, 'usd', 'standard', 'k1') ->> 'payment_intent_id' AS intent \gset
SELECT is((SELECT i.livemode FROM saas.payment_intents AS i WHERE i.team_id = pg_temp.team() AND i.id = :'intent'), false, 'an intent of ours is of the provider''s mode');
SELECT saas.configure_payment_provider(pg_temp.team(), 'standard', p_livemode => true) \g /dev/null
SELECT saas.create_payment_intent(pg_temp.team(), 500, 'usd', 'standard', 'k2') ->> 'payment_intent_id' AS intent \gset
SELECT is((SELECT i.livemode FROM saas.payment_intents AS i WHERE i.team_id = pg_temp.team() AND i.id = :'intent'), true, 'whichever that is');

-- Who may say it.
SET LOCAL ROLE saas_app;
SELECT is((SELECT p.livemode FROM saas.payment_providers AS p WHERE p.team_id = pg_temp.team() AND p.provider = 'square'), NULL, 'members read it');
SELECT throws_ok(format('UPDATE saas.payment_providers SET livemode = true WHERE team_id = %L', pg_temp.team()), '42501', NULL, 'and do not write it');
SELECT throws_ok(format('SELECT saas.provider_livemode(%L, %L, true)', pg_temp.team(), 'square'), '42501', NULL, 'nor say it as an event would');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
