-- A team with Stripe set up, and functions that sign and deliver events as Stripe does.
-- Included inside a test's transaction.
CREATE TEMPORARY TABLE fixture ON COMMIT DROP AS
SELECT
    saas.create_user('owner-' || gen_random_uuid() || '@example.com', 'Owner') AS owner,
    NULL::uuid AS team,
    'whsec_test_secret' AS secret;
UPDATE fixture
SET team = saas.create_team('Payments', 'payments-' || left(gen_random_uuid()::text, 8), owner);
GRANT SELECT ON fixture TO PUBLIC;
SELECT saas.set_context(team, owner) FROM fixture;
SELECT saas.configure_payment_provider(team, 'stripe', ARRAY[convert_to(secret, 'UTF8')]) FROM fixture;

CREATE FUNCTION pg_temp.team() RETURNS uuid LANGUAGE sql AS 'SELECT team FROM fixture';

CREATE FUNCTION pg_temp.signature(p_body bytea, p_at bigint, p_secret text DEFAULT 'whsec_test_secret')
RETURNS text LANGUAGE sql AS $$
    SELECT 't=' || p_at || ',v1=' || encode(
        hmac(convert_to(p_at || '.', 'UTF8') || p_body, convert_to(p_secret, 'UTF8'), 'sha256'), 'hex'
    )
$$;

CREATE FUNCTION pg_temp.deliver_body(
    p_body bytea,
    OUT webhook_event_id uuid,
    OUT outcome text,
    OUT detail text
) LANGUAGE sql AS $$
    SELECT i.*
    FROM saas.ingest_webhook(
        pg_temp.team(), 'stripe',
        jsonb_build_object('Stripe-Signature', pg_temp.signature(p_body, 1700000000)),
        p_body,
        p_received_at => to_timestamp(1700000000)
    ) AS i
$$;

CREATE FUNCTION pg_temp.deliver(
    p_event jsonb,
    OUT webhook_event_id uuid,
    OUT outcome text,
    OUT detail text
) LANGUAGE sql AS $$
    SELECT d.* FROM pg_temp.deliver_body(convert_to(p_event::text, 'UTF8')) AS d
$$;

CREATE FUNCTION pg_temp.event(p_id text, p_created bigint, p_object jsonb, p_type text DEFAULT NULL)
RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object(
        'id', p_id, 'object', 'event', 'created', p_created,
        'type', COALESCE(p_type, CASE p_object ->> 'object' WHEN 'dispute' THEN 'charge.dispute' ELSE p_object ->> 'object' END || '.updated'),
        'data', jsonb_build_object('object', p_object)
    )
$$;

CREATE FUNCTION pg_temp.intent(p_id text, p_status text, p_more jsonb DEFAULT '{}')
RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object(
        'id', p_id, 'object', 'payment_intent', 'amount', 1000, 'currency', 'usd', 'status', p_status,
        'amount_received', CASE WHEN p_status = 'succeeded' THEN 1000 ELSE 0 END,
        'metadata', '{}'::jsonb, 'created', 50
    ) || p_more
$$;

CREATE FUNCTION pg_temp.charge(p_id text, p_intent text, p_status text, p_captured boolean, p_more jsonb DEFAULT '{}')
RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object(
        'id', p_id, 'object', 'charge', 'amount', 1000, 'currency', 'usd', 'status', p_status,
        'payment_intent', p_intent, 'captured', p_captured, 'amount_refunded', 0, 'refunded', false,
        'amount_captured', CASE WHEN p_captured THEN 1000 ELSE 0 END, 'created', 50
    ) || p_more
$$;

CREATE FUNCTION pg_temp.refund(p_id text, p_charge text, p_amount bigint, p_status text, p_more jsonb DEFAULT '{}')
RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object(
        'id', p_id, 'object', 'refund', 'amount', p_amount, 'currency', 'usd', 'status', p_status,
        'charge', p_charge, 'created', 50
    ) || p_more
$$;

CREATE FUNCTION pg_temp.dispute(p_id text, p_charge text, p_amount bigint, p_status text, p_more jsonb DEFAULT '{}')
RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object(
        'id', p_id, 'object', 'dispute', 'amount', p_amount, 'currency', 'usd', 'status', p_status,
        'charge', p_charge, 'reason', 'fraudulent', 'created', 50
    ) || p_more
$$;

CREATE FUNCTION pg_temp.payout(p_id text, p_amount bigint, p_status text, p_more jsonb DEFAULT '{}')
RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object(
        'id', p_id, 'object', 'payout', 'amount', p_amount, 'currency', 'usd', 'status', p_status, 'created', 50
    ) || p_more
$$;

CREATE FUNCTION pg_temp.payment(p_ref text) RETURNS saas.payments LANGUAGE sql AS $$
    SELECT p.* FROM saas.payments AS p WHERE p.team_id = pg_temp.team() AND p.provider_payment_id = p_ref
$$;

-- Every row that events make, without what differs from run to run: ids of ours and times of ours.
CREATE FUNCTION pg_temp.rows_made() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(r.line, E'\n' ORDER BY r.line)
    FROM (
        SELECT 'intent ' || (to_jsonb(i) - '{id,team_id,created_at,updated_at}'::text[])::text AS line
        FROM saas.payment_intents AS i
        WHERE i.team_id = pg_temp.team()
        UNION ALL
        SELECT 'payment ' || (
            to_jsonb(p) - '{id,team_id,created_at,updated_at,payment_intent_id}'::text[]
            || jsonb_build_object('intent', i.provider_intent_id)
        )::text
        FROM saas.payments AS p
        LEFT JOIN saas.payment_intents AS i ON i.team_id = p.team_id AND i.id = p.payment_intent_id
        WHERE p.team_id = pg_temp.team()
        UNION ALL
        SELECT 'operation ' || (
            to_jsonb(t) - '{id,team_id,created_at,updated_at,payment_id}'::text[]
            || jsonb_build_object('payment', p.provider_payment_id)
        )::text
        FROM saas.payment_transactions AS t
        JOIN saas.payments AS p ON p.team_id = t.team_id AND p.id = t.payment_id
        WHERE t.team_id = pg_temp.team()
        UNION ALL
        SELECT 'refund ' || (
            to_jsonb(r) - '{id,team_id,created_at,updated_at,payment_id}'::text[]
            || jsonb_build_object('payment', p.provider_payment_id)
        )::text
        FROM saas.refunds AS r
        JOIN saas.payments AS p ON p.team_id = r.team_id AND p.id = r.payment_id
        WHERE r.team_id = pg_temp.team()
        UNION ALL
        SELECT 'dispute ' || (
            to_jsonb(d) - '{id,team_id,created_at,updated_at,payment_id}'::text[]
            || jsonb_build_object('payment', p.provider_payment_id)
        )::text
        FROM saas.payment_disputes AS d
        JOIN saas.payments AS p ON p.team_id = d.team_id AND p.id = d.payment_id
        WHERE d.team_id = pg_temp.team()
        UNION ALL
        SELECT 'payout ' || (to_jsonb(o) - '{id,team_id,created_at,updated_at}'::text[])::text
        FROM saas.payouts AS o
        WHERE o.team_id = pg_temp.team()
        UNION ALL
        -- An account that was opened and emptied again says nothing.
        SELECT concat_ws(' ', 'account', t.kind, t.provider, t.currency, t.balance)
        FROM saas.ledger_trial_balance(pg_temp.team()) AS t
        WHERE t.balance <> 0
    ) AS r
$$;

-- Delivers the events in an order that the seed decides, some of them twice, and answers with the rows
-- they made; takes everything back.
CREATE FUNCTION pg_temp.rows_after(p_events jsonb[], p_seed text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_event jsonb;
    v_rows text;
BEGIN
    BEGIN
        FOR v_event IN
            SELECT d.event
            FROM (
                SELECT e.event, md5(p_seed || e.number) AS place
                FROM unnest(p_events) WITH ORDINALITY AS e (event, number)
                UNION ALL
                SELECT e.event, md5(p_seed || 'again' || e.number)
                FROM unnest(p_events) WITH ORDINALITY AS e (event, number)
                WHERE md5(p_seed || 'twice' || e.number) < '4'
            ) AS d
            ORDER BY d.place
        LOOP
            PERFORM pg_temp.deliver(v_event);
        END LOOP;
        v_rows := pg_temp.rows_made();
        RAISE EXCEPTION USING ERRCODE = 'ZZ001';
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
        RETURN v_rows;
    END;
END
$$;
