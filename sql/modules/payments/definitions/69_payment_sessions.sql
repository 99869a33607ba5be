-- Checkout sessions: an intent that a customer may pay for a while.
CREATE OR REPLACE TRIGGER payment_sessions_10_state
BEFORE INSERT OR UPDATE ON saas.payment_sessions
FOR EACH ROW EXECUTE FUNCTION saas.enforce_state_machine('payment_session', 'status');
CREATE OR REPLACE TRIGGER payment_sessions_20_immutable
BEFORE UPDATE ON saas.payment_sessions
FOR EACH ROW
EXECUTE FUNCTION saas.enforce_immutable('team_id', 'id', 'payment_intent_id', 'expires_at');
CREATE OR REPLACE TRIGGER payment_sessions_30_updated_at
BEFORE UPDATE ON saas.payment_sessions
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();

CREATE OR REPLACE FUNCTION saas.complete_session_of_intent()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF (saas.find_row(
        NULL::saas.payment_sessions, 'payment_sessions_team_id_payment_intent_id_key', NEW.team_id, NEW.id
    )).status <> 'complete' THEN
        UPDATE saas.payment_sessions AS s
        SET status = 'complete',
            completed_at = clock_timestamp()
        WHERE s.team_id = NEW.team_id AND s.payment_intent_id = NEW.id AND s.status <> 'complete';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.complete_session_of_intent() IS
'AFTER UPDATE row trigger of payment_intents that are authorised or paid: their checkout session is complete, also one that has expired meanwhile.';
REVOKE ALL ON FUNCTION saas.complete_session_of_intent() FROM PUBLIC;
CREATE OR REPLACE TRIGGER payment_intents_40_session
AFTER UPDATE ON saas.payment_intents
FOR EACH ROW
WHEN (
    new.status IN ('requires_capture', 'partially_captured', 'succeeded')
    AND old.status NOT IN ('requires_capture', 'partially_captured', 'succeeded')
)
EXECUTE FUNCTION saas.complete_session_of_intent();

CREATE OR REPLACE FUNCTION saas.create_payment_session(
    p_team uuid,
    p_amount bigint,
    p_currency text,
    p_provider text,
    p_idempotency_key text,
    p_expires_in interval DEFAULT '24 hours',
    p_client_reference text DEFAULT NULL,
    p_success_url text DEFAULT NULL,
    p_cancel_url text DEFAULT NULL,
    p_capture_method text DEFAULT 'automatic',
    p_provider_customer_id text DEFAULT NULL,
    p_metadata jsonb DEFAULT '{}'
)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_result jsonb;
    v_id uuid := saas.uuid_v7();
    v_intent jsonb;
    v_expires_at timestamptz;
    v_constraint text;
    v_column text;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    v_result := saas.claim_idempotency_key(
        p_team, p_idempotency_key, 'create_payment_session',
        jsonb_build_array(
            p_amount, upper(p_currency), p_provider, p_expires_in, p_client_reference, p_success_url,
            p_cancel_url, p_capture_method, p_provider_customer_id, p_metadata
        )
    );
    IF v_result IS NOT NULL THEN
        RETURN v_result;
    END IF;
    IF p_expires_in IS NULL OR p_expires_in < interval '1 minute' OR p_expires_in > interval '30 days' THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a session lasts from a minute to 30 days';
    END IF;
    v_intent := saas.create_payment_intent(
        p_team, p_amount, p_currency, p_provider, 'payment_session:' || v_id, p_capture_method,
        p_provider_customer_id => p_provider_customer_id,
        p_metadata => p_metadata || jsonb_build_object('saas_session_id', v_id)
    );
    INSERT INTO saas.payment_sessions (
        team_id, id, payment_intent_id, client_reference, success_url, cancel_url, metadata, expires_at
    )
    VALUES (
        p_team, v_id, (v_intent ->> 'payment_intent_id')::uuid, p_client_reference, p_success_url,
        p_cancel_url, p_metadata, clock_timestamp() + p_expires_in
    )
    RETURNING expires_at INTO v_expires_at;
    RETURN saas.keep_idempotent_result(p_team, p_idempotency_key, v_intent || jsonb_build_object(
        'payment_session_id', v_id, 'status', 'open', 'expires_at', v_expires_at
    ));
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME, v_column = COLUMN_NAME;
        PERFORM saas.refuse_row(
            'checkout session', SQLSTATE, v_constraint, v_column,
            'A reference has up to 255 characters, addresses begin with https:// or http://.'
        );
END
$$;
COMMENT ON FUNCTION saas.create_payment_session(uuid, bigint, text, text, text, interval, text, text, text, text, text, jsonb) IS
'Opens a checkout session: a payment intent (amount in minor units) that may be paid for a while, a day unless told otherwise. Returns payment_session_id, payment_intent_id, provider_request_id, status and expires_at. For members and workers.';
REVOKE ALL ON FUNCTION saas.create_payment_session(uuid, bigint, text, text, text, interval, text, text, text, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.create_payment_session(uuid, bigint, text, text, text, interval, text, text, text, text, text, jsonb)
TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.lock_session(p_team uuid, p_session uuid)
RETURNS saas.payment_sessions
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_row saas.payment_sessions;
BEGIN
    SELECT s.* INTO v_row
    FROM saas.payment_sessions AS s
    WHERE s.team_id = p_team AND s.id = p_session;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'SA081', MESSAGE = 'the team has no such checkout session';
    END IF;
    PERFORM saas.lock_intent(p_team, v_row.payment_intent_id);
    SELECT s.* INTO STRICT v_row
    FROM saas.payment_sessions AS s
    WHERE s.team_id = p_team AND s.id = p_session
    FOR NO KEY UPDATE;
    RETURN v_row;
END
$$;
COMMENT ON FUNCTION saas.lock_session(uuid, uuid) IS
'The checkout session, locked until the end of the transaction after its intent; SA081 if the team has none of that identifier.';
REVOKE ALL ON FUNCTION saas.lock_session(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.lock_session(uuid, uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.complete_payment_session(
    p_team uuid,
    p_session uuid,
    p_idempotency_key text
)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_result jsonb;
    v_session saas.payment_sessions;
    v_state text;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    v_result := saas.claim_idempotency_key(
        p_team, p_idempotency_key, 'complete_payment_session', jsonb_build_array(p_session)
    );
    IF v_result IS NOT NULL THEN
        RETURN v_result;
    END IF;
    v_session := saas.lock_session(p_team, p_session);
    SELECT i.status INTO v_state
    FROM saas.payment_intents AS i
    WHERE i.team_id = p_team AND i.id = v_session.payment_intent_id;
    -- A payment that is on its way (a bank transfer) ends the checkout, though not the payment.
    IF v_session.status = 'expired'
        OR v_state NOT IN ('processing', 'requires_capture', 'partially_captured', 'succeeded')
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA092',
            MESSAGE = 'the checkout session cannot be completed',
            DETAIL = format('It is %s, its payment %s.', v_session.status, v_state);
    END IF;
    UPDATE saas.payment_sessions AS s
    SET status = 'complete',
        completed_at = clock_timestamp()
    WHERE s.team_id = p_team AND s.id = p_session AND s.status = 'open';
    RETURN saas.keep_idempotent_result(p_team, p_idempotency_key, jsonb_build_object(
        'payment_session_id', p_session, 'status', 'complete', 'payment_status', v_state
    ));
END
$$;
COMMENT ON FUNCTION saas.complete_payment_session(uuid, uuid, text) IS
'Completes a checkout session whose payment is under way, authorised or paid; one that is authorised or paid by an event is complete without it. Returns payment_session_id, status and payment_status. For members and workers. SA092 for a session that has expired or is not being paid.';
REVOKE ALL ON FUNCTION saas.complete_payment_session(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.complete_payment_session(uuid, uuid, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.expire_session(p_team uuid, p_session uuid)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_session saas.payment_sessions := saas.lock_session(p_team, p_session);
BEGIN
    IF v_session.status <> 'open' THEN
        RETURN v_session.status;
    END IF;
    UPDATE saas.payment_sessions AS s
    SET status = 'expired',
        expired_at = clock_timestamp()
    WHERE s.team_id = p_team AND s.id = p_session;
    -- The intent is not to be paid any more, unless that is happening.
    INSERT INTO saas.provider_requests (team_id, provider, kind, payment_intent_id, request)
    SELECT i.team_id, i.provider, 'cancel_intent', i.id, '{"reason": "abandoned"}'
    FROM saas.payment_intents AS i
    WHERE i.team_id = p_team
        AND i.id = v_session.payment_intent_id
        AND i.status IN ('requires_payment_method', 'requires_confirmation', 'requires_action')
        AND NOT EXISTS (
            SELECT FROM saas.provider_requests AS r
            WHERE r.team_id = i.team_id
                AND r.payment_intent_id = i.id
                AND r.kind IN ('confirm_intent', 'cancel_intent')
                AND (r.status IN ('queued', 'claimed') OR (r.status = 'dead' AND r.ask = 'lookup'))
        );
    RETURN 'expired';
END
$$;
COMMENT ON FUNCTION saas.expire_session(uuid, uuid) IS
'Expires an open checkout session and asks the provider to cancel its intent, unless that is being paid; returns the state that the session is in then.';
REVOKE ALL ON FUNCTION saas.expire_session(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.expire_session(uuid, uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.expire_payment_session(
    p_team uuid,
    p_session uuid,
    p_idempotency_key text
)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_result jsonb;
    v_status text;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    v_result := saas.claim_idempotency_key(
        p_team, p_idempotency_key, 'expire_payment_session', jsonb_build_array(p_session)
    );
    IF v_result IS NOT NULL THEN
        RETURN v_result;
    END IF;
    v_status := saas.expire_session(p_team, p_session);
    IF v_status = 'complete' THEN
        RAISE EXCEPTION USING ERRCODE = 'SA092', MESSAGE = 'the checkout session is complete';
    END IF;
    RETURN saas.keep_idempotent_result(p_team, p_idempotency_key, jsonb_build_object(
        'payment_session_id', p_session, 'status', v_status
    ));
END
$$;
COMMENT ON FUNCTION saas.expire_payment_session(uuid, uuid, text) IS
'Expires an open checkout session before its time and asks the provider to cancel its intent, unless that is being paid. Returns payment_session_id and status. For members and workers. SA092 for one that is complete.';
REVOKE ALL ON FUNCTION saas.expire_payment_session(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.expire_payment_session(uuid, uuid, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.expire_payment_sessions(p_limit integer DEFAULT 1000)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_session record;
    v_count bigint := 0;
BEGIN
    FOR v_session IN
        SELECT d.team_id, d.id
        FROM (
            SELECT s.team_id, s.id, s.payment_intent_id
            FROM saas.payment_sessions AS s
            WHERE s.status = 'open' AND s.expires_at <= clock_timestamp()
            ORDER BY s.expires_at
            LIMIT p_limit
        ) AS d
        -- One whose intent is being paid right now is left to the next run.
        JOIN saas.payment_intents AS i ON i.team_id = d.team_id AND i.id = d.payment_intent_id
        FOR NO KEY UPDATE OF i SKIP LOCKED
    LOOP
        IF saas.expire_session(v_session.team_id, v_session.id) = 'expired' THEN
            v_count := v_count + 1;
        END IF;
    END LOOP;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION saas.expire_payment_sessions(integer) IS
'Expires up to so many checkout sessions whose time has come, of all teams, and returns how many; for a worker that runs every minute.';
REVOKE ALL ON FUNCTION saas.expire_payment_sessions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.expire_payment_sessions(integer) TO saas_service;
