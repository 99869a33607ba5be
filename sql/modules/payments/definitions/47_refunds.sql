-- Snapshots of refunds, and what they do to the amounts of their payment.
CREATE OR REPLACE FUNCTION saas.lock_refunded_payment(
    p_new saas.refunds,
    p_payment_ref text,
    p_intent_ref text
)
RETURNS saas.payments
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_payment saas.payments;
    v_ref text := p_payment_ref;
    v_intent_ref text := p_intent_ref;
BEGIN
    IF v_ref IS NOT NULL AND p_new.provider NOT IN ('stripe', 'square', 'razorpay') THEN
        v_ref := saas.find_payment_ref(p_new.team_id, p_new.provider, v_ref);
    END IF;
    v_intent_ref := saas.lock_intent_first(p_new.team_id, p_new.provider, v_ref, v_intent_ref);
    IF v_ref IS NOT NULL THEN
        PERFORM saas.lock_provider_object(p_new.team_id, p_new.provider, v_ref);
        SELECT p.* INTO v_payment
        FROM saas.payments AS p
        WHERE p.team_id = p_new.team_id AND p.provider = p_new.provider AND p.provider_payment_id = v_ref
        FOR UPDATE;
    ELSE -- of an intent's payments, the one that holds money
        SELECT p.* INTO v_payment
        FROM saas.payments AS p
        WHERE p.team_id = p_new.team_id
            AND p.provider = p_new.provider
            AND p.provider_intent_id = v_intent_ref
            AND p.status IN ('authorized', 'voided', 'paid')
        ORDER BY p.provider_payment_id
        LIMIT 1
        FOR UPDATE;
    END IF;
    RETURN v_payment;
END
$$;
COMMENT ON FUNCTION saas.lock_refunded_payment(saas.refunds, text, text) IS
'The payment that a refund names, itself, by one of its captures or by its intent, locked after its intent; all NULL while it is unknown.';
REVOKE ALL ON FUNCTION saas.lock_refunded_payment(saas.refunds, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.lock_refunded_payment(saas.refunds, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.store_refund(p_row saas.refunds, p_before saas.refunds)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_status constant text := CASE p_row.status
        WHEN 'succeeded' THEN 'succeeded'
        WHEN 'failed' THEN 'failed'
        WHEN 'canceled' THEN 'failed'
        ELSE 'pending'
    END;
BEGIN
    IF p_before.id IS NULL THEN
        INSERT INTO saas.refunds (
            team_id, payment_id, provider, provider_refund_id, amount, currency, status, status_source,
            states_seen, snapshot_at, snapshot_event_id, reason, failure_reason, metadata,
            provider_created_at
        )
        VALUES (
            p_row.team_id, p_row.payment_id, p_row.provider, p_row.provider_refund_id, p_row.amount,
            p_row.currency, p_row.status, p_row.status_source,
            p_row.states_seen, p_row.snapshot_at, p_row.snapshot_event_id, p_row.reason,
            p_row.failure_reason, p_row.metadata,
            p_row.provider_created_at
        );
    ELSE
        UPDATE saas.refunds AS r
        SET amount = p_row.amount,
            status = p_row.status,
            status_source = p_row.status_source,
            states_seen = p_row.states_seen,
            snapshot_at = p_row.snapshot_at,
            snapshot_event_id = p_row.snapshot_event_id,
            reason = p_row.reason,
            failure_reason = p_row.failure_reason,
            metadata = p_row.metadata,
            provider_created_at = p_row.provider_created_at
        WHERE r.team_id = p_row.team_id AND r.id = p_row.id;
    END IF;
    -- Not by ON CONFLICT: the row that is proposed would have to be one that an operation may begin as.
    UPDATE saas.payment_transactions AS t
    SET amount = p_row.amount,
        status = v_status,
        status_source = p_row.status_source,
        failure_code = p_row.failure_reason,
        occurred_at = p_row.provider_created_at
    WHERE t.team_id = p_row.team_id
        AND t.payment_id = p_row.payment_id
        AND t.operation = 'refund'
        AND t.provider_reference = p_row.provider_refund_id
        AND (t.amount, t.status, t.status_source, t.failure_code, t.occurred_at) IS DISTINCT FROM (
            p_row.amount, v_status, p_row.status_source, p_row.failure_reason, p_row.provider_created_at
        );
    IF NOT FOUND AND NOT saas.has_row(
        NULL::saas.payment_transactions, 'payment_transactions_team_id_payment_id_operation_reference_key',
        p_row.team_id, p_row.payment_id, 'refund'::text, p_row.provider_refund_id
    ) THEN
        INSERT INTO saas.payment_transactions (
            team_id, payment_id, operation, provider_reference, amount, currency, status, status_source,
            failure_code, occurred_at
        )
        VALUES (
            p_row.team_id, p_row.payment_id, 'refund', p_row.provider_refund_id, p_row.amount, p_row.currency,
            v_status, p_row.status_source, p_row.failure_reason, p_row.provider_created_at
        );
    END IF;
END
$$;
COMMENT ON FUNCTION saas.store_refund(saas.refunds, saas.refunds) IS
'Writes a refund as it has become, and its operation.';
REVOKE ALL ON FUNCTION saas.store_refund(saas.refunds, saas.refunds) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.store_refund(saas.refunds, saas.refunds) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_refund(
    p_new saas.refunds,
    p_payment_ref text,
    p_intent_ref text DEFAULT NULL,
    p_ours text DEFAULT NULL,
    OUT outcome text,
    OUT detail text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_payment saas.payments := saas.lock_refunded_payment(p_new, p_payment_ref, p_intent_ref);
    v_before saas.refunds;
    v_row saas.refunds;
    v_order integer := 1;
    v_refunds record;
    v_total bigint;
    v_refunded bigint;
BEGIN
    IF v_payment.id IS NULL THEN
        outcome := 'deferred';
        detail := 'the payment is not known yet';
        waits_for := COALESCE(p_payment_ref, p_intent_ref);
        RETURN;
    END IF;
    IF p_ours IS NOT NULL THEN
        PERFORM saas.link_provider_refund(
            p_new.team_id, p_new.provider, p_new.provider_refund_id, p_ours, v_payment.id, p_new.amount
        );
    END IF;
    SELECT r.* INTO v_before
    FROM saas.refunds AS r
    WHERE r.team_id = p_new.team_id
        AND r.provider = p_new.provider
        AND r.provider_refund_id = p_new.provider_refund_id
    FOR UPDATE;
    IF v_before.id IS NOT NULL AND v_before.payment_id <> v_payment.id THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'the refund belongs to another payment';
    ELSIF v_payment.currency <> p_new.currency THEN
        outcome := 'conflict';
        detail := format('refund %s: %s %s', p_new.provider_refund_id, p_new.amount, p_new.currency);
        PERFORM saas.note_disagreement(v_payment.team_id, v_payment.id, detail);
        RETURN;
    END IF;
    IF v_before.id IS NOT NULL THEN
        v_order := saas.snapshot_order(
            'refund', v_before.status, v_before.snapshot_at, v_before.snapshot_event_id,
            p_new.status, p_new.snapshot_at, p_new.snapshot_event_id
        );
    END IF;
    outcome := CASE
        WHEN abs(v_order) = 2 THEN 'conflict'
        WHEN v_order > 0 THEN 'processed'
        ELSE 'superseded'
    END;

    v_row := CASE WHEN v_order > 0 THEN p_new ELSE v_before END;
    v_row.id := v_before.id;
    v_row.payment_id := v_payment.id;
    v_row.amount := greatest(v_before.amount, p_new.amount);
    v_row.metadata := COALESCE(v_row.metadata, '{}');
    v_row.created_at := v_before.created_at;
    v_row.updated_at := v_before.updated_at;
    v_row.states_seen := saas.add_state(v_before.states_seen, p_new.status);
    v_row.status_source := saas.state_source(
        'refund', v_row.status, v_row.states_seen,
        CASE WHEN v_order > 0 OR v_row.amount > v_before.amount THEN 'provider' ELSE v_before.status_source END
    );
    IF v_row IS NOT DISTINCT FROM v_before AND v_before.amount = p_new.amount THEN
        RETURN;
    END IF;

    v_refunds := saas.live_refunds(p_new.team_id, v_payment.id, v_payment.snapshot_at, v_row.id);
    IF v_row.status IN ('pending', 'requires_action', 'succeeded') THEN
        v_refunds.live := v_refunds.live + v_row.amount;
    ELSIF v_row.provider_created_at <= v_payment.snapshot_at AND v_row.snapshot_at > v_payment.snapshot_at
    THEN
        v_refunds.lost := v_refunds.lost + v_row.amount;
    END IF;
    IF v_refunds.live > greatest(v_payment.amount, v_payment.authorized_amount) THEN
        -- Another refund must have come back first, of which we have not heard yet.
        outcome := 'deferred';
        detail := 'the refunds would exceed the payment';
        waits_for := v_payment.provider_payment_id;
        RETURN;
    END IF;
    PERFORM saas.store_refund(v_row, v_before);
    IF v_before.amount <> p_new.amount THEN -- the greater one holds
        outcome := 'conflict';
        detail := format('refund %s: %s %s', p_new.provider_refund_id, p_new.amount, p_new.currency);
        PERFORM saas.note_disagreement(v_payment.team_id, v_payment.id, format(
            'refund %s: %s %s', p_new.provider_refund_id, least(p_new.amount, v_before.amount), p_new.currency
        ));
    END IF;

    -- Money that was never captured cannot be refunded: it is released from the authorisation.
    v_total := least(
        greatest(v_refunds.live, v_payment.snapshot_refunded - v_refunds.lost), v_payment.amount
    );
    v_refunded := least(v_total, v_payment.amount_captured);
    UPDATE saas.payments AS p
    SET amount_refunded = v_refunded,
        amount_released = v_total - v_refunded
    WHERE p.team_id = p_new.team_id
        AND p.id = v_payment.id
        AND (p.amount_refunded, p.amount_released) <> (v_refunded, v_total - v_refunded);
    IF v_row.status IN ('failed', 'canceled') AND v_row.status IS DISTINCT FROM v_before.status THEN
        -- There is room for another refund, and for what else we heard of this one.
        landed := ARRAY[v_payment.provider_payment_id];
    END IF;
END
$$;
COMMENT ON FUNCTION saas.apply_refund(saas.refunds, text, text, text) IS
'Joins a snapshot of a refund, of the payment or capture that the provider names so or of a payment of that intent, into refunds, payment_transactions and the amounts of its payment; p_ours is our identifier that it bears. Deferred while the payment is unknown, or while the refunds known would exceed it; an amount or currency that cannot be puts the payment on hold.';
REVOKE ALL ON FUNCTION saas.apply_refund(saas.refunds, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_refund(saas.refunds, text, text, text) TO saas_internal;
