-- Signed deliveries, made ahead so that only ingesting is measured: three events for each payment of
-- one team, in the order of n. Variable: deliveries (how many).
SELECT saas.create_team('Bench', 'bench', saas.create_user('bench@example.test')) AS team \gset
INSERT INTO saas.payment_providers (team_id, provider, display_name, webhook_secrets)
VALUES (:'team', 'stripe', 'Stripe', ARRAY['whsec_bench'::bytea]);

CREATE SCHEMA bench;
CREATE TABLE bench.settings AS SELECT :'team'::uuid AS team_id;
CREATE SEQUENCE bench.next CACHE 1;
CREATE SEQUENCE bench.next_plain CACHE 1;
CREATE TABLE bench.commits (n integer);
-- A hundred rules that assess each payment, of five kinds, and the same conditions as SQL; reads: the
-- attributes that explain a match.
CREATE TABLE bench.rules AS
SELECT
    n,
    CASE n % 5
        WHEN 0 THEN format('SCORE 3 IF :amount: > %s000 AND :card_country: != ''US''', n)
        WHEN 1 THEN format('REVIEW IF :email_domain: IN (''a%s.example'', ''b.example'', ''c.example'')', n)
        WHEN 2 THEN format('BLOCK IF :card_funding: = ''prepaid'' AND :amount: > %s00', n)
        WHEN 3 THEN format('SCORE 1 IF :card_country: NOT IN (''US'', ''CA'', ''GB'') AND :amount: >= %s', n)
        WHEN 4 THEN format('SCORE 2 IF :currency: != ''EUR'' AND :amount: > %s', n)
    END AS rule,
    CASE n % 5
        WHEN 0 THEN format('($1 ->> ''amount'')::bigint > %s000 AND ($1 ->> ''card_country'') <> ''US''', n)
        WHEN 1 THEN format('($1 ->> ''email_domain'') IN (''a%s.example'', ''b.example'', ''c.example'')', n)
        WHEN 2 THEN format('($1 ->> ''card_funding'') = ''prepaid'' AND ($1 ->> ''amount'')::bigint > %s00', n)
        WHEN 3 THEN format('($1 ->> ''card_country'') NOT IN (''US'', ''CA'', ''GB'') AND ($1 ->> ''amount'')::bigint >= %s', n)
        WHEN 4 THEN format('($1 ->> ''currency'') <> ''EUR'' AND ($1 ->> ''amount'')::bigint > %s', n)
    END AS condition,
    CASE n % 5 WHEN 0 THEN 3 WHEN 3 THEN 1 WHEN 4 THEN 2 ELSE 0 END AS score,
    CASE n % 5 WHEN 1 THEN 'review' WHEN 2 THEN 'block' ELSE 'score' END AS action,
    CASE n % 5
        WHEN 0 THEN '{amount,card_country}'
        WHEN 1 THEN '{email_domain}'
        WHEN 2 THEN '{amount,card_funding}'
        WHEN 3 THEN '{amount,card_country}'
        ELSE '{amount,currency}'
    END::text[] AS reads,
    CASE n % 5 WHEN 1 THEN 'review' WHEN 2 THEN 'block' END AS decision
FROM generate_series(1, 100) AS n;
INSERT INTO saas.fraud_detection_rules (team_id, name, rule)
SELECT s.team_id, r.n::text, r.rule FROM bench.rules AS r, bench.settings AS s;
CREATE UNLOGGED TABLE bench.deliveries AS
SELECT
    d.n,
    jsonb_build_object('Stripe-Signature', format(
        't=%s,v1=%s',
        d.signed_at,
        encode(hmac(convert_to(d.signed_at || '.' || d.body, 'UTF8'), convert_to('whsec_bench', 'UTF8'), 'sha256'), 'hex')
    )) AS headers,
    convert_to(d.body, 'UTF8') AS body
FROM (
    SELECT
        n,
        extract(epoch FROM now())::bigint AS signed_at,
        jsonb_build_object(
            'id', format('evt_%s', n), 'object', 'event', 'api_version', '2024-06-20',
            'created', extract(epoch FROM now())::bigint, 'livemode', false, 'pending_webhooks', 1,
            'type', CASE n % 3
                WHEN 0 THEN 'payment_intent.created'
                WHEN 1 THEN 'charge.succeeded'
                ELSE 'payment_intent.succeeded'
            END,
            'data', jsonb_build_object('object', CASE n % 3
                WHEN 1 THEN jsonb_build_object(
                    'id', format('ch_%s', n / 3), 'object', 'charge', 'amount', 1000 + n % 977,
                    'amount_captured', 1000 + n % 977, 'amount_refunded', 0, 'currency', 'eur',
                    'captured', true, 'paid', true, 'refunded', false, 'status', 'succeeded',
                    'created', extract(epoch FROM now())::bigint,
                    'payment_intent', format('pi_%s', n / 3),
                    'billing_details', '{"email": "someone@example.test", "name": "Some One"}'::jsonb,
                    'payment_method_details',
                    '{"type": "card", "card": {"brand": "visa", "last4": "4242", "country": "DE"}}'::jsonb
                )
                ELSE jsonb_build_object(
                    'id', format('pi_%s', n / 3), 'object', 'payment_intent',
                    'amount', 1000 + (n / 3 * 3 + 1) % 977,
                    'amount_received', CASE n % 3 WHEN 0 THEN 0 ELSE 1000 + (n / 3 * 3 + 1) % 977 END,
                    'currency', 'eur', 'capture_method', 'automatic',
                    'created', extract(epoch FROM now())::bigint,
                    'latest_charge', CASE n % 3 WHEN 0 THEN NULL ELSE format('ch_%s', n / 3) END,
                    'status', CASE n % 3 WHEN 0 THEN 'requires_payment_method' ELSE 'succeeded' END,
                    'receipt_email', 'someone@example.test', 'payment_method_types', '["card"]'::jsonb,
                    'metadata', '{"order": "1001"}'::jsonb
                )
            END)
        )::text AS body
    FROM generate_series(1, :deliveries) AS n
) AS d;
ALTER TABLE bench.deliveries ADD PRIMARY KEY (n);

-- The check alone, as one would write it without a native function: the event's id when the delivery
-- is genuine, as saas.verify_webhook() returns it. pgcrypto's hmac is native, too; the rest is
-- PL/pgSQL. Comparing digests of both sides hides where they differ.
CREATE FUNCTION bench.verify(p_headers jsonb, p_body bytea, p_secrets bytea[], p_at timestamptz)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_part text;
    v_time text;
    v_signatures text[] := '{}';
    v_secret bytea;
    v_expected text;
BEGIN
    FOREACH v_part IN ARRAY string_to_array(p_headers ->> 'Stripe-Signature', ',') LOOP
        CASE split_part(v_part, '=', 1)
            WHEN 't' THEN v_time := split_part(v_part, '=', 2);
            WHEN 'v1' THEN v_signatures := v_signatures || split_part(v_part, '=', 2);
            ELSE NULL;
        END CASE;
    END LOOP;
    IF v_time IS NULL OR abs(extract(epoch FROM p_at) - v_time::bigint) > 300 THEN
        RETURN NULL;
    END IF;
    FOREACH v_secret IN ARRAY p_secrets LOOP
        v_expected := encode(hmac(convert_to(v_time || '.', 'UTF8') || p_body, v_secret, 'sha256'), 'hex');
        FOREACH v_part IN ARRAY v_signatures LOOP
            IF sha256(convert_to(v_part, 'UTF8')) = sha256(convert_to(v_expected, 'UTF8')) THEN
                RETURN convert_from(p_body, 'UTF8')::jsonb ->> 'id';
            END IF;
        END LOOP;
    END LOOP;
    RETURN NULL;
END
$$;
VACUUM ANALYZE bench.deliveries;
