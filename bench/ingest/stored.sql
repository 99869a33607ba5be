-- Events that were taken in long ago, with the rows they made: one payment for three of them. Inserted without
-- triggers and foreign keys, which is quick. Variables: begin, end (their numbers).
SET session_replication_role = replica;
SET synchronous_commit = off;
INSERT INTO saas.webhook_events (
    team_id, provider, provider_event_id, event_type, status, body_sha256, body_bytes, payload, secret_no,
    provider_created_at, received_at, last_received_at, processed_at
)
SELECT
    s.team_id, 'stripe', format('old_%s', n), 'charge.succeeded', 'processed',
    sha256(n::text::bytea), 600,
    jsonb_build_object('id', format('old_%s', n), 'type', 'charge.succeeded', 'object', 'event'),
    1, b.at, b.at, b.at, b.at
FROM bench.settings AS s
CROSS JOIN generate_series(:begin, :end) AS n
CROSS JOIN LATERAL (SELECT now() - interval '90 days' + n * interval '0.1 s') AS b (at);
WITH intents AS (
    INSERT INTO saas.payment_intents (
        team_id, provider, provider_intent_id, amount, amount_received, currency, status, status_source,
        states_seen, snapshot_at, snapshot_event_id, capture_method, attributes, metadata, livemode,
        provider_created_at
    )
    SELECT
        s.team_id, 'stripe', format('old_pi_%s', n), 1000, 1000, 'EUR', 'succeeded', 'provider',
        '{succeeded}', now() - interval '90 days', format('old_%s', n), 'automatic',
        '{"email": "old@example.test", "card_brand": "visa"}', '{}', false, now() - interval '90 days'
    FROM bench.settings AS s, generate_series(:begin, :end, 3) AS n
    RETURNING team_id, id, provider_intent_id, snapshot_at, attributes
), payments AS (
    INSERT INTO saas.payments (
        team_id, provider, provider_payment_id, provider_intent_id, payment_intent_id, amount,
        amount_captured, currency, status, status_source, states_seen, snapshot_at, snapshot_event_id,
        payment_method_type, card_brand, card_last4, metadata, livemode, provider_created_at
    )
    SELECT
        i.team_id, 'stripe', 'ch_' || i.provider_intent_id, i.provider_intent_id, i.id, 1000,
        1000, 'EUR', 'paid', 'provider', '{paid}', i.snapshot_at, 'ch_' || i.provider_intent_id,
        'card', 'visa', '4242', '{}', false, i.snapshot_at
    FROM intents AS i
    RETURNING team_id, id, provider_payment_id, snapshot_at
), assessments AS (
    INSERT INTO saas.fraud_assessments (
        team_id, payment_intent_id, score, decision, matched, shadow, errors, attributes, rule_set_version,
        assessed_at, microseconds
    )
    SELECT i.team_id, i.id, 0, 'approve', '[]', '[]', '[]', i.attributes, 'old', i.snapshot_at, 10
    FROM intents AS i, generate_series(1, 2)
)
INSERT INTO saas.payment_transactions (
    team_id, payment_id, operation, provider_reference, amount, currency, status, status_source, occurred_at
)
SELECT p.team_id, p.id, o, p.provider_payment_id, 1000, 'EUR', 'succeeded', 'provider', p.snapshot_at
FROM payments AS p, unnest(ARRAY['authorize', 'capture']) AS o;
