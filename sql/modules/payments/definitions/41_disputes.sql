-- Snapshots of disputes and payouts, whichever provider they come from.
CREATE OR REPLACE FUNCTION saas.refresh_disputed_amount(p_team uuid, p_payment uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_total bigint;
BEGIN
    SELECT COALESCE(sum(d.amount_withdrawn), 0) INTO v_total
    FROM saas.payment_disputes AS d
    WHERE d.team_id = p_team AND d.payment_id = p_payment;
    UPDATE saas.payments AS p
    SET disputed_total = v_total
    WHERE p.team_id = p_team AND p.id = p_payment AND p.disputed_total <> v_total;
END
$$;
COMMENT ON FUNCTION saas.refresh_disputed_amount(uuid, uuid) IS
'Derives what disputes have withdrawn from a payment; the caller holds the payment''s row lock.';
REVOKE ALL ON FUNCTION saas.refresh_disputed_amount(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.refresh_disputed_amount(uuid, uuid) TO saas_internal;

-- Of two snapshots of one dispute: the higher stage, then the order of the states.
CREATE OR REPLACE FUNCTION saas.dispute_order(p_stored saas.payment_disputes, p_new saas.payment_disputes)
RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    v_rise integer := saas.dispute_stage_rank(p_new.stage) - saas.dispute_stage_rank(p_stored.stage);
BEGIN
    IF v_rise <> 0 THEN
        RETURN sign(v_rise);
    END IF;
    RETURN saas.snapshot_order(
        'dispute', p_stored.status, p_stored.snapshot_at, p_stored.snapshot_event_id,
        p_new.status, p_new.snapshot_at, p_new.snapshot_event_id
    );
END
$$;
COMMENT ON FUNCTION saas.dispute_order(saas.payment_disputes, saas.payment_disputes) IS
'Which of two snapshots of a dispute holds, as saas.snapshot_order() says it, the stage before all else.';
REVOKE ALL ON FUNCTION saas.dispute_order(saas.payment_disputes, saas.payment_disputes) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.dispute_order(saas.payment_disputes, saas.payment_disputes) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_dispute(
    p_new saas.payment_disputes,
    p_payment_ref text,
    OUT outcome text,
    OUT detail text,
    OUT waits_for text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_payment saas.payments;
    v_before saas.payment_disputes;
    v_row saas.payment_disputes;
    v_order integer := 1;
BEGIN
    IF p_new.provider NOT IN ('stripe', 'square', 'razorpay') THEN -- it may name a capture
        p_payment_ref := saas.find_payment_ref(p_new.team_id, p_new.provider, p_payment_ref);
    END IF;
    PERFORM saas.lock_intent_first(p_new.team_id, p_new.provider, p_payment_ref);
    PERFORM saas.lock_provider_object(p_new.team_id, p_new.provider, p_payment_ref);
    SELECT p.* INTO v_payment
    FROM saas.payments AS p
    WHERE p.team_id = p_new.team_id AND p.provider = p_new.provider AND p.provider_payment_id = p_payment_ref
    FOR UPDATE;
    IF NOT FOUND THEN
        outcome := 'deferred';
        detail := 'the payment is not known yet';
        waits_for := p_payment_ref;
        RETURN;
    END IF;
    SELECT d.* INTO v_before
    FROM saas.payment_disputes AS d
    WHERE d.team_id = p_new.team_id
        AND d.provider = p_new.provider
        AND d.provider_dispute_id = p_new.provider_dispute_id
    FOR UPDATE;
    IF v_payment.id <> COALESCE(v_before.payment_id, v_payment.id) THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'the dispute belongs to another payment';
    ELSIF p_new.currency <> v_payment.currency THEN
        outcome := 'conflict';
        detail := format('dispute %s: %s %s', p_new.provider_dispute_id, p_new.amount, p_new.currency);
        PERFORM saas.note_disagreement(v_payment.team_id, v_payment.id, detail);
        RETURN;
    END IF;
    IF v_before.id IS NOT NULL THEN
        v_order := saas.dispute_order(v_before, p_new);
    END IF;
    outcome := CASE
        WHEN abs(v_order) = 2 THEN 'conflict'
        WHEN v_order > 0 THEN 'processed'
        ELSE 'superseded'
    END;

    v_row := CASE WHEN v_order > 0 THEN p_new ELSE v_before END;
    -- States seen at a lower stage say nothing about this one.
    v_row.states_seen := CASE
        WHEN v_before.id IS NULL OR v_before.stage <> v_row.stage THEN ARRAY[v_row.status]
        WHEN p_new.stage = v_row.stage THEN saas.add_state(v_before.states_seen, p_new.status)
        ELSE v_before.states_seen
    END;
    v_row.fee_amount := greatest(v_before.fee_amount, p_new.fee_amount);
    v_row.evidence_submitted_at := COALESCE(v_before.evidence_submitted_at, p_new.evidence_submitted_at);
    v_row.status_source := saas.state_source('dispute', v_row.status, v_row.states_seen, 'provider');
    IF v_before.id IS NULL THEN
        v_row.payment_id := v_payment.id;
        INSERT INTO saas.payment_disputes (
            team_id, payment_id, provider, provider_dispute_id, stage, status, status_source, states_seen,
            snapshot_at, snapshot_event_id, amount, currency, fee_amount, reason, network_reason_code,
            evidence_due_at, evidence_submitted_at, is_refundable, metadata, livemode, provider_created_at
        )
        VALUES (
            v_row.team_id, v_row.payment_id, v_row.provider, v_row.provider_dispute_id, v_row.stage,
            v_row.status, v_row.status_source, v_row.states_seen,
            v_row.snapshot_at, v_row.snapshot_event_id, v_row.amount, v_row.currency, v_row.fee_amount,
            v_row.reason, v_row.network_reason_code,
            v_row.evidence_due_at, v_row.evidence_submitted_at, v_row.is_refundable,
            COALESCE(v_row.metadata, '{}'), COALESCE(v_row.livemode, false), v_row.provider_created_at
        );
    ELSE
        UPDATE saas.payment_disputes AS d
        SET stage = v_row.stage,
            status = v_row.status,
            status_source = v_row.status_source,
            states_seen = v_row.states_seen,
            snapshot_at = v_row.snapshot_at,
            snapshot_event_id = v_row.snapshot_event_id,
            amount = v_row.amount,
            fee_amount = v_row.fee_amount,
            reason = v_row.reason,
            network_reason_code = v_row.network_reason_code,
            evidence_due_at = v_row.evidence_due_at,
            evidence_submitted_at = v_row.evidence_submitted_at,
            is_refundable = v_row.is_refundable,
            metadata = COALESCE(v_row.metadata, '{}')
        WHERE d.team_id = v_before.team_id
            AND d.id = v_before.id
            AND (
                d.stage, d.status, d.status_source, d.states_seen, d.snapshot_at, d.snapshot_event_id,
                d.fee_amount, d.evidence_submitted_at
            ) IS DISTINCT FROM (
                v_row.stage, v_row.status, v_row.status_source, v_row.states_seen, v_row.snapshot_at,
                v_row.snapshot_event_id, v_row.fee_amount, v_row.evidence_submitted_at
            );
    END IF;
    PERFORM saas.refresh_disputed_amount(v_payment.team_id, v_payment.id);
END
$$;
COMMENT ON FUNCTION saas.apply_dispute(saas.payment_disputes, text) IS
'Joins a snapshot of a dispute, of the payment that the provider names so, into payment_disputes and what its payment has in dispute. Deferred while the payment is unknown. payment_id and states_seen of the snapshot are not read.';
REVOKE ALL ON FUNCTION saas.apply_dispute(saas.payment_disputes, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_dispute(saas.payment_disputes, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_fraud_warning(
    p_team uuid,
    p_provider text,
    p_payment_ref text,
    p_at timestamptz,
    OUT outcome text,
    OUT detail text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_known timestamptz;
BEGIN
    PERFORM saas.lock_intent_first(p_team, p_provider, p_payment_ref);
    PERFORM saas.lock_provider_object(p_team, p_provider, p_payment_ref);
    SELECT p.fraud_warned_at INTO v_known
    FROM saas.payments AS p
    WHERE p.team_id = p_team AND p.provider = p_provider AND p.provider_payment_id = p_payment_ref
    FOR UPDATE;
    IF NOT FOUND THEN
        outcome := 'deferred';
        detail := 'the payment is not known yet';
        waits_for := p_payment_ref;
    ELSIF v_known <= p_at THEN
        outcome := 'superseded';
    ELSE
        outcome := 'processed';
        UPDATE saas.payments AS p
        SET fraud_warned_at = p_at
        WHERE p.team_id = p_team AND p.provider = p_provider AND p.provider_payment_id = p_payment_ref;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.apply_fraud_warning(uuid, text, text, timestamptz) IS
'Keeps when a payment was first reported as fraud by its card network.';
REVOKE ALL ON FUNCTION saas.apply_fraud_warning(uuid, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_fraud_warning(uuid, text, text, timestamptz) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_payout(p_new saas.payouts, OUT outcome text, OUT detail text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_before saas.payouts;
    v_row saas.payouts;
    v_order integer := 1;
BEGIN
    PERFORM saas.lock_provider_object(p_new.team_id, p_new.provider, p_new.provider_payout_id);
    PERFORM saas.link_provider_payout(
        p_new.team_id, p_new.provider, p_new.provider_payout_id, p_new.metadata ->> 'saas_payout_id',
        p_new.amount, p_new.currency
    );
    SELECT p.* INTO v_before
    FROM saas.payouts AS p
    WHERE p.team_id = p_new.team_id
        AND p.provider = p_new.provider
        AND p.provider_payout_id = p_new.provider_payout_id
    FOR UPDATE;
    IF (v_before.amount, v_before.currency) IS DISTINCT FROM (p_new.amount, p_new.currency)
        AND v_before.id IS NOT NULL
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA072',
            MESSAGE = 'amount or currency of the payout differ from those known';
    END IF;
    IF v_before.id IS NOT NULL THEN
        v_order := saas.snapshot_order(
            'payout', v_before.status, v_before.snapshot_at, v_before.snapshot_event_id,
            p_new.status, p_new.snapshot_at, p_new.snapshot_event_id
        );
    END IF;
    outcome := CASE
        WHEN abs(v_order) = 2 THEN 'conflict'
        WHEN v_order > 0 THEN 'processed'
        ELSE 'superseded'
    END;
    v_row := CASE WHEN v_order > 0 THEN p_new ELSE v_before END;
    v_row.states_seen := saas.add_state(v_before.states_seen, p_new.status);
    v_row.status_source := saas.state_source('payout', v_row.status, v_row.states_seen, 'provider');
    IF v_before.id IS NULL THEN
        INSERT INTO saas.payouts (
            team_id, provider, provider_payout_id, amount, currency, status, status_source, states_seen,
            snapshot_at, snapshot_event_id, method, arrival_date, failure_code, failure_message, metadata,
            livemode, provider_created_at
        )
        VALUES (
            v_row.team_id, v_row.provider, v_row.provider_payout_id, v_row.amount, v_row.currency,
            v_row.status, v_row.status_source, v_row.states_seen,
            v_row.snapshot_at, v_row.snapshot_event_id, v_row.method, v_row.arrival_date,
            v_row.failure_code, v_row.failure_message, COALESCE(v_row.metadata, '{}'),
            COALESCE(v_row.livemode, false), v_row.provider_created_at
        );
        RETURN;
    END IF;
    UPDATE saas.payouts AS p
    SET status = v_row.status,
        status_source = v_row.status_source,
        states_seen = v_row.states_seen,
        snapshot_at = v_row.snapshot_at,
        snapshot_event_id = v_row.snapshot_event_id,
        method = v_row.method,
        arrival_date = v_row.arrival_date,
        failure_code = v_row.failure_code,
        failure_message = v_row.failure_message,
        metadata = COALESCE(v_row.metadata, '{}'),
        provider_created_at = v_row.provider_created_at
    WHERE p.team_id = v_before.team_id
        AND p.id = v_before.id
        AND (p.status, p.status_source, p.states_seen, p.snapshot_at, p.snapshot_event_id)
            IS DISTINCT FROM (
                v_row.status, v_row.status_source, v_row.states_seen, v_row.snapshot_at,
                v_row.snapshot_event_id
            );
END
$$;
COMMENT ON FUNCTION saas.apply_payout(saas.payouts) IS
'Joins a snapshot of a payout into payouts. states_seen of the snapshot is not read.';
REVOKE ALL ON FUNCTION saas.apply_payout(saas.payouts) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_payout(saas.payouts) TO saas_internal;
