-- What the outcome of a request to a provider means for our rows. Amounts are joined by greatest(), as
-- those of events are, so that answer and event may come in either order.
CREATE OR REPLACE FUNCTION saas.settle_operation(
    p_request saas.provider_requests,
    p_outcome text,
    p_response jsonb
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_status text := CASE WHEN p_outcome IN ('retry', 'not_found') THEN NULL ELSE p_outcome END;
    v_payment saas.payments;
    v_refunds record;
    v_total bigint;
BEGIN
    IF v_status IS NULL THEN
        RETURN;
    END IF;
    -- The intent first, as whoever takes in an event does.
    PERFORM FROM saas.payments AS p
    JOIN saas.payment_intents AS i ON i.team_id = p.team_id AND i.id = p.payment_intent_id
    WHERE p.team_id = p_request.team_id AND p.id = p_request.payment_id
    FOR NO KEY UPDATE OF i;
    SELECT p.* INTO v_payment
    FROM saas.payments AS p
    WHERE p.team_id = p_request.team_id AND p.id = p_request.payment_id
    FOR NO KEY UPDATE;
    IF p_request.kind = 'refund' THEN
        PERFORM saas.link_provider_refund(
            p_request.team_id, p_request.provider, p_response ->> 'provider_refund_id',
            p_request.refund_id::text, p_request.payment_id, (p_request.request ->> 'amount')::bigint
        )
        WHERE p_response ->> 'provider_refund_id' IS NOT NULL;
        UPDATE saas.refunds AS r
        SET status = v_status,
            states_seen = saas.add_state(r.states_seen, v_status),
            failure_reason = COALESCE(p_response ->> 'failure_code', r.failure_reason)
        WHERE r.team_id = p_request.team_id
            AND r.id = p_request.refund_id
            AND v_status IN ('succeeded', 'failed')
            AND r.status IN ('pending', 'requires_action');
    END IF;
    -- An event may have told already; then there is nothing left to say.
    UPDATE saas.payment_transactions AS t
    SET status = v_status,
        failure_code = COALESCE(p_response ->> 'failure_code', t.failure_code),
        occurred_at = COALESCE(t.occurred_at, now())
    WHERE t.team_id = p_request.team_id
        AND t.id = p_request.payment_transaction_id
        AND t.status <> v_status
        AND t.status IN ('initiated', 'requires_action', 'pending', 'unknown');
    IF p_request.kind = 'refund' THEN
        v_refunds := saas.live_refunds(v_payment.team_id, v_payment.id, v_payment.snapshot_at, NULL);
        v_total := greatest(v_refunds.live, v_payment.snapshot_refunded - v_refunds.lost);
        UPDATE saas.payments AS p
        SET amount_refunded = least(v_total, p.amount_captured),
            amount_released = v_total - least(v_total, p.amount_captured)
        WHERE p.team_id = v_payment.team_id
            AND p.id = v_payment.id
            AND p.amount_refunded <> least(v_total, p.amount_captured);
    ELSIF v_status = 'succeeded' THEN
        PERFORM saas.link_provider_capture(
            v_payment.team_id, v_payment.id, p_response ->> 'provider_capture_id',
            p_request.payment_transaction_id::text, (p_request.request ->> 'amount')::bigint
        )
        WHERE v_payment.lists_captures;
        SELECT greatest(v_payment.amount_captured, sum(t.amount)) INTO v_total
        FROM saas.payment_transactions AS t
        WHERE t.team_id = v_payment.team_id
            AND t.payment_id = v_payment.id
            AND t.operation = 'capture'
            AND t.status = 'succeeded'
            AND (v_payment.lists_captures OR t.provider_reference LIKE 'saas:%');
        UPDATE saas.payments AS p
        SET amount_captured = least(v_total, p.amount),
            status = CASE p.status WHEN 'authorized' THEN 'paid' ELSE p.status END,
            states_seen = saas.add_state(p.states_seen, 'paid')
        WHERE p.team_id = v_payment.team_id AND p.id = v_payment.id
        RETURNING p.* INTO v_payment;
        PERFORM saas.record_charge_operations(v_payment)
        WHERE v_payment.snapshot_at IS NOT NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.settle_operation(saas.provider_requests, text, jsonb) IS
'Applies the outcome of a capture or refund to its operation, its refund and the amounts of its payment.';
REVOKE ALL ON FUNCTION saas.settle_operation(saas.provider_requests, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.settle_operation(saas.provider_requests, text, jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.settle_intent(
    p_request saas.provider_requests,
    p_outcome text,
    p_response jsonb
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_intent saas.payment_intents;
    v_ref text := p_response ->> 'provider_intent_id';
    v_state text;
BEGIN
    IF p_outcome NOT IN ('succeeded', 'pending', 'failed') THEN
        RETURN;
    END IF;
    IF v_ref IS NOT NULL THEN
        PERFORM saas.lock_provider_object(p_request.team_id, p_request.provider, v_ref);
    END IF;
    SELECT i.* INTO v_intent
    FROM saas.payment_intents AS i
    WHERE i.team_id = p_request.team_id AND i.id = p_request.payment_intent_id
    FOR NO KEY UPDATE;
    IF v_ref IS NOT NULL THEN
        PERFORM saas.link_provider_intent(
            v_intent.team_id, v_intent.provider, v_ref, v_intent.id::text, v_intent.amount, v_intent.currency
        );
    END IF;
    v_state := CASE
        WHEN p_request.kind = 'create_intent' THEN CASE p_outcome WHEN 'failed' THEN 'canceled' END
        WHEN p_request.kind = 'cancel_intent' THEN CASE p_outcome WHEN 'succeeded' THEN 'canceled' END
        WHEN p_outcome = 'failed' THEN 'requires_payment_method'
        WHEN p_response ->> 'status' IN ('requires_action', 'requires_capture', 'succeeded')
            THEN p_response ->> 'status'
    END;
    IF p_request.kind = 'create_intent' AND p_outcome = 'failed' THEN
        UPDATE saas.provider_requests AS r
        SET status = 'canceled',
            completed_at = now()
        WHERE r.team_id = v_intent.team_id AND r.payment_intent_id = v_intent.id AND r.status = 'queued';
    END IF;
    -- Where an event has told of a later state, that one stays.
    IF v_state IS NULL OR v_state = v_intent.status OR NOT EXISTS (
        SELECT FROM saas.state_transitions AS t
        WHERE t.machine = 'payment_intent' AND t.from_state = v_intent.status AND t.to_state = v_state
    ) THEN
        RETURN;
    END IF;
    -- What the provider answers is a fact, as what it reports by an event is.
    UPDATE saas.payment_intents AS i
    SET status = v_state,
        status_source = CASE i.status_source WHEN 'api' THEN 'provider' ELSE i.status_source END,
        states_seen = saas.add_state(i.states_seen, v_state),
        last_error_code = CASE p_outcome WHEN 'failed' THEN p_response ->> 'failure_code' END,
        canceled_at = CASE v_state WHEN 'canceled' THEN now() END
    WHERE i.team_id = v_intent.team_id AND i.id = v_intent.id;
END
$$;
COMMENT ON FUNCTION saas.settle_intent(saas.provider_requests, text, jsonb) IS
'Applies the outcome of creating, confirming or canceling an intent: links the provider''s identifier and takes the step that follows, if it is one.';
REVOKE ALL ON FUNCTION saas.settle_intent(saas.provider_requests, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.settle_intent(saas.provider_requests, text, jsonb) TO saas_internal;
