-- Capturing and refunding payments: the operation, and the request to the provider, under row locks.
CREATE OR REPLACE FUNCTION saas.lock_payment(p_team uuid, p_payment uuid)
RETURNS saas.payments
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_payment saas.payments;
    v_intent uuid;
BEGIN
    SELECT p.payment_intent_id INTO v_intent
    FROM saas.payments AS p
    WHERE p.team_id = p_team AND p.id = p_payment;
    IF v_intent IS NOT NULL THEN
        PERFORM saas.lock_intent(p_team, v_intent);
    END IF;
    SELECT p.* INTO v_payment
    FROM saas.payments AS p
    WHERE p.team_id = p_team AND p.id = p_payment
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'SA081', MESSAGE = 'the team has no such payment';
    END IF;
    RETURN v_payment;
END
$$;
COMMENT ON FUNCTION saas.lock_payment(uuid, uuid) IS
'The payment, locked until the end of the transaction after its intent; SA081 if the team has none of that identifier.';
REVOKE ALL ON FUNCTION saas.lock_payment(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.lock_payment(uuid, uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.capture_payment(
    p_team uuid,
    p_payment uuid,
    p_amount bigint,
    p_idempotency_key text
)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_result jsonb;
    v_payment saas.payments;
    v_id uuid := saas.uuid_v7();
    v_request uuid;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    v_result := saas.claim_idempotency_key(
        p_team, p_idempotency_key, 'capture_payment', jsonb_build_array(p_payment, p_amount)
    );
    IF v_result IS NOT NULL THEN
        RETURN v_result;
    END IF;
    IF p_amount IS NULL OR p_amount <= 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a positive amount is needed';
    END IF;
    v_payment := saas.lock_payment(p_team, p_payment);
    IF v_payment.status NOT IN ('authorized', 'paid') OR EXISTS (
        SELECT FROM saas.provider_requests AS r
        WHERE r.team_id = p_team
            AND r.payment_intent_id = v_payment.payment_intent_id
            AND r.kind = 'cancel_intent'
            AND (r.status IN ('queued', 'claimed') OR (r.status = 'dead' AND r.ask = 'lookup'))
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA082',
            MESSAGE = 'the payment cannot be captured now',
            DETAIL = format('It is %s, or is being canceled.', v_payment.status);
    END IF;
    INSERT INTO saas.payment_transactions (
        team_id, id, payment_id, operation, provider_reference, amount, currency, occurred_at
    )
    VALUES (p_team, v_id, p_payment, 'capture', 'saas:' || v_id, p_amount, v_payment.currency, now());
    INSERT INTO saas.provider_requests (
        team_id, provider, kind, payment_intent_id, payment_id, payment_transaction_id, request
    )
    VALUES (
        p_team, v_payment.provider, 'capture', v_payment.payment_intent_id, p_payment, v_id,
        jsonb_build_object(
            'amount', p_amount, 'currency', v_payment.currency,
            'provider_amount',
            saas.require_provider_amount(v_payment.provider, v_payment.currency, p_amount),
            'payment', v_payment.provider_payment_id, 'metadata', jsonb_build_object('saas_capture_id', v_id)
        )
    )
    RETURNING id INTO v_request;
    RETURN saas.keep_idempotent_result(p_team, p_idempotency_key, jsonb_build_object(
        'payment_transaction_id', v_id, 'provider_request_id', v_request, 'status', 'initiated'
    ));
END
$$;
COMMENT ON FUNCTION saas.capture_payment(uuid, uuid, bigint, text) IS
'Asks the provider to capture so much (minor units) of an authorised payment; several captures may follow each other. Returns payment_transaction_id, provider_request_id and status. For admins and workers. SA079 beyond what is authorised, SA082 in a state that does not allow it.';
REVOKE ALL ON FUNCTION saas.capture_payment(uuid, uuid, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.capture_payment(uuid, uuid, bigint, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.refund_payment(
    p_team uuid,
    p_payment uuid,
    p_amount bigint,
    p_idempotency_key text,
    p_reason text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_result jsonb;
    v_payment saas.payments;
    v_id uuid := saas.uuid_v7();
    v_operation uuid;
    v_request uuid;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    v_result := saas.claim_idempotency_key(
        p_team, p_idempotency_key, 'refund_payment', jsonb_build_array(p_payment, p_amount, p_reason)
    );
    IF v_result IS NOT NULL THEN
        RETURN v_result;
    END IF;
    IF p_amount IS NULL OR p_amount <= 0 OR length(p_reason) > 500 THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a positive amount, and a reason of up to 500 characters, are needed';
    END IF;
    v_payment := saas.lock_payment(p_team, p_payment);
    INSERT INTO saas.refunds (team_id, id, payment_id, provider, amount, currency, status, reason)
    VALUES (p_team, v_id, p_payment, v_payment.provider, p_amount, v_payment.currency, 'pending', p_reason);
    INSERT INTO saas.payment_transactions (
        team_id, payment_id, operation, provider_reference, amount, currency, occurred_at
    )
    VALUES (p_team, p_payment, 'refund', 'saas:' || v_id, p_amount, v_payment.currency, now())
    RETURNING id INTO v_operation;
    -- Pending money counts as refunded: nothing else may take it.
    UPDATE saas.payments AS p
    SET amount_refunded = p.amount_refunded + p_amount
    WHERE p.team_id = p_team AND p.id = p_payment;
    INSERT INTO saas.provider_requests (
        team_id, provider, kind, payment_intent_id, payment_id, payment_transaction_id, refund_id, request
    )
    VALUES (
        p_team, v_payment.provider, 'refund', v_payment.payment_intent_id, p_payment, v_operation, v_id,
        jsonb_strip_nulls(jsonb_build_object(
            'amount', p_amount, 'currency', v_payment.currency,
            'provider_amount',
            saas.require_provider_amount(v_payment.provider, v_payment.currency, p_amount),
            'payment', v_payment.provider_payment_id, 'reason', p_reason,
            'metadata', jsonb_build_object('saas_refund_id', v_id)
        ))
    )
    RETURNING id INTO v_request;
    RETURN saas.keep_idempotent_result(p_team, p_idempotency_key, jsonb_build_object(
        'refund_id', v_id, 'provider_request_id', v_request, 'status', 'pending'
    ));
END
$$;
COMMENT ON FUNCTION saas.refund_payment(uuid, uuid, bigint, text, text) IS
'Asks the provider to refund so much (minor units) of what was captured; several refunds may follow each other. Returns refund_id, provider_request_id and status. For admins and workers. SA078 when, with refunds under way and disputes, more than was captured would go back.';
REVOKE ALL ON FUNCTION saas.refund_payment(uuid, uuid, bigint, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.refund_payment(uuid, uuid, bigint, text, text) TO saas_app, saas_service;
