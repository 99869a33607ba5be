-- Creating, confirming and canceling payment intents: the row, and the request to the provider.
CREATE OR REPLACE FUNCTION saas.create_payment_intent(
    p_team uuid,
    p_amount bigint,
    p_currency text,
    p_provider text,
    p_idempotency_key text,
    p_capture_method text DEFAULT 'automatic',
    p_description text DEFAULT NULL,
    p_provider_customer_id text DEFAULT NULL,
    p_provider_payment_method_id text DEFAULT NULL,
    p_metadata jsonb DEFAULT '{}'
)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_result jsonb;
    v_currency char(3);
    v_intent uuid := saas.uuid_v7();
    v_request uuid;
    v_status text := CASE
        WHEN p_provider_payment_method_id IS NULL THEN 'requires_payment_method'
        ELSE 'requires_confirmation'
    END;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    v_result := saas.claim_idempotency_key(
        p_team, p_idempotency_key, 'create_payment_intent',
        jsonb_build_array(
            p_amount, upper(p_currency), p_provider, p_capture_method, p_description,
            p_provider_customer_id, p_provider_payment_method_id, p_metadata
        )
    );
    IF v_result IS NOT NULL THEN
        RETURN v_result;
    END IF;
    IF p_amount IS NULL OR p_amount <= 0
        OR p_capture_method IS NULL OR p_capture_method NOT IN ('automatic', 'manual')
        OR jsonb_typeof(p_metadata) IS DISTINCT FROM 'object'
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a positive amount, the capture method automatic or manual, and an object as metadata are needed';
    END IF;
    PERFORM saas.require_request_texts(
        p_description, p_metadata, p_provider_customer_id, p_provider_payment_method_id
    );
    IF NOT EXISTS (
        SELECT FROM saas.payment_providers AS p
        WHERE p.team_id = p_team AND p.provider = p_provider AND p.is_active
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA081',
            MESSAGE = 'the team has no such active provider',
            HINT = 'Set one up with saas.configure_payment_provider().';
    END IF;
    v_currency := (saas.provider_currency(p_provider, p_currency)).code;
    INSERT INTO saas.payment_intents (
        team_id, id, provider, amount, currency, status, capture_method, description,
        provider_customer_id, provider_payment_method_id, metadata, livemode
    )
    VALUES (
        p_team, v_intent, p_provider, p_amount, v_currency, v_status, p_capture_method, p_description,
        p_provider_customer_id, p_provider_payment_method_id, p_metadata,
        COALESCE(saas.provider_livemode(p_team, p_provider), false)
    );
    INSERT INTO saas.provider_requests (team_id, provider, kind, payment_intent_id, request)
    VALUES (
        p_team, p_provider, 'create_intent', v_intent,
        jsonb_strip_nulls(jsonb_build_object(
            'amount', p_amount, 'currency', v_currency,
            'provider_amount', saas.require_provider_amount(p_provider, p_currency, p_amount),
            'capture_method', p_capture_method,
            'description', p_description, 'customer', p_provider_customer_id,
            'payment_method', p_provider_payment_method_id,
            'metadata', p_metadata || jsonb_build_object('saas_intent_id', v_intent)
        ))
    )
    RETURNING id INTO v_request;
    RETURN saas.keep_idempotent_result(p_team, p_idempotency_key, jsonb_build_object(
        'payment_intent_id', v_intent, 'provider_request_id', v_request, 'status', v_status
    ));
END
$$;
COMMENT ON FUNCTION saas.create_payment_intent(uuid, bigint, text, text, text, text, text, text, text, jsonb) IS
'Creates a payment intent (amount in minor units) and asks the provider for one; returns payment_intent_id, provider_request_id and status. For members and workers. 22023 for texts that providers do not take, SA077 for a used key, SA081 without such a provider.';
REVOKE ALL ON FUNCTION saas.create_payment_intent(uuid, bigint, text, text, text, text, text, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.create_payment_intent(uuid, bigint, text, text, text, text, text, text, text, jsonb)
TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.lock_intent(p_team uuid, p_intent uuid)
RETURNS saas.payment_intents
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_intent saas.payment_intents;
BEGIN
    SELECT i.* INTO v_intent
    FROM saas.payment_intents AS i
    WHERE i.team_id = p_team AND i.id = p_intent
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'SA081', MESSAGE = 'the team has no such payment intent';
    END IF;
    RETURN v_intent;
END
$$;
COMMENT ON FUNCTION saas.lock_intent(uuid, uuid) IS
'The intent, locked until the end of the transaction; SA081 if the team has none of that identifier. An intent is locked before its payments.';
REVOKE ALL ON FUNCTION saas.lock_intent(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.lock_intent(uuid, uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.confirm_payment_intent(
    p_team uuid,
    p_payment_intent uuid,
    p_idempotency_key text,
    p_provider_payment_method_id text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_result jsonb;
    v_intent saas.payment_intents;
    v_method text;
    v_request uuid;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    v_result := saas.claim_idempotency_key(
        p_team, p_idempotency_key, 'confirm_payment_intent',
        jsonb_build_array(p_payment_intent, p_provider_payment_method_id)
    );
    IF v_result IS NOT NULL THEN
        RETURN v_result;
    END IF;
    PERFORM saas.require_request_texts(NULL, '{}'::jsonb, p_provider_payment_method_id);
    v_intent := saas.lock_intent(p_team, p_payment_intent);
    -- Who expires a session locks its intent first, so that one of the two sees the other.
    IF EXISTS (
        SELECT
        FROM saas.payment_sessions AS s
        WHERE s.team_id = p_team
            AND s.payment_intent_id = p_payment_intent
            AND s.status <> 'complete'
            AND (s.status = 'expired' OR s.expires_at <= clock_timestamp())
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA092',
            MESSAGE = 'the checkout session of the payment has expired',
            HINT = 'Open a new one with saas.create_payment_session().';
    END IF;
    v_method := COALESCE(p_provider_payment_method_id, v_intent.provider_payment_method_id);
    IF v_method IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a payment method is needed';
    END IF;
    IF v_intent.status NOT IN ('requires_payment_method', 'requires_confirmation', 'requires_action')
        OR EXISTS (
            SELECT FROM saas.provider_requests AS r
            WHERE r.team_id = p_team
                AND r.payment_intent_id = p_payment_intent
                AND r.kind IN ('confirm_intent', 'cancel_intent')
                AND (r.status IN ('queued', 'claimed') OR (r.status = 'dead' AND r.ask = 'lookup'))
        )
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA082',
            MESSAGE = 'the payment intent cannot be confirmed now',
            DETAIL = format('It is %s, or is being confirmed or canceled.', v_intent.status);
    END IF;
    UPDATE saas.payment_intents AS i
    SET provider_payment_method_id = v_method,
        status = CASE i.status WHEN 'requires_action' THEN i.status ELSE 'processing' END,
        status_source = 'api'
    WHERE i.team_id = p_team AND i.id = p_payment_intent
    RETURNING i.* INTO v_intent;
    INSERT INTO saas.provider_requests (team_id, provider, kind, payment_intent_id, request)
    VALUES (
        p_team, v_intent.provider, 'confirm_intent', p_payment_intent,
        jsonb_build_object('payment_method', v_method)
    )
    RETURNING id INTO v_request;
    RETURN saas.keep_idempotent_result(p_team, p_idempotency_key, jsonb_build_object(
        'payment_intent_id', p_payment_intent, 'provider_request_id', v_request, 'status', v_intent.status
    ));
END
$$;
COMMENT ON FUNCTION saas.confirm_payment_intent(uuid, uuid, text, text) IS
'Confirms a payment intent with a payment method: asks the provider to, one request at a time. Returns payment_intent_id, provider_request_id and status. For members and workers. SA082 in a state that does not allow it, SA092 when its checkout session has expired.';
REVOKE ALL ON FUNCTION saas.confirm_payment_intent(uuid, uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.confirm_payment_intent(uuid, uuid, text, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.cancel_payment_intent(
    p_team uuid,
    p_payment_intent uuid,
    p_idempotency_key text,
    p_reason text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_result jsonb;
    v_intent saas.payment_intents;
    v_request uuid;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    v_result := saas.claim_idempotency_key(
        p_team, p_idempotency_key, 'cancel_payment_intent', jsonb_build_array(p_payment_intent, p_reason)
    );
    IF v_result IS NOT NULL THEN
        RETURN v_result;
    END IF;
    v_intent := saas.lock_intent(p_team, p_payment_intent);
    IF v_intent.status IN ('partially_captured', 'succeeded', 'canceled', 'expired')
        OR EXISTS (
            SELECT FROM saas.payments AS p
            JOIN saas.payment_transactions AS t ON t.team_id = p.team_id AND t.payment_id = p.id
            WHERE p.team_id = p_team
                AND p.payment_intent_id = p_payment_intent
                AND t.operation = 'capture'
                AND t.status IN ('initiated', 'requires_action', 'pending', 'unknown', 'succeeded')
        )
        OR EXISTS (
            SELECT FROM saas.provider_requests AS r
            WHERE r.team_id = p_team
                AND r.payment_intent_id = p_payment_intent
                AND r.kind = 'cancel_intent'
                AND r.status IN ('queued', 'claimed')
        )
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA082',
            MESSAGE = 'the payment intent cannot be canceled now',
            DETAIL = format('It is %s, or is being captured or canceled.', v_intent.status);
    END IF;
    INSERT INTO saas.provider_requests (team_id, provider, kind, payment_intent_id, request)
    VALUES (
        p_team, v_intent.provider, 'cancel_intent', p_payment_intent,
        jsonb_strip_nulls(jsonb_build_object('reason', p_reason))
    )
    RETURNING id INTO v_request;
    RETURN saas.keep_idempotent_result(p_team, p_idempotency_key, jsonb_build_object(
        'payment_intent_id', p_payment_intent, 'provider_request_id', v_request, 'status', v_intent.status
    ));
END
$$;
COMMENT ON FUNCTION saas.cancel_payment_intent(uuid, uuid, text, text) IS
'Asks the provider to cancel a payment intent of which nothing is captured or being captured; it is canceled once the provider says so. Returns payment_intent_id, provider_request_id and status. For admins and workers. SA082 in a state that does not allow it.';
REVOKE ALL ON FUNCTION saas.cancel_payment_intent(uuid, uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.cancel_payment_intent(uuid, uuid, text, text) TO saas_app, saas_service;
