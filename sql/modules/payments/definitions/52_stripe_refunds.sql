-- Stripe's refunds, and what they do to the amounts of their payment.
CREATE OR REPLACE FUNCTION saas.apply_stripe_refund(
    p_team uuid,
    p_refund jsonb,
    p_at timestamptz,
    p_event_id text,
    OUT outcome text,
    OUT detail text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_ref text := saas.provider_object_id(p_refund -> 'id', true);
    v_charge_ref text := saas.provider_object_id(p_refund -> 'charge');
    v_intent_ref text := saas.provider_object_id(p_refund -> 'payment_intent');
    v_money record := saas.provider_currency('stripe', p_refund ->> 'currency');
    v_amount bigint := saas.minor_units(p_refund -> 'amount', v_money.provider_exponent, v_money.exponent);
    v_status text := p_refund ->> 'status';
    v_payment saas.payments;
    v_before saas.refunds;
    v_row saas.refunds;
    v_is_new boolean;
    v_order integer := 1;
    v_refunds record;
    v_total bigint;
    v_refunded bigint;
BEGIN
    IF v_status IS NULL
        OR v_status NOT IN ('pending', 'requires_action', 'succeeded', 'failed', 'canceled')
    THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'the status of the refund is unknown';
    END IF;
    IF v_charge_ref IS NULL AND v_intent_ref IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA072',
            MESSAGE = 'the refund names neither a charge nor a payment intent';
    END IF;
    -- A snapshot without its intent queues where those with it do: the intent is locked before the charge.
    IF v_intent_ref IS NULL THEN
        SELECT p.provider_intent_id INTO v_intent_ref
        FROM saas.payments AS p
        WHERE p.team_id = p_team AND p.provider = 'stripe' AND p.provider_payment_id = v_charge_ref;
    END IF;
    IF v_intent_ref IS NOT NULL THEN
        PERFORM saas.lock_provider_object(p_team, 'stripe', v_intent_ref);
    END IF;
    IF v_charge_ref IS NOT NULL THEN
        PERFORM saas.lock_provider_object(p_team, 'stripe', v_charge_ref);
        SELECT p.* INTO v_payment
        FROM saas.payments AS p
        WHERE p.team_id = p_team AND p.provider = 'stripe' AND p.provider_payment_id = v_charge_ref
        FOR UPDATE;
    ELSE -- of an intent's payments, the one that holds money
        SELECT p.* INTO v_payment
        FROM saas.payments AS p
        WHERE p.team_id = p_team
            AND p.provider = 'stripe'
            AND p.provider_intent_id = v_intent_ref
            AND p.status IN ('authorized', 'voided', 'paid')
        ORDER BY p.provider_payment_id
        LIMIT 1
        FOR UPDATE;
    END IF;
    IF NOT FOUND THEN
        outcome := 'deferred';
        detail := 'the payment is not known yet';
        waits_for := COALESCE(v_charge_ref, v_intent_ref);
        RETURN;
    END IF;

    PERFORM saas.link_provider_refund(
        p_team, 'stripe', v_ref, p_refund #>> '{metadata,saas_refund_id}', v_payment.id, v_amount
    );
    SELECT r.* INTO v_before
    FROM saas.refunds AS r
    WHERE r.team_id = p_team AND r.provider = 'stripe' AND r.provider_refund_id = v_ref
    FOR UPDATE;
    v_is_new := NOT FOUND;
    v_row := v_before;
    IF v_payment.currency <> v_money.code
        OR (NOT v_is_new AND (v_row.amount <> v_amount OR v_row.payment_id <> v_payment.id))
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA072',
            MESSAGE = 'payment, amount or currency of the refund differ from those known';
    END IF;
    IF NOT v_is_new THEN
        v_order := saas.snapshot_order(
            'refund', v_row.status, v_row.snapshot_at, v_row.snapshot_event_id,
            v_status, p_at, p_event_id
        );
    END IF;
    outcome := CASE
        WHEN abs(v_order) = 2 THEN 'conflict'
        WHEN v_order > 0 THEN 'processed'
        ELSE 'superseded'
    END;

    v_row.states_seen := saas.add_state(v_row.states_seen, v_status);
    IF v_order > 0 THEN
        v_row.status := v_status;
        v_row.status_source := 'provider';
        v_row.snapshot_at := p_at;
        v_row.snapshot_event_id := p_event_id;
        v_row.reason := p_refund ->> 'reason';
        v_row.failure_reason := p_refund ->> 'failure_reason';
        v_row.metadata := CASE
            WHEN jsonb_typeof(p_refund -> 'metadata') = 'object' THEN p_refund -> 'metadata'
            ELSE '{}'
        END;
        v_row.provider_created_at := saas.stripe_time(p_refund -> 'created');
    END IF;
    v_row.status_source := saas.state_source(
        'refund', v_row.status, v_row.states_seen, v_row.status_source
    );
    IF v_row IS NOT DISTINCT FROM v_before THEN
        RETURN;
    END IF;

    v_refunds := saas.live_refunds(p_team, v_payment.id, v_payment.snapshot_at, v_row.id);
    IF v_row.status IN ('pending', 'requires_action', 'succeeded') THEN
        v_refunds.live := v_refunds.live + v_amount;
    ELSIF v_row.provider_created_at <= v_payment.snapshot_at AND v_row.snapshot_at > v_payment.snapshot_at
    THEN
        v_refunds.lost := v_refunds.lost + v_amount;
    END IF;
    IF v_refunds.live > v_payment.amount THEN
        -- Another refund must have come back first, of which we have not heard yet.
        outcome := 'deferred';
        detail := 'the refunds would exceed the payment';
        waits_for := v_payment.provider_payment_id;
        RETURN;
    END IF;

    IF v_is_new THEN
        INSERT INTO saas.refunds (
            team_id, payment_id, provider, provider_refund_id, amount, currency, status, status_source,
            states_seen, snapshot_at, snapshot_event_id, reason, failure_reason, metadata,
            provider_created_at
        )
        VALUES (
            p_team, v_payment.id, 'stripe', v_ref, v_amount, v_money.code, v_row.status,
            v_row.status_source,
            v_row.states_seen, v_row.snapshot_at, v_row.snapshot_event_id, v_row.reason,
            v_row.failure_reason, v_row.metadata,
            v_row.provider_created_at
        );
    ELSE
        UPDATE saas.refunds AS r
        SET status = v_row.status,
            status_source = v_row.status_source,
            states_seen = v_row.states_seen,
            snapshot_at = v_row.snapshot_at,
            snapshot_event_id = v_row.snapshot_event_id,
            reason = v_row.reason,
            failure_reason = v_row.failure_reason,
            metadata = v_row.metadata,
            provider_created_at = v_row.provider_created_at
        WHERE r.team_id = p_team AND r.id = v_row.id;
    END IF;

    INSERT INTO saas.payment_transactions (
        team_id, payment_id, operation, provider_reference, amount, currency, status, status_source,
        failure_code, occurred_at
    )
    VALUES (
        p_team, v_payment.id, 'refund', v_ref, v_amount, v_money.code,
        CASE v_row.status
            WHEN 'succeeded' THEN 'succeeded'
            WHEN 'failed' THEN 'failed'
            WHEN 'canceled' THEN 'failed'
            ELSE 'pending'
        END,
        v_row.status_source, v_row.failure_reason, v_row.provider_created_at
    )
    ON CONFLICT (team_id, payment_id, operation, provider_reference) DO UPDATE
    SET status = excluded.status,
        status_source = excluded.status_source,
        failure_code = excluded.failure_code,
        occurred_at = excluded.occurred_at
    WHERE (
        payment_transactions.status, payment_transactions.status_source,
        payment_transactions.failure_code, payment_transactions.occurred_at
    ) IS DISTINCT FROM (
        excluded.status, excluded.status_source, excluded.failure_code, excluded.occurred_at
    );

    -- Money that was never captured cannot be refunded: it is released from the authorisation.
    v_total := greatest(v_refunds.live, v_payment.snapshot_refunded - v_refunds.lost);
    v_refunded := least(v_total, v_payment.amount_captured);
    UPDATE saas.payments AS p
    SET amount_refunded = v_refunded,
        amount_released = v_total - v_refunded
    WHERE p.team_id = p_team
        AND p.id = v_payment.id
        AND (p.amount_refunded, p.amount_released) <> (v_refunded, v_total - v_refunded);
    IF v_row.status IN ('failed', 'canceled') AND v_row.status IS DISTINCT FROM v_before.status THEN
        -- There is room for another refund, and for what else we heard of this one.
        landed := ARRAY[v_payment.provider_payment_id];
    END IF;
END
$$;
COMMENT ON FUNCTION saas.apply_stripe_refund(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a Stripe refund, as the event of that id and time showed it, into refunds, payment_transactions and the amounts of its payment. Deferred while the payment is unknown, or while the refunds known would exceed it.';
REVOKE ALL ON FUNCTION saas.apply_stripe_refund(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_stripe_refund(uuid, jsonb, timestamptz, text) TO saas_internal;
