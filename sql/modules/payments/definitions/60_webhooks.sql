-- Events of webhooks: what they are, how they are applied, what becomes of those that wait.
CREATE OR REPLACE FUNCTION saas.require_fresh_snapshots()
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
AS $$
BEGIN
    -- What another session committed while this one waited for a lock must be seen: a child that is deferred
    -- and its parent that lands at once, two refunds of one payment, a hold on a payout.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING
            ERRCODE = '0A000',
            MESSAGE = format(
                'money cannot be moved at isolation level %s',
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

CREATE OR REPLACE FUNCTION saas.webhook_mapping(p_provider text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE p_provider
        WHEN 'stripe' THEN '
            event_type             short_text   type
            provider_created_at    unix_time    created
            '
        WHEN 'paypal' THEN '
            event_type             short_text   event_type
            provider_created_at    time         create_time
            '
        WHEN 'square' THEN '
            event_type             short_text   type
            provider_created_at    time         created_at
            '
        WHEN 'adyen' THEN '
            event_type             short_text   NotificationRequestItem.eventCode | type
            provider_created_at    time         NotificationRequestItem.eventDate
            '
        WHEN 'razorpay' THEN '
            event_type             short_text   event
            provider_created_at    unix_time    created_at
            '
        ELSE '
            event_type             short_text   type
            provider_created_at    time         timestamp
            '
    END
$$;
COMMENT ON FUNCTION saas.webhook_mapping(text) IS
'Where each provider writes the type of an event and its own time of it, as saas.with_json_columns() takes it.';
REVOKE ALL ON FUNCTION saas.webhook_mapping(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.webhook_mapping(text) TO saas_internal;
DROP FUNCTION IF EXISTS saas.webhook_event_facts(text, jsonb);
DROP FUNCTION IF EXISTS saas.webhook_event_type(text, jsonb);

CREATE OR REPLACE FUNCTION saas.read_webhook(p_provider text, p_payload jsonb)
RETURNS saas.webhook_events
LANGUAGE sql STABLE PARALLEL UNSAFE
AS $$
    SELECT saas.with_json_columns(
        NULL::saas.webhook_events, p_provider, p_payload, saas.webhook_mapping(p_provider)
    )
$$;
COMMENT ON FUNCTION saas.read_webhook(text, jsonb) IS
'The type of an event and the provider''s time of it, as columns of webhook_events; NULL where they are missing.';
REVOKE ALL ON FUNCTION saas.read_webhook(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.read_webhook(text, jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.attempt_webhook(
    p_team uuid,
    p_provider text,
    p_event_id text,
    p_body bytea,
    p_is_confirmed boolean,
    INOUT payload jsonb,
    OUT outcome text,
    OUT detail text,
    OUT error_code text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_map record;
    v_livemode boolean;
    v_result record;
    v_message text;
BEGIN
    IF payload IS NULL THEN
        payload := convert_from(p_body, 'UTF8')::jsonb;
    END IF;
    v_map := saas.find_provider_status(
        p_provider, 'event', (saas.read_webhook(p_provider, payload)).event_type
    );
    IF v_map.state IS NULL OR v_map.state = 'ignored' THEN
        outcome := 'ignored';
        detail := COALESCE(v_map.reason, 'the type of event is unknown');
        RETURN;
    ELSIF NOT p_is_confirmed THEN
        outcome := 'unconfirmed';
        detail := 'the provider has to confirm this event';
        RETURN;
    END IF;
    v_livemode := saas.provider_livemode(p_team, p_provider, saas.webhook_livemode(p_provider, payload));
    CASE p_provider
        WHEN 'stripe' THEN
            v_result := saas.apply_stripe_event(p_team, payload, p_event_id);
        WHEN 'paypal' THEN
            v_result := saas.apply_paypal_event(p_team, payload, p_event_id);
        WHEN 'square' THEN
            v_result := saas.apply_square_event(p_team, payload, p_event_id, v_map.machine);
        WHEN 'adyen' THEN
            v_result := saas.apply_adyen_event(p_team, payload, p_event_id);
        WHEN 'razorpay' THEN
            v_result := saas.apply_razorpay_event(p_team, payload, p_event_id);
        ELSE
            v_result := saas.apply_neutral_event(p_provider, p_team, payload, p_event_id, v_map.machine);
    END CASE;
    outcome := v_result.outcome;
    detail := v_result.detail;
    waits_for := v_result.waits_for;
    landed := v_result.landed;
    IF outcome IN ('processed', 'superseded', 'conflict') AND saas.tells_fee(p_provider, payload, v_map.machine)
    THEN
        PERFORM saas.record_event_fees(p_team, p_provider, payload, p_event_id, v_map.machine);
    END IF;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS error_code = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT;
    -- Not the event's fault: roll back, and let the provider deliver it again. 22P07: a table has got a column while
    -- one of its rows was on the way.
    IF left(error_code, 2) IN ('08', '25', '40', '42', '53', '55', '57', '58', 'XX') OR error_code = '22P07' THEN
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
COMMENT ON FUNCTION saas.attempt_webhook(uuid, text, text, bytea, boolean, jsonb) IS
'Applies a verified event of any provider, given as its body or read already, to the payment tables. Outcome processed, superseded, conflict, deferred, ignored (provider_status_map does not know its type, or says so) or unconfirmed. All of it in a subtransaction, so that an event that cannot be applied (SA072 for an object that makes no sense, SA035 for one of the other mode, test or live, than the provider''s) leaves no trace but its outcome failed with SQLSTATE and message. Errors of the server and the schema (deadlock, cancellation, resources, a column that is missing or has just been added) are raised again.';
REVOKE ALL ON FUNCTION saas.attempt_webhook(uuid, text, text, bytea, boolean, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.attempt_webhook(uuid, text, text, bytea, boolean, jsonb) TO saas_internal;
DROP FUNCTION IF EXISTS saas.apply_webhook(uuid, text, text, jsonb, boolean);

CREATE OR REPLACE FUNCTION saas.drain_deferred_webhooks(
    p_team uuid,
    p_provider text,
    p_landed text[],
    p_now timestamptz
)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
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
            SELECT e.id, e.provider_event_id, e.payload
            FROM saas.webhook_events AS e
            WHERE e.team_id = p_team
                AND e.provider = p_provider
                AND e.status = 'deferred'
                AND e.waits_for = ANY (p_landed)
            ORDER BY e.provider_created_at, e.provider_event_id
            FOR UPDATE
        LOOP
            v_result := saas.attempt_webhook(
                p_team, p_provider, v_event.provider_event_id, NULL, true, v_event.payload
            );
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
            p_landed := p_landed || v_result.landed; -- a capture brings refunds that waited for it
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
