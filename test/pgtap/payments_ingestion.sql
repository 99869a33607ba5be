-- What each kind of delivery does.
BEGIN;
SELECT plan(78);
\ir include/payments.sql

-- Genuine or not.
SELECT is(d.outcome || ': ' || d.detail, 'rejected: no valid signature', 'a forged delivery is rejected')
FROM saas.ingest_webhook(
    pg_temp.team(), 'stripe', '{"Stripe-Signature": "t=1700000000,v1=00"}',
    convert_to(pg_temp.event('evt_f', 1, pg_temp.charge('ch_f', NULL, 'succeeded', true))::text, 'UTF8'),
    p_received_at => to_timestamp(1700000000)
) AS d;
SELECT results_eq(
    $$SELECT status, reason, payload IS NULL, provider_event_id IS NULL, octet_length(body_sha256), body_bytes > 100
      FROM saas.webhook_events WHERE team_id = pg_temp.team()$$,
    $$VALUES ('rejected', 'no valid signature', true, true, 32, true)$$,
    'of it a digest is kept, not the body'
);
SELECT is_empty($$SELECT FROM saas.payments WHERE team_id = pg_temp.team()$$, 'and nothing is changed');
SELECT is(d.detail, 'signature is too old', 'an old delivery is rejected')
FROM saas.ingest_webhook(
    pg_temp.team(), 'stripe',
    jsonb_build_object('stripe-signature', pg_temp.signature('{"id":"evt_o"}', 1700000000)), '{"id":"evt_o"}',
    p_received_at => to_timestamp(1700000301)
) AS d;
SELECT is(d.detail, 'missing Stripe-Signature header', 'an unsigned delivery is rejected')
FROM saas.ingest_webhook(pg_temp.team(), 'stripe', '{}', '{}') AS d;
SELECT is(d.detail, 'the provider is not set up', 'a provider that is not set up is rejected')
FROM saas.ingest_webhook(pg_temp.team(), 'adyen', '{}', '{}') AS d;
SELECT is(d.outcome || coalesce(d.webhook_event_id::text, '') || d.detail, 'rejectedunknown team', 'an unknown team stores nothing')
FROM saas.ingest_webhook(gen_random_uuid(), 'stripe', '{}', '{}') AS d;
SELECT is(d.outcome, 'rejected', 'missing arguments are a rejected delivery')
FROM saas.ingest_webhook(pg_temp.team(), NULL, NULL, NULL, NULL, NULL) AS d;
SELECT is((pg_temp.deliver_body('not json')).detail, 'the body is not a JSON object with an event id', 'a body that is not JSON is rejected');
SELECT is((pg_temp.deliver_body('\xff00')).outcome, 'rejected', 'so is one that is not UTF-8');
SELECT is((pg_temp.deliver_body(convert_to(repeat('[', 100000), 'UTF8'))).outcome, 'rejected', 'and one that nests without end');
SELECT is((pg_temp.deliver('{"object": "event", "type": "charge.updated"}')).outcome, 'rejected', 'and one without an event id');
SELECT is((pg_temp.deliver('["evt_1"]')).outcome, 'rejected', 'and one that is no object');

-- Kept, and ignored.
SELECT is((pg_temp.deliver('{"id": "evt_i1", "type": "customer.created", "data": {"object": {"object": "customer"}}}')).outcome, 'ignored', 'an unknown type is ignored');
SELECT is((pg_temp.deliver('{"id": "evt_i2"}')).outcome, 'ignored', 'so is an event without anything');
SELECT is((pg_temp.deliver('{"id": "evt_i3", "object": "v2.core.event", "type": "charge.x", "created": "2024-01-01T00:00:00Z", "data": {"object": {"object": "charge"}}}')).outcome, 'ignored', 'and a thin event');
SELECT is((pg_temp.deliver('{"id": "evt_i4", "type": {"a": 1}, "created": 1e300, "data": []}')).outcome, 'ignored', 'and one of other types');
SELECT is((SELECT payload ->> 'type' FROM saas.webhook_events WHERE team_id = pg_temp.team() AND provider_event_id = 'evt_i1'), 'customer.created', 'its body is kept');

-- Applied.
SELECT is((pg_temp.deliver(pg_temp.event('evt_1', 100, pg_temp.intent('pi_1', 'requires_payment_method', '{
    "last_payment_error": {"code": "card_declined", "decline_code": "lost_card", "message": "Declined.",
        "payment_method": {"type": "card", "billing_details": {"email": "A@Example.com", "address": {"country": "DE"}},
            "card": {"brand": "visa", "country": "FR", "funding": "debit", "last4": "4242", "fingerprint": "fp", "checks": {"cvc_check": "fail"}}}},
    "metadata": {"ip": "203.0.113.9"}, "shipping": {"address": {"country": "ES"}}, "capture_method": "automatic",
    "customer": {"id": "cus_1", "object": "customer"}, "livemode": true, "description": "Shoes"}'), 'payment_intent.payment_failed'))).outcome,
    'processed', 'an intent whose attempt failed lands');
SELECT results_eq(
    $$SELECT amount, currency::text, status, status_source, last_error_code, last_error_decline_code, provider_customer_id, livemode, description
      FROM saas.payment_intents WHERE team_id = pg_temp.team() AND provider_intent_id = 'pi_1'$$,
    $$VALUES (1000::bigint, 'USD', 'requires_payment_method', 'provider', 'card_declined', 'lost_card', 'cus_1', true, 'Shoes')$$,
    'with what the provider said'
);
SELECT is(
    (SELECT attributes FROM saas.payment_intents WHERE team_id = pg_temp.team() AND provider_intent_id = 'pi_1'),
    '{"amount": 1000, "currency": "USD", "email": "a@example.com", "email_domain": "example.com", "ip": "203.0.113.9",
      "card_brand": "visa", "card_country": "FR", "card_funding": "debit", "card_fingerprint": "fp", "card_last4": "4242",
      "cvc_check": "fail", "customer": "cus_1", "description": "Shoes", "capture_method": "automatic",
      "payment_method_type": "card", "livemode": true, "shipping_country": "ES", "billing_country": "DE"}'::jsonb,
    'and with the attributes that fraud rules ask for'
);
SELECT is((pg_temp.deliver(pg_temp.event('evt_2', 110, pg_temp.charge('ch_1', 'pi_1', 'failed', false, '{"failure_code": "card_declined"}')))).outcome, 'processed', 'a failed charge lands');
SELECT is((pg_temp.payment('ch_1')).status || (pg_temp.payment('ch_1')).failure_code, 'failedcard_declined', 'as a failed payment');
SELECT isnt((pg_temp.payment('ch_1')).payment_intent_id, NULL, 'that knows its intent');
SELECT is((pg_temp.deliver(pg_temp.event('evt_3', 120, pg_temp.charge('ch_2', 'pi_1', 'succeeded', true)))).outcome, 'processed', 'a charge lands');
SELECT is((pg_temp.deliver(pg_temp.event('evt_4', 120, pg_temp.intent('pi_1', 'succeeded')))).outcome, 'processed', 'the intent succeeds');
SELECT results_eq(
    $$SELECT p.amount, p.amount_captured, p.amount_refunded, p.status, p.payment_intent_id = i.id, i.status, i.amount_received
      FROM saas.payments AS p, saas.payment_intents AS i
      WHERE p.team_id = pg_temp.team() AND p.provider_payment_id = 'ch_2' AND i.team_id = p.team_id$$,
    $$VALUES (1000::bigint, 1000::bigint, 0::bigint, 'paid', true, 'succeeded', 1000::bigint)$$,
    'both agree'
);
SELECT results_eq(
    $$SELECT t.operation, t.amount, t.status FROM saas.payment_transactions AS t
      WHERE t.team_id = pg_temp.team() AND t.payment_id = (pg_temp.payment('ch_2')).id ORDER BY t.operation$$,
    $$VALUES ('authorize', 1000::bigint, 'succeeded'), ('capture', 1000::bigint, 'succeeded')$$,
    'its operations are recorded'
);

-- Again, late, and contradicting.
SELECT is((pg_temp.deliver(pg_temp.event('evt_4', 120, pg_temp.intent('pi_1', 'succeeded')))).outcome, 'duplicate', 'an event that comes again is a duplicate');
SELECT is((pg_temp.deliver(pg_temp.event('evt_4', 120, pg_temp.intent('pi_1', 'succeeded')))).detail, 'first delivery: processed', 'which says what became of it');
SELECT is((SELECT deliveries FROM saas.webhook_events WHERE team_id = pg_temp.team() AND provider_event_id = 'evt_4'), 3, 'and is counted');
SELECT is((pg_temp.deliver(pg_temp.event('evt_5', 999, pg_temp.intent('pi_1', 'processing')))).outcome, 'superseded', 'a late snapshot is superseded, whatever its time');
SELECT is((pg_temp.deliver(pg_temp.event('evt_6', 999, pg_temp.intent('pi_1', 'canceled')))).outcome, 'conflict', 'one that contradicts is a conflict');
SELECT results_eq(
    $$SELECT status, status_source, states_seen FROM saas.payment_intents WHERE team_id = pg_temp.team() AND provider_intent_id = 'pi_1'$$,
    $$VALUES ('succeeded', 'conflict', ARRAY['canceled', 'processing', 'requires_payment_method', 'succeeded'])$$,
    'the payment that happened holds, and the conflict shows'
);
SELECT is((pg_temp.deliver(pg_temp.event('evt_7', 100, pg_temp.intent('pi_2', 'processing'), 'payment_intent.succeeded'))).detail,
    'the object''s status is not the one that the event type announces', 'the state comes from the object');
SELECT is((SELECT status FROM saas.payment_intents WHERE team_id = pg_temp.team() AND provider_intent_id = 'pi_2'), 'processing', 'not from the type');
SELECT is((pg_temp.deliver(pg_temp.event('evt_8', 101, pg_temp.intent('pi_2', 'requires_payment_method')))).outcome, 'processed', 'within a circle time decides');
SELECT is((pg_temp.deliver(pg_temp.event('evt_9', 100, pg_temp.intent('pi_2', 'requires_action')))).outcome, 'superseded', 'and not arrival');

-- Captured later; canceled.
SELECT is((pg_temp.deliver(pg_temp.event('evt_10', 100, pg_temp.charge('ch_3', NULL, 'succeeded', false)))).outcome, 'processed', 'an authorisation lands');
SELECT is((pg_temp.payment('ch_3')).status, 'authorized', 'as authorized');
SELECT is((pg_temp.deliver(pg_temp.event('evt_11', 200, pg_temp.charge('ch_3', NULL, 'succeeded', true, '{"amount_captured": 600}')))).outcome, 'processed', 'it is captured in part');
SELECT is(((pg_temp.payment('ch_3')).status, (pg_temp.payment('ch_3')).amount_captured)::text, '(paid,600)', 'and paid');
SELECT is((pg_temp.deliver(pg_temp.event('evt_12', 150, pg_temp.charge('ch_3', NULL, 'succeeded', false)))).outcome, 'superseded', 'the authorisation does not come back');
SELECT pg_temp.deliver(pg_temp.event('evt_13', 100, pg_temp.charge('ch_4', NULL, 'succeeded', false)));
SELECT pg_temp.deliver(pg_temp.event('evt_14', 200, pg_temp.charge('ch_4', NULL, 'succeeded', false, '{"refunded": true, "amount_refunded": 1000}')));
SELECT is(
    ((pg_temp.payment('ch_4')).status, (pg_temp.payment('ch_4')).amount_refunded, (pg_temp.payment('ch_4')).amount_released)::text,
    '(voided,0,1000)', 'an authorisation that is refunded is released'
);

-- Refunds.
SELECT is((pg_temp.deliver(pg_temp.event('evt_20', 300, pg_temp.refund('re_1', 'ch_2', 300, 'pending')))).outcome, 'processed', 'a refund lands');
SELECT is((pg_temp.payment('ch_2')).amount_refunded, 300::bigint, 'and counts while it is pending');
SELECT is((pg_temp.deliver(pg_temp.event('evt_21', 310, pg_temp.charge('ch_2', 'pi_1', 'succeeded', true, '{"amount_refunded": 300}')))).outcome, 'processed', 'the charge says so too');
SELECT is((pg_temp.payment('ch_2')).amount_refunded, 300::bigint, 'which does not count twice');
SELECT is((pg_temp.deliver(pg_temp.event('evt_22', 320, pg_temp.refund('re_1', 'ch_2', 300, 'succeeded')))).outcome, 'processed', 'it succeeds');
SELECT is((pg_temp.deliver(pg_temp.event('evt_23', 400, pg_temp.refund('re_1', 'ch_2', 300, 'failed', '{"failure_reason": "lost_or_stolen_card"}')))).outcome, 'processed', 'and comes back late');
SELECT is((pg_temp.payment('ch_2')).amount_refunded, 0::bigint, 'and counts no more');
SELECT results_eq(
    $$SELECT r.status, r.failure_reason, t.status FROM saas.refunds AS r, saas.payment_transactions AS t
      WHERE r.team_id = pg_temp.team() AND r.provider_refund_id = 're_1' AND t.team_id = r.team_id AND t.provider_reference = 're_1'$$,
    $$VALUES ('failed', 'lost_or_stolen_card', 'failed')$$, 'as its rows say'
);
SELECT is((pg_temp.deliver(pg_temp.event('evt_24', 500, pg_temp.refund('re_2', 'ch_2', 700, 'succeeded')))).outcome, 'processed', 'another one takes its place');
SELECT is((pg_temp.deliver(pg_temp.event('evt_25', 510, pg_temp.refund('re_3', 'ch_2', 400, 'succeeded')))).detail, 'the refunds would exceed the payment', 'one that would exceed the payment waits');
SELECT is((pg_temp.payment('ch_2')).amount_refunded, 700::bigint, 'and changes nothing');
SELECT is((pg_temp.deliver(pg_temp.event('evt_26', 505, pg_temp.refund('re_2', 'ch_2', 700, 'failed')))).outcome, 'processed', 'until the other one fails');
SELECT is(
    ((pg_temp.payment('ch_2')).amount_refunded, (SELECT e.status FROM saas.webhook_events AS e WHERE e.team_id = pg_temp.team() AND e.provider_event_id = 'evt_25'))::text,
    '(400,processed)', 'and then counts'
);

-- A refund before its payment.
SELECT is((pg_temp.deliver(pg_temp.event('evt_30', 100, pg_temp.refund('re_5', 'ch_5', 250, 'succeeded')))).outcome, 'deferred', 'a refund before its payment is deferred');
SELECT is((SELECT waits_for FROM saas.webhook_events WHERE team_id = pg_temp.team() AND provider_event_id = 'evt_30'), 'ch_5', 'and says what for');
SELECT is(r.outcome, 'deferred', 'tried again too early it still is')
FROM saas.webhook_events AS e, saas.retry_webhook(e.team_id, e.id) AS r
WHERE e.team_id = pg_temp.team() AND e.provider_event_id = 'evt_30';
SELECT is((pg_temp.deliver(pg_temp.event('evt_31', 90, pg_temp.charge('ch_5', 'pi_5', 'succeeded', true)))).outcome, 'processed', 'its payment lands');
SELECT is(
    ((pg_temp.payment('ch_5')).amount_refunded, (SELECT e.status FROM saas.webhook_events AS e WHERE e.team_id = pg_temp.team() AND e.provider_event_id = 'evt_30'))::text,
    '(250,processed)', 'and the refund with it'
);
SELECT is((pg_temp.deliver(pg_temp.event('evt_32', 200, pg_temp.refund('re_6', NULL, 100, 'succeeded', '{"payment_intent": "pi_5"}')))).outcome, 'processed', 'a refund may name the intent alone');
SELECT is((pg_temp.deliver(pg_temp.event('evt_33', 80, pg_temp.intent('pi_5', 'succeeded')))).outcome, 'processed', 'the intent lands last');
SELECT is(
    (SELECT i.provider_intent_id FROM saas.payment_intents AS i WHERE i.team_id = pg_temp.team() AND i.id = (pg_temp.payment('ch_5')).payment_intent_id),
    'pi_5', 'and its payment finds it'
);

-- A refund that names the intent alone waits for whatever it needs next.
SELECT is((pg_temp.deliver(pg_temp.event('evt_34', 300, pg_temp.refund('re_7', NULL, 600, 'succeeded', '{"payment_intent": "pi_6"}')))).outcome, 'deferred', 'a refund before its intent is known');
SELECT is((pg_temp.deliver(pg_temp.event('evt_35', 90, pg_temp.charge('ch_6', NULL, 'succeeded', true)))).outcome, 'processed', 'a charge that does not name its intent');
SELECT pg_temp.deliver(pg_temp.event('evt_36', 280, pg_temp.refund('re_8', 'ch_6', 600, 'succeeded')));
SELECT pg_temp.deliver(pg_temp.event('evt_37', 95, pg_temp.charge('ch_6', 'pi_6', 'succeeded', true)));
SELECT results_eq(
    $$SELECT e.reason, e.waits_for FROM saas.webhook_events AS e WHERE e.team_id = pg_temp.team() AND e.provider_event_id = 'evt_34'$$,
    $$VALUES ('the refunds would exceed the payment', 'ch_6')$$, 'once it does, the refund is tried, and waits for another to come back'
);
SELECT pg_temp.deliver(pg_temp.event('evt_38', 290, pg_temp.refund('re_8', 'ch_6', 600, 'failed')));
SELECT is((SELECT e.status FROM saas.webhook_events AS e WHERE e.team_id = pg_temp.team() AND e.provider_event_id = 'evt_34'), 'processed', 'which it does');

-- What makes no sense fails, and is kept.
CREATE TEMPORARY TABLE nonsense (id text, object jsonb, detail text) ON COMMIT DROP;
INSERT INTO nonsense VALUES
    ('evt_n1', pg_temp.charge('ch_n', NULL, 'succeeded', true, '{"amount": -5}'), 'an amount is not a whole, non-negative number of minor units'),
    ('evt_n2', pg_temp.charge('ch_n', NULL, 'succeeded', true, '{"amount": "secret"}'), 'an amount is missing or not a number'),
    ('evt_n3', pg_temp.charge('ch_n', NULL, 'succeeded', true, '{"amount": 1e30}'), 'an amount is not a whole, non-negative number of minor units'),
    ('evt_n4', pg_temp.charge('ch_n', NULL, 'on fire', true), 'the status of the charge is unknown'),
    ('evt_n5', pg_temp.charge('ch_n', NULL, 'succeeded', true, '{"currency": "zzz"}'), 'the currency is unknown, or has no minor unit'),
    ('evt_n6', pg_temp.charge(NULL, NULL, 'succeeded', true), 'an object has no id, or it is not a text of 1 to 255 characters'),
    ('evt_n7', pg_temp.charge('ch_n', NULL, 'succeeded', true, '{"amount_captured": 2000}'), 'more of the payment is captured or refunded than its amount'),
    ('evt_n10', pg_temp.charge('ch_n', NULL, 'succeeded', true, '{"payment_method_details": {"card": {"last4": "4242424242424242"}}}'), 'the last digits of the card are not up to four digits'),
    ('evt_n13', pg_temp.charge('ch_2', NULL, 'succeeded', true, '{"amount_refunded": 1001}'), 'more of the payment is captured or refunded than its amount'),
    ('evt_n14', pg_temp.charge('ch_2', NULL, 'succeeded', true, '{"payment_method_details": {"card": {"last4": "x"}}}'), 'the last digits of the card are not up to four digits'),
    ('evt_n11', pg_temp.refund('re_n', NULL, 10, 'succeeded'), 'the refund names neither a charge nor a payment intent');
SELECT results_eq(
    $$SELECT n.id, d.outcome, d.detail FROM nonsense AS n, pg_temp.deliver(pg_temp.event(n.id, 1, n.object)) AS d ORDER BY n.id$$,
    $$SELECT n.id, 'failed', n.detail FROM nonsense AS n ORDER BY n.id$$,
    'what makes no sense fails, with the reason'
);
SELECT is_empty($$SELECT FROM saas.payments WHERE team_id = pg_temp.team() AND provider_payment_id = 'ch_n'$$, 'and leaves no row');
SELECT is((pg_temp.deliver_body(convert_to('{"id": "evt_n12", "type": "charge.updated", "created": 1, "data": 1e999999}', 'UTF8'))).detail, 'the event could not be applied', 'JSON that jsonb cannot hold fails');
SELECT is(r.outcome, 'failed', 'tried again it fails again')
FROM saas.webhook_events AS e, saas.retry_webhook(e.team_id, e.id) AS r
WHERE e.team_id = pg_temp.team() AND e.provider_event_id = 'evt_n1';
SELECT throws_ok(
    $$SELECT saas.retry_webhook(e.team_id, e.id) FROM saas.webhook_events AS e WHERE e.team_id = pg_temp.team() AND e.provider_event_id = 'evt_1'$$,
    'SA073', NULL, 'what was processed is not tried again'
);
-- What is not the event's fault is raised: nothing is kept, and it is taken when it comes again.
CREATE FUNCTION pg_temp.stumble() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION USING ERRCODE = current_setting('test.state'); END$$;
CREATE TRIGGER zz_stumble BEFORE INSERT ON saas.payments FOR EACH ROW EXECUTE FUNCTION pg_temp.stumble();
CREATE FUNCTION pg_temp.outcome_after(p_state text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('test.state', p_state, true);
    RETURN (pg_temp.deliver(pg_temp.event('evt_state_' || p_state, 1, pg_temp.charge('ch_state', NULL, 'succeeded', true)))).outcome;
EXCEPTION WHEN OTHERS THEN
    RETURN 'raised ' || SQLSTATE;
END $$;
SELECT results_eq(
    $$SELECT u.state, pg_temp.outcome_after(u.state) FROM unnest('{08006,22003,22P07,23514,25006,40001,40P01,42703,53200,55P03,57P03,58030,SA072,XX000}'::text[]) AS u (state)$$,
    $$SELECT u.state, CASE WHEN u.state IN ('22003', '23514', 'SA072') THEN 'failed' ELSE 'raised ' || u.state END
        FROM unnest('{08006,22003,22P07,23514,25006,40001,40P01,42703,53200,55P03,57P03,58030,SA072,XX000}'::text[]) AS u (state)$$,
    'what the server could not do is raised, also for a table that has got a column meanwhile'
);
DROP TRIGGER zz_stumble ON saas.payments;
SELECT is(pg_temp.outcome_after('22P07'), 'processed', 'and taken when it comes again');
SELECT is((SELECT count(*) FROM saas.webhook_events WHERE team_id = pg_temp.team() AND status = 'deferred'), 0::bigint, 'nothing is left waiting');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
