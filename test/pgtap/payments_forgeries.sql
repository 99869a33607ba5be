-- What a forger, a careless operator or a provider gone mad may send.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
\ir include/provider_events.sql

-- PayPal: another body under the name of a genuine event, faster than PayPal.
SELECT 'W1' AS name, t.webhook_event_id AS id FROM saas.take_webhook(pg_temp.team(), 'paypal', 'W1',
    pg_temp.render('paypal', 'payment', 'cap1', 'o1', 'paid', NULL, 900000, 1700000000, 'W1'), '{}', 1, NULL, now(), NULL) AS t \gset
SELECT throws_ok(format('SELECT saas.confirm_webhook(%L, %L, true, %L)', pg_temp.team(), :'id', '{"id": "W2"}'), '22023', NULL, 'an event is confirmed by that event');
SELECT throws_ok(format('SELECT saas.confirm_webhook(%L, %L, true, %L)', pg_temp.team(), :'id', '[]'), '22023', NULL, 'not by anything');
SELECT throws_ok(format('SELECT saas.confirm_webhook(%L, %L)', gen_random_uuid(), :'id'), 'SA055', NULL, 'nor for another team');
SELECT is((SELECT count(*) FROM saas.payments), 0::bigint, 'nothing has moved');
SELECT is((saas.confirm_webhook(pg_temp.team(), :'id', true, pg_temp.render('paypal', 'payment', 'cap1', 'o1', 'paid', NULL, 900, 1700000000, 'W1')
    || '{"summary": "card 4242424242424242"}')).outcome, 'processed', 'what PayPal says is applied');
SELECT is(p.amount || ' ' || p.amount_captured, '900 900', 'not what came under its name') FROM saas.payments AS p;
SELECT is(e.payload #>> '{resource,amount,value}' || (e.payload ->> 'summary'), '9.00card 4000000000004242', 'and kept, without numbers of cards') FROM saas.webhook_events AS e;
SELECT throws_ok($$UPDATE saas.webhook_events SET payload = '{}'$$, 'SA071', NULL, 'for good');

-- Whoever fills the room for deliveries that wait for a certificate fills it for three days.
CREATE FUNCTION pg_temp.wait(p_n bigint, p_at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT (saas.keep_for_certificate(pg_temp.team(), 'paypal', '{}', convert_to('b' || p_n, 'UTF8'), 'https://shop.example', p_at, 'https://api.paypal.com/c' || p_n)).outcome
$$;
SELECT is((SELECT count(*) FROM generate_series(1, 1000) AS n WHERE pg_temp.wait(n, '2025-01-01Z') = 'cert_needed'), 1000::bigint, 'a thousand wait');
SELECT is(pg_temp.wait(1001, '2025-01-03Z'), 'rejected', 'no more do');
SELECT is(pg_temp.wait(1002, '2025-01-05Z'), 'cert_needed', 'until they have waited for three days');
SELECT is((SELECT count(*) FROM saas.webhook_events AS e WHERE e.status = 'rejected' AND e.raw_body IS NULL), 1001::bigint, 'and their bodies are gone');
DELETE FROM saas.webhook_events WHERE status IN ('rejected', 'cert_needed');

-- Razorpay: its signature does not cover the name of the event.
CREATE FUNCTION pg_temp.razorpay(p_state text, p_event text) RETURNS text LANGUAGE sql AS $$
    SELECT (pg_temp.send('razorpay', pg_temp.render('razorpay', 'payment', 'pay1', 'order1', p_state, NULL, 1000, 1700000000, 'x'), p_event)).outcome
$$;
SELECT is(pg_temp.razorpay('authorized', 'ev1'), 'processed', 'a delivery');
SELECT is(pg_temp.razorpay('authorized', 'ev2'), 'duplicate', 'its body again under another name');
SELECT is(pg_temp.razorpay('paid', 'ev1'), 'processed', 'another body under a name that is taken is not lost');
SELECT is(pg_temp.razorpay('paid', 'ev1'), 'duplicate', 'once');
SELECT is(pg_temp.razorpay('paid', 'ev3'), 'duplicate', 'nor again under a third');
SELECT is((SELECT p.status FROM saas.payments AS p WHERE p.provider = 'razorpay'), 'paid', 'the newer state holds');

-- Adyen: members that are written twice are verified and applied as the same one of them.
CREATE FUNCTION pg_temp.twice(p_first bigint, p_last bigint, p_signed bigint) RETURNS text LANGUAGE sql AS $$
    SELECT (pg_temp.send_body('adyen', convert_to(format('{"live": "false", "notificationItems": [{"NotificationRequestItem": {"amount": {"value": %s, "currency": "USD"}, %s}}]}',
        p_first, replace(btrim(pg_temp.adyen_item('AUTHORISATION', 'true', 'twice', NULL, p_signed, 100)::text, '{}'), '"value": ' || p_signed, '"value": ' || p_last)), 'UTF8'), NULL)).outcome
$$;
SELECT is(pg_temp.twice(5, 900000, 5), 'rejected', 'the amount that is signed has to be the one that is read');
SELECT is(pg_temp.twice(900000, 5, 5), 'processed', 'as it is here');
SELECT is((SELECT p.amount FROM saas.payments AS p WHERE p.provider_payment_id = 'twice'), 5::bigint, 'and it holds');
-- One forged item condemns the batch.
SELECT is((pg_temp.send_body('adyen', convert_to(jsonb_build_object('live', 'false', 'notificationItems', jsonb_build_array(
    jsonb_build_object('NotificationRequestItem', pg_temp.adyen_item('AUTHORISATION', 'true', 'g1', NULL, 100, 100)),
    jsonb_build_object('NotificationRequestItem', pg_temp.adyen_item('AUTHORISATION', 'true', 'g2', NULL, 100, 100) || '{"amount": {"value": 100000, "currency": "USD"}}')))::text, 'UTF8'), NULL)).outcome,
    'rejected', 'a forged second item');
SELECT is_empty($$SELECT FROM saas.payments WHERE provider_payment_id IN ('g1', 'g2')$$, 'takes the first one with it');

-- Bodies, amounts, currencies and times that make no sense: the event fails or is rejected, and nothing else happens.
CREATE TEMPORARY TABLE nonsense (provider text, name text, body text) ON COMMIT DROP;
INSERT INTO nonsense
SELECT 'stripe', v.name, jsonb_build_object('id', 'n' || v.name, 'object', 'event', 'type', 'charge.updated', 'created', 100, 'data',
    jsonb_build_object('object', pg_temp.charge('ch_n', NULL, 'succeeded', true, v.more)))::text
FROM (VALUES ('negative', '{"amount": -1}'::jsonb), ('fraction', '{"amount": 10.5}'), ('too much', '{"amount": 9223372036854775808, "amount_captured": 1}'),
    ('enormous', '{"amount": 1e20000}'), ('text', '{"amount": "1000"}'), ('nothing', '{"amount": null}'), ('object', '{"amount": {}}'),
    ('unknown currency', '{"currency": "zzz"}'), ('long currency', '{"currency": "usdollar"}'), ('no currency', '{"currency": null}'), ('gold', '{"currency": "xau"}'),
    ('three decimals', '{"currency": "kwd", "amount": 9223372036854775807, "amount_captured": 9223372036854775807, "amount_refunded": -1}'),
    ('more captured', '{"amount_captured": 1001}'), ('more refunded', '{"amount_refunded": 1001}'), ('status', '{"status": "eaten"}'), ('no id', '{"id": null}'),
    ('long id', jsonb_build_object('id', repeat('x', 256))), ('last4', '{"payment_method_details": {"card": {"last4": "4242424242424242"}}}'),
    ('zero', '{"description": "a\\u0000b"}')) AS v (name, more)
UNION ALL SELECT 'stripe', 'no time', '{"id": "nt", "type": "charge.updated", "data": {"object": {"object": "charge", "id": "ch_n"}}}'
UNION ALL SELECT 'stripe', 'far time', '{"id": "nf", "type": "charge.updated", "created": 1e300, "data": {"object": {"object": "charge", "id": "ch_n", "amount": 1, "currency": "usd", "status": "succeeded"}}}'
UNION ALL SELECT 'square', 'far offset', '{"event_id": "no", "type": "payment.updated", "created_at": "2025-01-01T00:00:00+99:99", "data": {"object": {"payment": {"id": "p"}}}}'
UNION ALL SELECT 'square', 'no day', '{"event_id": "nd", "type": "payment.updated", "created_at": "2025-02-30T00:00:00Z", "data": {"object": {"payment": {"id": "p"}}}}'
UNION ALL SELECT 'stripe', 'deep', '{"id": "deep", "type": "charge.updated", "created": 1, "data": ' || repeat('[', 100000) || repeat(']', 100000) || '}'
UNION ALL SELECT 'razorpay', 'not an object', '[1]'
UNION ALL SELECT 'razorpay', 'no JSON', 'true}'
UNION ALL SELECT 'standard', 'empty', ''
UNION ALL SELECT 'svix', 'null', 'null';
CREATE TEMPORARY TABLE taken ON COMMIT DROP AS
SELECT n.provider, n.name, s.outcome, s.detail
FROM nonsense AS n
CROSS JOIN LATERAL pg_temp.send_body(n.provider, convert_to(replace(n.body, '\\u0000', '\u0000'), 'UTF8'), 'n ' || n.name) AS s;
SELECT is_empty($$SELECT * FROM taken WHERE outcome NOT IN ('failed', 'rejected', 'ignored')$$, 'none of it is applied');
SELECT is_empty($$SELECT * FROM taken WHERE detail ~ '4242424242424242|usdollar|eaten'$$, 'nor repeated');
SELECT is((pg_temp.send_body('stripe', '\x7b226964223a22ff227d', 'n')).outcome, 'rejected', 'bytes that are no text');
SELECT is_empty($$SELECT p.* FROM saas.payments AS p WHERE p.provider_payment_id LIKE 'ch_n%' OR p.provider IN ('square', 'standard', 'svix')$$, 'and leaves no payment');

-- Currencies as each provider counts them.
SELECT pg_temp.deliver(pg_temp.event('c' || c, 100, pg_temp.charge('ch_' || c, NULL, 'succeeded', false, jsonb_build_object('currency', c, 'amount', 5000))))
FROM unnest(ARRAY['jpy', 'kwd', 'usd']) AS c;
SELECT pg_temp.send('adyen', pg_temp.adyen_item('AUTHORISATION', 'true', 'A' || c, NULL, 5000, 100, jsonb_build_object('amount', jsonb_build_object('value', 5000, 'currency', c))), NULL)
FROM unnest(ARRAY['CLP', 'IDR', 'JPY']) AS c;
SELECT results_eq(
    $$SELECT p.provider_payment_id, p.amount, p.currency::text FROM saas.payments AS p WHERE p.amount >= 50 AND p.provider IN ('stripe', 'adyen') ORDER BY p.provider_payment_id COLLATE "C"$$,
    $$VALUES ('ACLP', 50::bigint, 'CLP'), ('AIDR', 500000, 'IDR'), ('AJPY', 5000, 'JPY'), ('ch_jpy', 5000, 'JPY'), ('ch_kwd', 5000, 'KWD'), ('ch_usd', 5000, 'USD')$$, 'amounts are in the currency''s own minor units');

-- A replay that the operator spells wrong says so.
SELECT throws_ok(format('SELECT saas.replay_webhooks(pg_temp.team(), %L)', f), 'SA057', NULL, f)
FROM unnest(ARRAY['[]', '1', '{"who": 1}', '{"status": "procesed"}', '{"status": ["failed", 1]}', '{"status": []}', '{"provider": "strip"}', '{"id": "x"}', '{"id": {}}', '{"event_type": 1}',
    '{"from": "yesterday"}', '{"from": null}', '{"to": "2025-01-01T00:00:00+99:99"}', '{"limit": 0}', '{"limit": 1.5}', '{"limit": "5"}', '{"limit": 100000}', '{"provider": null}']) AS f;
SELECT throws_ok('SELECT saas.replay_webhooks(pg_temp.team(), NULL)', 'SA057', NULL, 'nothing');
SELECT lives_ok($$SELECT saas.replay_webhooks(pg_temp.team(), '{"provider": ["stripe", "square"], "status": "failed", "event_type": "charge.updated", "from": "2020-01-01T00:00:00Z", "limit": 5}')$$, 'one that is right');
SELECT is((SELECT count(*) FROM saas.replay_webhooks(pg_temp.team(), '{}', NULL)), 0::bigint, 'none changes anything again');

-- Nothing is left of a dry run.
SELECT pg_temp.deliver(pg_temp.event('d1', 100, pg_temp.refund('re_d', 'ch_d', 10, 'succeeded')));
DELETE FROM saas.provider_status_map WHERE provider = 'stripe' AND object = 'event' AND provider_status = 'charge.updated';
SELECT pg_temp.deliver(pg_temp.event('d2', 100, pg_temp.charge('ch_d', NULL, 'succeeded', true)));
INSERT INTO saas.provider_status_map (provider, object, provider_status, machine, state) VALUES ('stripe', 'event', 'charge.updated', 'payment', 'object');
CREATE TEMPORARY TABLE before ON COMMIT DROP AS
SELECT pg_temp.rows_made() AS rows, (SELECT string_agg(e::text, ' ' ORDER BY e.id) FROM saas.webhook_events AS e) AS events, (SELECT count(*) FROM saas.audit_logs) AS audited;
CREATE TEMPORARY TABLE tried ON COMMIT DROP AS SELECT * FROM saas.replay_webhooks(pg_temp.team(), '{"provider": "stripe", "status": "ignored"}');
SELECT cmp_ok((SELECT count(*) FROM tried), '>', 5::bigint, 'a dry run shows what would change');
SELECT results_eq('SELECT * FROM before',
    $$SELECT pg_temp.rows_made(), (SELECT string_agg(e::text, ' ' ORDER BY e.id) FROM saas.webhook_events AS e), (SELECT count(*) FROM saas.audit_logs)$$, 'and changes nothing');
CREATE TEMPORARY TABLE done ON COMMIT DROP AS SELECT * FROM saas.replay_webhooks(pg_temp.team(), '{"provider": "stripe", "status": "ignored"}', false);
SELECT results_eq(
    $$SELECT table_name, operation, after - '{id,payment_id,created_at,updated_at,ref_id}'::text[] FROM done ORDER BY 1, 2, 3::text$$,
    $$SELECT table_name, operation, after - '{id,payment_id,created_at,updated_at,ref_id}'::text[] FROM tried ORDER BY 1, 2, 3::text$$, 'the real one does just that');
SELECT is((SELECT p.amount_captured || ' ' || p.amount_refunded FROM saas.payments AS p WHERE p.provider_payment_id = 'ch_d'), '1000 10', 'with what waited for it');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
