-- Events that are applied later: tried again, or once the provider has confirmed them.
CREATE OR REPLACE FUNCTION saas.retry_webhook(
    p_team uuid,
    p_webhook_event uuid,
    OUT outcome text,
    OUT detail text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_event saas.webhook_events;
    v_result record;
    v_now timestamptz := now();
BEGIN
    PERFORM saas.require_fresh_snapshots();
    -- Row locks of events come after the locks of objects, as in ingest_webhook(), or this one and the
    -- delivery of the parent would wait for each other.
    PERFORM saas.lock_provider_object(p_team, e.provider, e.provider_event_id)
    FROM saas.webhook_events AS e
    WHERE e.team_id = p_team AND e.id = p_webhook_event AND e.provider_event_id IS NOT NULL;
    SELECT e.* INTO v_event
    FROM saas.webhook_events AS e
    WHERE e.team_id = p_team
        AND e.id = p_webhook_event
        AND e.status IN ('deferred', 'failed')
        AND e.payload IS NOT NULL;
    IF FOUND THEN
        v_result := saas.attempt_webhook(
            p_team, v_event.provider, v_event.provider_event_id, NULL,
            v_event.provider <> 'paypal' OR v_event.confirmed_at IS NOT NULL, v_event.payload
        );
        outcome := v_result.outcome;
        detail := v_result.detail;
        UPDATE saas.webhook_events AS e
        SET status = outcome,
            reason = detail,
            error_code = v_result.error_code,
            waits_for = v_result.waits_for,
            processed_at = CASE WHEN outcome <> 'deferred' THEN v_now END
        WHERE e.team_id = p_team AND e.id = p_webhook_event AND e.status IN ('deferred', 'failed');
    END IF;
    IF NOT FOUND THEN -- or the parent that it waited for came meanwhile
        RAISE EXCEPTION USING
            ERRCODE = 'SA073',
            MESSAGE = 'there is no such event to be tried again',
            DETAIL = 'Only events that are deferred, or failed with a readable body, can be.';
    END IF;
    IF v_result.landed IS NOT NULL THEN
        PERFORM saas.drain_deferred_webhooks(p_team, v_event.provider, v_result.landed, v_now);
    END IF;
END
$$;
COMMENT ON FUNCTION saas.retry_webhook(uuid, uuid) IS
'Applies a deferred or failed event once more, for instance after its cause has been mended, and returns the new outcome. SA073 for any other.';
REVOKE ALL ON FUNCTION saas.retry_webhook(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.retry_webhook(uuid, uuid) TO saas_service;

CREATE OR REPLACE FUNCTION saas.confirm_webhook(
    p_team uuid,
    p_webhook_event uuid,
    p_is_genuine boolean DEFAULT true,
    p_event jsonb DEFAULT NULL,
    p_is_compared boolean DEFAULT false,
    OUT outcome text,
    OUT detail text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_event saas.webhook_events;
    v_facts saas.webhook_events;
    v_result record;
    v_now timestamptz := now();
BEGIN
    PERFORM saas.require_fresh_snapshots();
    PERFORM saas.lock_provider_object(p_team, e.provider, e.provider_event_id)
    FROM saas.webhook_events AS e
    WHERE e.team_id = p_team AND e.id = p_webhook_event AND e.status = 'unconfirmed';
    SELECT e.* INTO v_event
    FROM saas.webhook_events AS e
    WHERE e.team_id = p_team AND e.id = p_webhook_event AND e.status = 'unconfirmed';
    IF NOT FOUND OR p_is_genuine IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA055',
            MESSAGE = 'there is no such event to be confirmed',
            DETAIL = 'Only events that are unconfirmed can be, once.';
    ELSIF p_is_genuine AND p_event IS NULL AND p_is_compared IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA037',
            MESSAGE = 'the provider''s own copy of the event is missing',
            DETAIL = 'The signature does not bind the body: what was delivered under the event''s name may be somebody else''s.',
            HINT = 'Give p_event as the provider''s API returns it. Where you have compared the stored payload with that, say so: p_is_compared => true.';
    ELSIF p_event ->> 'id' IS DISTINCT FROM v_event.provider_event_id AND p_event IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'this is another event than the one to be confirmed',
            HINT = 'Give the event of that identifier, as the provider''s API returns it.';
    ELSIF NOT p_is_genuine THEN
        SELECT NULL::text AS error_code, NULL::text AS waits_for, NULL::text[] AS landed INTO v_result;
        outcome := 'dead';
        detail := 'the provider does not know this event';
    ELSE
        -- What the provider says of the event holds, not what came under its name: whoever was faster than the
        -- provider may have delivered another body.
        v_event.payload := COALESCE(saas.mask_card_numbers(p_event::text)::jsonb, v_event.payload);
        v_result := saas.attempt_webhook(
            p_team, v_event.provider, v_event.provider_event_id, NULL, true, v_event.payload
        );
        outcome := v_result.outcome;
        detail := v_result.detail;
    END IF;
    v_facts := saas.read_webhook(v_event.provider, v_event.payload);
    UPDATE saas.webhook_events AS e
    SET status = outcome,
        reason = detail,
        payload = v_event.payload,
        event_type = v_facts.event_type,
        provider_created_at = v_facts.provider_created_at,
        error_code = v_result.error_code,
        waits_for = v_result.waits_for,
        confirmed_at = CASE WHEN p_is_genuine THEN v_now END,
        processed_at = CASE WHEN outcome <> 'deferred' THEN v_now END
    WHERE e.team_id = p_team AND e.id = p_webhook_event;
    IF v_result.landed IS NOT NULL THEN
        PERFORM saas.drain_deferred_webhooks(p_team, v_event.provider, v_result.landed, v_now);
    END IF;
END
$$;
COMMENT ON FUNCTION saas.confirm_webhook(uuid, uuid, boolean, jsonb, boolean) IS
'Applies an event after the application has asked the provider''s API whether it is genuine, and returns its outcome; false buries it. p_event is the event as that API returned it: it is applied, whatever was delivered under its identifier. Without it (SA037) p_is_compared has to say that the application has compared the stored payload with what the API returned. For providers whose signature does not bind the body. SA055 for any other event.';
REVOKE ALL ON FUNCTION saas.confirm_webhook(uuid, uuid, boolean, jsonb, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.confirm_webhook(uuid, uuid, boolean, jsonb, boolean) TO saas_service;

CREATE OR REPLACE FUNCTION saas.configure_payment_provider(
    p_team uuid,
    p_provider text,
    p_webhook_secrets bytea[] DEFAULT NULL,
    p_display_name text DEFAULT NULL,
    p_webhook_tolerance_seconds integer DEFAULT NULL,
    p_is_active boolean DEFAULT NULL,
    p_captures_automatically boolean DEFAULT NULL,
    p_livemode boolean DEFAULT NULL
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_id uuid;
    v_constraint text;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    IF p_livemode IS NOT NULL THEN
        PERFORM saas.require_unmixed_mode(p_team, p_provider, p_livemode);
    END IF;
    INSERT INTO saas.payment_providers AS p (
        team_id, provider, webhook_secrets, display_name, webhook_tolerance_seconds, is_active,
        captures_automatically, livemode
    )
    VALUES (
        p_team, p_provider, COALESCE(p_webhook_secrets, '{}'), COALESCE(p_display_name, initcap(p_provider)),
        COALESCE(p_webhook_tolerance_seconds, 300), COALESCE(p_is_active, true),
        COALESCE(p_captures_automatically, false), p_livemode
    )
    ON CONFLICT (team_id, provider) DO UPDATE
    SET webhook_secrets = COALESCE(p_webhook_secrets, p.webhook_secrets),
        display_name = COALESCE(p_display_name, p.display_name),
        webhook_tolerance_seconds = COALESCE(p_webhook_tolerance_seconds, p.webhook_tolerance_seconds),
        is_active = COALESCE(p_is_active, p.is_active),
        captures_automatically = COALESCE(p_captures_automatically, p.captures_automatically),
        livemode = COALESCE(p_livemode, p.livemode)
    RETURNING p.id INTO v_id;
    RETURN v_id;
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        -- The server's own detail would show the row, secrets and all, and the log would keep it.
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
        RAISE EXCEPTION USING
            ERRCODE = SQLSTATE,
            MESSAGE = 'the provider cannot be set up like this',
            HINT = 'Give a provider that is supported, a name of 1 to 200 characters, up to 8 secrets that are not empty, and a tolerance of 1 to 86400 seconds.',
            SCHEMA = 'saas',
            TABLE = 'payment_providers',
            CONSTRAINT = v_constraint;
END
$$;
COMMENT ON FUNCTION saas.configure_payment_provider(uuid, text, bytea[], text, integer, boolean, boolean, boolean) IS
'Sets up a provider for the team, or changes what is given; NULL keeps. The webhook secrets are all that are valid at present, so that they can be rolled: give the new one and the old one, later the new one alone. p_captures_automatically: every authorisation is captured at once, and the provider does not tell of it. p_livemode: live money, or (false) the provider''s test mode; while nobody has said, the first event that tells it does. SA036 when something of the other mode is recorded, 0A000 at another isolation level than read committed. Needs admin.';
REVOKE ALL ON FUNCTION saas.configure_payment_provider(uuid, text, bytea[], text, integer, boolean, boolean, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.configure_payment_provider(uuid, text, bytea[], text, integer, boolean, boolean, boolean) TO saas_app, saas_service;
