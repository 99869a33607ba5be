-- Deliveries of webhooks: verified, recognised when they come again, applied once, kept.
CREATE OR REPLACE FUNCTION saas.require_fresh_snapshots()
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- A child that is deferred and its parent that lands at once must see each other: what another
    -- session committed while this one waited for a lock.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING
            ERRCODE = '0A000',
            MESSAGE = format(
                'webhooks cannot be taken in at isolation level %s',
                current_setting('transaction_isolation')
            ),
            HINT = 'Use read committed.';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_fresh_snapshots() IS
'Refuses every isolation level but read committed with 0A000: at the others, what another session has recorded meanwhile would be overlooked.';
REVOKE ALL ON FUNCTION saas.require_fresh_snapshots() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_fresh_snapshots() TO saas_internal;

CREATE OR REPLACE FUNCTION saas.attempt_webhook(
    p_team uuid,
    p_provider text,
    p_body bytea,
    INOUT payload jsonb,
    OUT outcome text,
    OUT detail text,
    OUT error_code text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_result record;
    v_message text;
BEGIN
    IF payload IS NULL THEN
        payload := convert_from(p_body, 'UTF8')::jsonb;
    END IF;
    v_result := saas.apply_stripe_event(p_team, payload);
    outcome := v_result.outcome;
    detail := v_result.detail;
    waits_for := v_result.waits_for;
    landed := v_result.landed;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS error_code = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT;
    -- Not the event's fault: roll back, and let the provider deliver it again.
    IF left(error_code, 2) IN ('08', '25', '40', '42', '53', '55', '57', '58', 'XX') THEN
        RAISE;
    END IF;
    outcome := 'failed';
    -- Messages of these classes name constraints and rules of ours; others may quote the payload.
    detail := CASE
        WHEN left(error_code, 2) IN ('SA', '23') THEN v_message
        ELSE 'the event could not be applied'
    END;
    waits_for := NULL;
    landed := NULL;
END
$$;
COMMENT ON FUNCTION saas.attempt_webhook(uuid, text, bytea, jsonb) IS
'Applies a verified event inside a subtransaction, so that one which cannot be applied leaves no trace but its outcome "failed" with SQLSTATE and message. Errors of the server and the schema (deadlock, cancellation, resources, a missing column) are raised again.';
REVOKE ALL ON FUNCTION saas.attempt_webhook(uuid, text, bytea, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.attempt_webhook(uuid, text, bytea, jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.drain_deferred_webhooks(
    p_team uuid,
    p_provider text,
    p_landed text[],
    p_now timestamptz
)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_event record;
    v_result record;
    v_drained integer := 0;
    v_progress boolean;
BEGIN
    LOOP
        v_progress := false;
        FOR v_event IN
            SELECT e.id, e.payload
            FROM saas.webhook_events AS e
            WHERE e.team_id = p_team
                AND e.provider = p_provider
                AND e.status = 'deferred'
                AND e.waits_for = ANY (p_landed)
            ORDER BY e.provider_created_at, e.provider_event_id
            FOR UPDATE
        LOOP
            v_result := saas.attempt_webhook(p_team, p_provider, NULL, v_event.payload);
            IF v_result.outcome = 'deferred' THEN -- maybe for something else than before
                UPDATE saas.webhook_events AS e
                SET reason = v_result.detail,
                    waits_for = v_result.waits_for
                WHERE e.team_id = p_team
                    AND e.id = v_event.id
                    AND (e.reason, e.waits_for) IS DISTINCT FROM (v_result.detail, v_result.waits_for);
                CONTINUE;
            END IF;
            v_progress := true;
            v_drained := v_drained + 1;
            UPDATE saas.webhook_events AS e
            SET status = v_result.outcome,
                reason = v_result.detail,
                error_code = v_result.error_code,
                waits_for = NULL,
                processed_at = p_now
            WHERE e.team_id = p_team AND e.id = v_event.id;
        END LOOP;
        -- One that was applied may have made room for one that was not.
        EXIT WHEN NOT v_progress;
    END LOOP;
    RETURN v_drained;
END
$$;
COMMENT ON FUNCTION saas.drain_deferred_webhooks(uuid, text, text[], timestamptz) IS
'Applies the deferred events that waited for these identifiers, in the provider''s order, and returns how many are no longer deferred.';
REVOKE ALL ON FUNCTION saas.drain_deferred_webhooks(uuid, text, text[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.drain_deferred_webhooks(uuid, text, text[], timestamptz) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.reject_webhook(
    p_team uuid,
    p_provider text,
    p_body bytea,
    p_reason text,
    p_signed_at timestamptz,
    p_received_at timestamptz
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_id uuid;
BEGIN
    -- The body is not kept: whoever can reach the endpoint could fill the disk with it.
    INSERT INTO saas.webhook_events (
        team_id, provider, status, reason, body_sha256, body_bytes, signed_at, received_at,
        last_received_at
    )
    SELECT
        t.id, COALESCE(NULLIF(left(p_provider, 64), ''), 'unknown'), 'rejected', p_reason,
        sha256(COALESCE(p_body, '')), COALESCE(octet_length(p_body), 0), p_signed_at, p_received_at,
        p_received_at
    FROM saas.teams AS t
    WHERE t.id = p_team
    RETURNING id INTO v_id;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION saas.reject_webhook(uuid, text, bytea, text, timestamptz, timestamptz) IS
'Keeps the digest and size of a delivery that was refused, and why; nothing, and NULL, when there is no such team.';
REVOKE ALL ON FUNCTION saas.reject_webhook(uuid, text, bytea, text, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.reject_webhook(uuid, text, bytea, text, timestamptz, timestamptz) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.ingest_webhook(
    p_team uuid,
    p_provider text,
    p_headers jsonb,
    p_body bytea,
    p_url text DEFAULT NULL,
    p_received_at timestamptz DEFAULT now(),
    OUT webhook_event_id uuid,
    OUT outcome text,
    OUT detail text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_secrets bytea[];
    v_tolerance integer;
    v_check record;
    v_result record;
BEGIN
    p_received_at := COALESCE(p_received_at, now());
    PERFORM saas.require_fresh_snapshots();
    SELECT p.webhook_secrets, p.webhook_tolerance_seconds
    INTO v_secrets, v_tolerance
    FROM saas.payment_providers AS p
    WHERE p.team_id = p_team AND p.provider = p_provider AND p.is_active;
    IF FOUND THEN
        v_check := saas.verify_webhook(
            p_provider, p_headers, p_body, p_url, v_secrets, p_received_at, v_tolerance
        );
        detail := CASE
            WHEN NOT v_check.ok THEN v_check.reason
            WHEN v_check.event_id IS NULL OR length(v_check.event_id) NOT BETWEEN 1 AND 255
                THEN 'the body is not a JSON object with an event id'
        END;
    ELSE
        SELECT NULL::text AS event_id, NULL::integer AS secret_no, NULL::timestamptz AS signed_at INTO v_check;
        detail := 'the provider is not set up';
    END IF;
    IF detail IS NOT NULL THEN
        outcome := 'rejected';
        webhook_event_id := saas.reject_webhook(
            p_team, p_provider, p_body, detail, v_check.signed_at, p_received_at
        );
        IF webhook_event_id IS NULL THEN
            detail := 'unknown team';
        END IF;
        RETURN;
    END IF;

    -- Of two sessions with the same event, the second waits here and then finds the first one's row.
    PERFORM saas.lock_provider_object(p_team, p_provider, v_check.event_id);
    UPDATE saas.webhook_events AS e
    SET deliveries = e.deliveries + 1,
        last_received_at = greatest(e.last_received_at, p_received_at)
    WHERE e.team_id = p_team
        AND e.provider = p_provider
        AND e.provider_event_id = v_check.event_id
        AND e.status <> 'rejected'
    RETURNING e.id, 'first delivery: ' || e.status INTO webhook_event_id, detail;
    IF FOUND THEN
        outcome := 'duplicate';
        RETURN;
    END IF;

    v_result := saas.attempt_webhook(p_team, p_provider, p_body, NULL);
    outcome := v_result.outcome;
    detail := v_result.detail;
    INSERT INTO saas.webhook_events (
        team_id, provider, provider_event_id, event_type, status, reason, error_code, waits_for,
        body_sha256, body_bytes, payload, secret_no, signed_at, provider_created_at, received_at,
        last_received_at, processed_at
    )
    VALUES (
        p_team, p_provider, v_check.event_id, left(v_result.payload ->> 'type', 255), outcome, detail,
        v_result.error_code, v_result.waits_for,
        sha256(p_body), octet_length(p_body), v_result.payload, v_check.secret_no, v_check.signed_at,
        saas.stripe_time(v_result.payload -> 'created'), p_received_at,
        p_received_at, CASE WHEN outcome <> 'deferred' THEN p_received_at END
    )
    RETURNING id INTO webhook_event_id;
    IF v_result.landed IS NOT NULL THEN
        PERFORM saas.drain_deferred_webhooks(p_team, p_provider, v_result.landed, p_received_at);
    END IF;
END
$$;
COMMENT ON FUNCTION saas.ingest_webhook(uuid, text, jsonb, bytea, text, timestamptz) IS
'Takes one delivery of a provider''s webhook, with its headers and the body''s raw bytes, for a team. Outcome: processed; duplicate (the event has been delivered before); superseded (a newer snapshot holds); conflict (it contradicts what is known); deferred (its parent has not come yet; applied when it does); ignored (no table for it); failed (it makes no sense; detail says why); rejected (not genuine; nothing but a digest is kept). Only for backends that receive webhooks.';
REVOKE ALL ON FUNCTION saas.ingest_webhook(uuid, text, jsonb, bytea, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.ingest_webhook(uuid, text, jsonb, bytea, text, timestamptz) TO saas_service;

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
        v_result := saas.attempt_webhook(p_team, v_event.provider, NULL, v_event.payload);
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

CREATE OR REPLACE FUNCTION saas.configure_payment_provider(
    p_team uuid,
    p_provider text,
    p_webhook_secrets bytea[] DEFAULT NULL,
    p_display_name text DEFAULT NULL,
    p_webhook_tolerance_seconds integer DEFAULT NULL,
    p_is_active boolean DEFAULT NULL
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
    INSERT INTO saas.payment_providers AS p (
        team_id, provider, webhook_secrets, display_name, webhook_tolerance_seconds, is_active
    )
    VALUES (
        p_team, p_provider, COALESCE(p_webhook_secrets, '{}'), COALESCE(p_display_name, initcap(p_provider)),
        COALESCE(p_webhook_tolerance_seconds, 300), COALESCE(p_is_active, true)
    )
    ON CONFLICT (team_id, provider) DO UPDATE
    SET webhook_secrets = COALESCE(p_webhook_secrets, p.webhook_secrets),
        display_name = COALESCE(p_display_name, p.display_name),
        webhook_tolerance_seconds = COALESCE(p_webhook_tolerance_seconds, p.webhook_tolerance_seconds),
        is_active = COALESCE(p_is_active, p.is_active)
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
COMMENT ON FUNCTION saas.configure_payment_provider(uuid, text, bytea[], text, integer, boolean) IS
'Sets up a provider for the team, or changes what is given; NULL keeps. The webhook secrets are all that are valid at present, so that they can be rolled: give the new one and the old one, later the new one alone. Needs admin.';
REVOKE ALL ON FUNCTION saas.configure_payment_provider(uuid, text, bytea[], text, integer, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.configure_payment_provider(uuid, text, bytea[], text, integer, boolean) TO saas_app, saas_service;
