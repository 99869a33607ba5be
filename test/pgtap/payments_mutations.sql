-- Whatever an object looks like, its delivery has an outcome and never raises.
BEGIN;
SELECT plan(8);
\ir include/payments.sql
SELECT pg_temp.deliver(pg_temp.event('evt_' || c, 10, pg_temp.charge(c, 'pi_known', 'succeeded', true)))
FROM unnest(ARRAY['ch_known', 'ch_s']) AS c;

CREATE TEMPORARY TABLE objects (object jsonb) ON COMMIT DROP;
INSERT INTO objects VALUES
    (pg_temp.intent('pi_m', 'requires_payment_method', '{
        "amount_capturable": 0, "canceled_at": 5, "cancellation_reason": "abandoned", "capture_method": "manual",
        "customer": "cus_1", "description": "Shoes", "latest_charge": {"payment_method_details": {"type": "card"}},
        "last_payment_error": {"code": "card_declined"}, "livemode": true, "payment_method": "pm_1",
        "payment_method_types": ["card"], "receipt_email": "a@example.com", "shipping": {"address": {"country": "DE"}}}')),
    (pg_temp.charge('ch_m', 'pi_known', 'succeeded', true, '{
        "billing_details": {"email": "a@example.com"}, "customer": "cus_1", "description": "Shoes", "disputed": false,
        "failure_code": "x", "failure_message": "y", "livemode": true, "metadata": {"a": "b"},
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242", "checks": {}}}}')),
    (pg_temp.refund('re_m', 'ch_known', 100, 'succeeded', '{
        "failure_reason": "x", "metadata": {}, "payment_intent": "pi_known", "reason": "duplicate"}'));

-- Each member left out, and each replaced by a value of every other type; also the event's own.
CREATE TEMPORARY TABLE mutations ON COMMIT DROP AS
SELECT row_number() OVER () AS n, o.object ->> 'object' AS kind, m.member, v.value,
    CASE WHEN v.value IS NULL THEN o.object - m.member ELSE o.object || jsonb_build_object(m.member, v.value) END AS object
FROM objects AS o,
    jsonb_object_keys(o.object) AS m (member),
    (VALUES
        (NULL::jsonb), ('null'), ('""'), ('"canary"'), ('5'), ('-5'), ('1.5'), ('1e40'), ('true'), ('[]'), ('{}'),
        ('[1]'), ('{"id": "x"}'), ('{"card": 5}'), (to_jsonb(repeat('x', 300)))
    ) AS v (value);
SELECT cmp_ok((SELECT count(*) FROM mutations), '>', 600::bigint, 'hundreds of mutations');
CREATE TEMPORARY TABLE outcomes ON COMMIT DROP AS
SELECT m.*, d.outcome, d.detail
FROM mutations AS m, pg_temp.deliver(pg_temp.event('evt_m' || m.n, 100 + m.n, m.object)) AS d;
SELECT is_empty(
    $$SELECT n, kind, member, outcome FROM outcomes WHERE outcome NOT IN ('processed', 'superseded', 'conflict', 'deferred', 'ignored', 'failed')$$,
    'each has an outcome'
);
SELECT is_empty(
    $$SELECT n, kind, member, outcome FROM outcomes WHERE outcome = 'failed' AND (detail IS NULL OR detail ~ 'canary|xxx|1e40|1\.5|-5')$$,
    'what failed says why, without the payload'
);
SELECT set_has(
    $$SELECT DISTINCT outcome FROM outcomes$$, $$VALUES ('processed'), ('failed'), ('ignored')$$,
    'some are applied, some ignored, some fail'
);
SELECT is_empty(
    $$SELECT n, kind, member, outcome FROM outcomes WHERE member IN ('amount', 'currency', 'status', 'id') AND outcome = 'processed'
        AND jsonb_typeof(value) IS DISTINCT FROM 'number' AND NOT (member = 'id' AND value IN ('"canary"', '{"id": "x"}'))$$,
    'nothing is applied without amount, currency, status and id'
);

CREATE TEMPORARY TABLE envelopes ON COMMIT DROP AS
SELECT m.member, v.value, d.outcome
FROM (VALUES ('type'), ('created'), ('data'), ('object')) AS m (member),
    (VALUES ('null'::jsonb), ('""'), ('5'), ('-5'), ('1e400'), ('[]'), ('{}'), ('{"object": 5}'), ('{"object": {"object": []}}')) AS v (value),
    pg_temp.deliver(
        pg_temp.event('evt_e' || m.member || md5(v.value::text), 1, pg_temp.charge('ch_e', NULL, 'succeeded', true))
        || jsonb_build_object(m.member, v.value)
    ) AS d;
SELECT is_empty($$SELECT * FROM envelopes WHERE outcome NOT IN ('processed', 'superseded', 'ignored', 'failed')$$, 'so has each mutated event');

-- Every status that an object can have is a state of its machine.
SELECT is_empty($$
    SELECT s.object ->> 'object', s.object ->> 'status', d.outcome, d.detail
    FROM (
        SELECT pg_temp.intent('pi_' || u, u) AS object FROM unnest(ARRAY['requires_payment_method', 'requires_confirmation',
            'requires_action', 'processing', 'requires_capture', 'succeeded', 'canceled']) AS u
        UNION ALL SELECT pg_temp.charge('ch_' || u, NULL, u, false) FROM unnest(ARRAY['succeeded', 'pending', 'failed']) AS u
        UNION ALL SELECT pg_temp.refund('re_' || u, 'ch_s', 10, u)
        FROM unnest(ARRAY['pending', 'requires_action', 'succeeded', 'failed', 'canceled']) AS u
    ) AS s, pg_temp.deliver(pg_temp.event('evt_s' || (s.object ->> 'id'), 1, s.object)) AS d
    WHERE d.outcome <> 'processed'$$, 'every status of Stripe''s is known');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
