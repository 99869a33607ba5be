-- What Stripe would send to two shops in one day: a few hundred webhook deliveries in Stripe's shapes,
-- signed with each shop's secret, some sent twice, and in no order at all. Variables:
--   seed, coffee, coffee_secret, books, books_secret
-- The same seed makes the same story; only times follow the clock.
CREATE SCHEMA demo;

-- One row a payment: who buys what, and how it ends.
CREATE TABLE demo.payments AS
SELECT
    p.n,
    CASE WHEN p.n % 5 < 3 THEN :'coffee'::uuid ELSE :'books'::uuid END AS team_id,
    CASE WHEN p.n % 5 < 3 THEN :'coffee_secret' ELSE :'books_secret' END AS secret,
    pg_catalog.format('pi_demo_%s', p.n) AS intent_id,
    pg_catalog.format('ch_demo_%s', p.n) AS charge_id,
    CASE
        WHEN p.n % 40 = 7 THEN 480000 + p.n * 100     -- a very large order
        WHEN p.n % 5 < 3 THEN 350 + (p.r1 * 4200)::bigint
        ELSE 900 + (p.r1 * 9000)::bigint
    END AS amount,
    CASE
        WHEN p.n % 5 < 3 THEN 'eur'
        WHEN p.n % 10 = 3 THEN 'jpy'                  -- no decimals
        WHEN p.n % 50 = 4 THEN 'kwd'                  -- three
        ELSE 'usd'
    END AS currency,
    CASE
        WHEN p.r2 < 0.74 THEN 'succeeded'
        WHEN p.r2 < 0.82 THEN 'failed'
        WHEN p.r2 < 0.88 THEN 'canceled'
        WHEN p.r2 < 0.96 THEN 'refunded'
        ELSE 'partly_refunded'
    END AS ending,
    (ARRAY['ines', 'marek', 'yuki', 'omar', 'lena', 'pablo', 'ayo', 'freja'])[1 + p.n % 8]
    || CASE WHEN p.n % 23 = 11 THEN '@mailinator.com' ELSE '@example.com' END AS email,
    CASE WHEN p.n % 29 = 5 THEN 'KP' WHEN p.n % 3 = 0 THEN 'DE' WHEN p.n % 3 = 1 THEN 'FR' ELSE 'US' END AS country,
    GREATEST(date_trunc('day', now()), now() - interval '9 hours')
    + (now() - GREATEST(date_trunc('day', now()), now() - interval '9 hours')) * (p.n / 130.0) * 0.98 AS happened_at
FROM (
    SELECT n, random() AS r1, random() AS r2
    FROM (SELECT setseed(:seed)) AS s, generate_series(1, 120) AS n
) AS p;

-- Each payment's events, in the order in which they happened.
CREATE TABLE demo.events AS
WITH objects AS (
    SELECT
        p.*,
        jsonb_build_object(
            'id', p.intent_id, 'object', 'payment_intent', 'amount', p.amount, 'currency', p.currency,
            'amount_received', 0, 'created', extract(epoch FROM p.happened_at)::bigint,
            'livemode', false, 'capture_method', 'automatic', 'receipt_email', p.email,
            'payment_method_types', '["card"]'::jsonb, 'latest_charge', NULL,
            'shipping', jsonb_build_object('name', p.email, 'address', jsonb_build_object('country', p.country)),
            'metadata', jsonb_build_object('order', (1000 + p.n)::text)
        ) AS intent,
        jsonb_build_object(
            'id', p.charge_id, 'object', 'charge', 'amount', p.amount, 'amount_captured', p.amount,
            'amount_refunded', 0, 'currency', p.currency, 'captured', true, 'paid', true,
            'refunded', false, 'status', 'succeeded', 'livemode', false,
            'created', extract(epoch FROM p.happened_at)::bigint + 2, 'payment_intent', p.intent_id,
            'billing_details', jsonb_build_object('email', p.email),
            'payment_method_details', jsonb_build_object(
                'type', 'card', 'card', jsonb_build_object('brand', 'visa', 'last4', '4242', 'country', p.country)
            )
        ) AS charge
    FROM demo.payments AS p
)
SELECT o.team_id, o.secret, o.n, e.seconds, e.type, e.object
FROM objects AS o
CROSS JOIN LATERAL (
    VALUES
        (0, 'payment_intent.created', o.intent || '{"status": "requires_payment_method"}', true),
        (1, 'payment_intent.processing', o.intent || '{"status": "processing"}', o.n % 4 = 0),
        (
            2,
            'payment_intent.payment_failed',
            o.intent || '{"status": "requires_payment_method", "last_payment_error":
                {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds",
                 "message": "Your card has insufficient funds."}}',
            o.ending = 'failed'
        ),
        (
            1,
            'charge.failed',
            o.charge || '{"status": "failed", "paid": false, "captured": false, "amount_captured": 0,
                "failure_code": "card_declined", "failure_message": "Your card has insufficient funds."}',
            o.ending = 'failed'
        ),
        (
            3,
            'payment_intent.canceled',
            o.intent || '{"status": "canceled", "cancellation_reason": "requested_by_customer"}'
            || jsonb_build_object('canceled_at', extract(epoch FROM o.happened_at)::bigint + 3),
            o.ending = 'canceled'
        ),
        (2, 'charge.succeeded', o.charge, o.ending IN ('succeeded', 'refunded', 'partly_refunded')),
        (
            3,
            'payment_intent.succeeded',
            o.intent || '{"status": "succeeded"}'
            || jsonb_build_object('amount_received', o.amount, 'latest_charge', o.charge_id),
            o.ending IN ('succeeded', 'refunded', 'partly_refunded')
        ),
        (
            40,
            'refund.created',
            jsonb_build_object(
                'id', pg_catalog.format('re_demo_%s', o.n), 'object', 'refund', 'status', 'succeeded',
                'amount', CASE WHEN o.ending = 'refunded' THEN o.amount ELSE o.amount / 3 END,
                'currency', o.currency, 'charge', o.charge_id, 'payment_intent', o.intent_id,
                'created', extract(epoch FROM o.happened_at)::bigint + 40,
                'reason', 'requested_by_customer', 'metadata', '{}'::jsonb
            ),
            o.ending IN ('refunded', 'partly_refunded')
        ),
        (
            5,
            'customer.updated',
            jsonb_build_object('id', pg_catalog.format('cus_demo_%s', o.n), 'object', 'customer', 'email', o.email),
            o.n % 15 = 0
        )
) AS e (seconds, type, object, happens)
WHERE e.happens;

-- The deliveries: about one in seven is sent twice, as Stripe does when an answer got lost; each has
-- a signature of its own; the order is shuffled.
CREATE TABLE demo.deliveries AS
SELECT
    row_number() OVER (ORDER BY random()) AS n,
    d.team_id,
    jsonb_build_object('Stripe-Signature', pg_catalog.format(
        't=%s,v1=%s',
        d.signed_at,
        encode(hmac(convert_to(d.signed_at || '.' || d.body, 'UTF8'), convert_to(d.secret, 'UTF8'), 'sha256'), 'hex')
    )) AS headers,
    convert_to(d.body, 'UTF8') AS body
FROM (
    SELECT
        e.team_id,
        e.secret,
        extract(epoch FROM now())::bigint + copy.n - 2 AS signed_at,
        jsonb_build_object(
            'id', pg_catalog.format('evt_demo_%s_%s', e.n, replace(e.type, '.', '_')), 'object', 'event',
            'api_version', '2024-06-20', 'created', extract(epoch FROM p.happened_at)::bigint + e.seconds,
            'livemode', false, 'pending_webhooks', 1, 'type', e.type,
            'data', jsonb_build_object('object', e.object)
        )::text AS body
    FROM demo.events AS e
    JOIN demo.payments AS p ON p.n = e.n
    CROSS JOIN LATERAL generate_series(1, CASE WHEN (e.n + e.seconds) % 7 = 0 THEN 2 ELSE 1 END) AS copy (n)
) AS d;
ALTER TABLE demo.deliveries ADD PRIMARY KEY (n);
CREATE TABLE demo.answers (n bigint, outcome text, detail text);

-- An amount as people write it.
CREATE FUNCTION demo.money(p_amount bigint, p_currency char(3))
RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT trim(to_char(p_amount / 10.0 ^ c.exponent, 'FM999G999G990' || CASE
        WHEN c.exponent > 0 THEN '.' || repeat('0', c.exponent)
        ELSE ''
    END)) || ' ' || c.code
    FROM saas.currencies AS c
    WHERE c.code = p_currency
$$;
GRANT USAGE ON SCHEMA demo TO demo_backend, demo_worker, saas_app;
GRANT SELECT ON demo.deliveries TO demo_worker;
GRANT INSERT ON demo.answers TO demo_worker;
