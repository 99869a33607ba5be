-- Taking deliveries in: verified, recognised when they come again, applied, kept.
CREATE OR REPLACE FUNCTION saas.razorpay_event_id(p_team uuid, p_event_id text, p_body bytea)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_digest constant bytea := sha256(p_body);
    v_known text;
BEGIN
    PERFORM saas.lock_provider_object(p_team, 'razorpay', encode(v_digest, 'hex'));
    SELECT e.provider_event_id INTO v_known
    FROM saas.webhook_events AS e
    WHERE e.team_id = p_team
        AND e.provider = 'razorpay'
        AND e.body_sha256 = v_digest
        AND e.provider_event_id IS NOT NULL
    LIMIT 1;
    IF v_known IS NULL AND EXISTS (
        SELECT FROM saas.webhook_events AS e
        WHERE e.team_id = p_team AND e.provider = 'razorpay' AND e.provider_event_id = p_event_id
    ) THEN
        RETURN left(p_event_id, 190) || ':' || encode(v_digest, 'hex');
    END IF;
    RETURN COALESCE(v_known, p_event_id);
END
$$;
COMMENT ON FUNCTION saas.razorpay_event_id(uuid, text, bytea) IS
'The name under which a delivery of Razorpay is an event. Its signature covers the body alone: a body that has come before is that event whatever the header calls it, and another body is another event even under a name that is taken.';
REVOKE ALL ON FUNCTION saas.razorpay_event_id(uuid, text, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.razorpay_event_id(uuid, text, bytea) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.take_webhook(
    p_team uuid,
    p_provider text,
    p_event_id text,
    p_payload jsonb,
    p_body bytea,
    p_secret_no integer,
    p_signed_at timestamptz,
    p_received_at timestamptz,
    p_id uuid,
    OUT webhook_event_id uuid,
    OUT outcome text,
    OUT detail text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_result record;
    v_event saas.webhook_events;
BEGIN
    -- Of two sessions with the same event, the second waits here and then finds the first one's row.
    p_event_id := saas.lock_object(p_team, p_provider, p_event_id);
    IF p_provider = 'razorpay' THEN
        p_event_id := saas.razorpay_event_id(p_team, p_event_id, p_body);
    END IF;
    v_event := saas.find_row(
        v_event, 'webhook_events_team_id_provider_provider_event_id_key', p_team, p_provider, p_event_id
    );
    IF v_event.id IS NOT NULL THEN
        webhook_event_id := v_event.id;
        outcome := 'duplicate';
        detail := 'first delivery: ' || v_event.status;
        UPDATE saas.webhook_events AS e
        SET deliveries = e.deliveries + 1,
            last_received_at = greatest(e.last_received_at, p_received_at)
        WHERE e.team_id = p_team AND e.id = webhook_event_id;
        RETURN;
    END IF;

    -- The signature of PayPal binds the body by a checksum alone that can be forged.
    v_result := saas.attempt_webhook(
        p_team, p_provider, p_event_id, p_body, p_provider <> 'paypal', p_payload
    );
    outcome := v_result.outcome;
    detail := v_result.detail;
    v_event := saas.with_columns(
        v_event,
        '{team_id,id,provider,provider_event_id,status,reason,error_code,waits_for,body_sha256,
          body_bytes,payload,secret_no,signed_at,received_at,last_received_at,processed_at}',
        p_team, COALESCE(p_id, saas.uuid_v7()), p_provider, p_event_id, outcome, detail,
        v_result.error_code, v_result.waits_for, sha256(p_body), octet_length(p_body),
        v_result.payload, p_secret_no, p_signed_at, p_received_at, p_received_at,
        CASE WHEN outcome NOT IN ('deferred', 'unconfirmed') THEN p_received_at END
    );
    v_event := saas.insert_row(saas.with_json_columns(
        v_event, p_provider, v_result.payload, saas.webhook_mapping(p_provider)
    ));
    webhook_event_id := v_event.id;
    IF v_result.landed IS NOT NULL AND saas.has_row( -- any that waits
        NULL::saas.webhook_events, 'webhook_events_team_id_provider_waits_for_idx', p_team, p_provider
    ) THEN
        PERFORM saas.drain_deferred_webhooks(p_team, p_provider, v_result.landed, p_received_at);
    END IF;
END
$$;
COMMENT ON FUNCTION saas.take_webhook(uuid, text, text, jsonb, bytea, integer, timestamptz, timestamptz, uuid) IS
'Takes one verified event: recognises it when it comes again, applies it, keeps it, and applies what waited for it.';
REVOKE ALL ON FUNCTION saas.take_webhook(uuid, text, text, jsonb, bytea, integer, timestamptz, timestamptz, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.take_webhook(uuid, text, text, jsonb, bytea, integer, timestamptz, timestamptz, uuid)
TO saas_internal;

CREATE OR REPLACE FUNCTION saas.take_adyen_items(
    p_team uuid,
    p_payload jsonb,
    p_body bytea,
    p_secret_no integer,
    p_received_at timestamptz,
    OUT webhook_event_id uuid,
    OUT outcome text,
    OUT detail text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    -- Of several items the outcome is the one that needs attention most.
    k_gravity constant text[] := '{duplicate,ignored,superseded,processed,deferred,conflict,failed}'::text[];
    v_item record;
    v_result record;
    v_outcomes text[] := '{}'::text[];
BEGIN
    -- In the order of their objects, so that two batches lock them alike.
    FOR v_item IN
        SELECT
            -- A name that does not fit is told apart by its digest: the item is kept, and reported if it makes no sense.
            CASE
                WHEN length(n.name) <= 255 THEN n.name
                ELSE left(n.name, 190) || ':' || encode(sha256(convert_to(n.name, 'UTF8')), 'hex')
            END AS event_id,
            jsonb_build_object(
                'live', p_payload -> 'live', 'NotificationRequestItem', i.value -> 'NotificationRequestItem'
            ) AS payload
        FROM jsonb_array_elements(p_payload -> 'notificationItems') AS i
        CROSS JOIN LATERAL (
            SELECT concat(
                i.value #>> '{NotificationRequestItem,eventCode}', ':',
                i.value #>> '{NotificationRequestItem,pspReference}'
            )
        ) AS n (name)
        ORDER BY
            COALESCE(
                NULLIF(i.value #>> '{NotificationRequestItem,originalReference}', ''),
                i.value #>> '{NotificationRequestItem,pspReference}'
            ),
            1
    LOOP
        v_result := saas.take_webhook(
            p_team, 'adyen', v_item.event_id, v_item.payload, p_body, p_secret_no, NULL, p_received_at, NULL
        );
        webhook_event_id := COALESCE(webhook_event_id, v_result.webhook_event_id);
        v_outcomes := v_outcomes || v_result.outcome;
        detail := v_result.detail;
        IF outcome IS NULL
            OR array_position(k_gravity, v_result.outcome) > array_position(k_gravity, outcome)
        THEN
            outcome := v_result.outcome;
            webhook_event_id := v_result.webhook_event_id;
        END IF;
    END LOOP;
    IF cardinality(v_outcomes) > 1 THEN
        detail := format('%s items: %s', cardinality(v_outcomes), left(array_to_string(v_outcomes, ', '), 500));
    END IF;
END
$$;
COMMENT ON FUNCTION saas.take_adyen_items(uuid, jsonb, bytea, integer, timestamptz) IS
'Takes every item of a verified Adyen notification as an event of its own. Returns the outcome that needs attention most, with its event, and all outcomes in the detail.';
REVOKE ALL ON FUNCTION saas.take_adyen_items(uuid, jsonb, bytea, integer, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.take_adyen_items(uuid, jsonb, bytea, integer, timestamptz) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.verify_delivery(
    p_team uuid,
    p_provider text,
    p_headers jsonb,
    p_body bytea,
    p_url text,
    p_received_at timestamptz,
    OUT refusal text,
    OUT secret_no integer,
    OUT event_id text,
    OUT signed_at timestamptz,
    OUT certificate_url text
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    v_set_up saas.payment_providers;
    v_check record;
BEGIN
    v_set_up := saas.find_row(v_set_up, 'payment_providers_team_id_provider_key', p_team, p_provider);
    IF v_set_up.is_active IS NOT TRUE THEN
        refusal := 'the provider is not set up';
        RETURN;
    ELSIF p_provider = 'paypal' THEN
        v_set_up.webhook_secrets := v_set_up.webhook_secrets
            || saas.webhook_certificate_of(p_team, p_provider, p_headers);
    END IF;
    v_check := saas.verify_webhook(
        p_provider, p_headers, p_body, p_url, v_set_up.webhook_secrets, p_received_at,
        v_set_up.webhook_tolerance_seconds
    );
    secret_no := v_check.secret_no;
    event_id := v_check.event_id;
    signed_at := v_check.signed_at;
    refusal := CASE
        WHEN NOT v_check.ok THEN v_check.reason
        WHEN v_check.event_id IS NULL OR (
            length(v_check.event_id) NOT BETWEEN 1 AND 255 AND p_provider <> 'adyen'
        ) THEN 'the body is not a JSON object with an event id'
    END;
    IF p_provider = 'paypal' AND refusal LIKE 'certificate needed: %' THEN
        certificate_url := substring(refusal FROM '^certificate needed: (.*)$');
    END IF;
END
$$;
COMMENT ON FUNCTION saas.verify_delivery(uuid, text, jsonb, bytea, text, timestamptz) IS
'Verifies a delivery with what the team has set up for the provider. refusal: why it is not taken, NULL when it is; certificate_url: where the certificate is that is missing.';
REVOKE ALL ON FUNCTION saas.verify_delivery(uuid, text, jsonb, bytea, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.verify_delivery(uuid, text, jsonb, bytea, text, timestamptz) TO saas_internal;

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
    v_result record;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM saas.require_fresh_snapshots();
    END IF;
    v_result := saas.take_delivery(
        p_team, p_provider, p_headers, p_body, p_url, COALESCE(p_received_at, now()), NULL
    );
    webhook_event_id := v_result.webhook_event_id;
    outcome := v_result.outcome;
    detail := v_result.detail;
END
$$;
COMMENT ON FUNCTION saas.ingest_webhook(uuid, text, jsonb, bytea, text, timestamptz) IS
'Takes one delivery of a provider''s webhook, with its headers and the body''s raw bytes, for a team. Outcome: processed; duplicate (the event has been delivered before); superseded (a newer snapshot holds); conflict (it contradicts what is known); deferred (its parent has not come yet; applied when it does); unconfirmed (applied by confirm_webhook()); cert_needed (verified once the certificate at detail is stored); ignored (no table for it); failed (it makes no sense; detail says why); rejected (not genuine; nothing but a digest is kept). Only for backends that receive webhooks.';
REVOKE ALL ON FUNCTION saas.ingest_webhook(uuid, text, jsonb, bytea, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.ingest_webhook(uuid, text, jsonb, bytea, text, timestamptz) TO saas_service;

CREATE OR REPLACE FUNCTION saas.take_delivery(
    p_team uuid,
    p_provider text,
    p_headers jsonb,
    p_body bytea,
    p_url text,
    p_received_at timestamptz,
    p_id uuid,
    OUT webhook_event_id uuid,
    OUT outcome text,
    OUT detail text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_check record := saas.verify_delivery(p_team, p_provider, p_headers, p_body, p_url, p_received_at);
    v_payload jsonb;
    v_result record;
BEGIN
    IF v_check.certificate_url IS NOT NULL THEN
        SELECT r.* INTO webhook_event_id, outcome, detail
        FROM saas.keep_for_certificate(
            p_team, p_provider, p_headers, p_body, p_url, p_received_at, v_check.certificate_url
        ) AS r;
        RETURN;
    END IF;
    detail := v_check.refusal;
    IF detail IS NULL AND p_provider = 'adyen' THEN -- its items are events of their own
        BEGIN
            v_payload := convert_from(p_body, 'UTF8')::jsonb;
        EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
            detail := 'the body is not JSON that can be kept';
        END;
    END IF;
    IF detail IS NOT NULL THEN
        outcome := 'rejected';
        webhook_event_id := saas.reject_webhook(
            p_team, p_provider, p_body, detail, v_check.signed_at, p_received_at
        );
        IF webhook_event_id IS NULL THEN
            detail := 'unknown team';
        END IF;
    ELSIF p_provider = 'adyen' AND jsonb_typeof(v_payload -> 'notificationItems') = 'array' THEN
        SELECT r.* INTO webhook_event_id, outcome, detail
        FROM saas.take_adyen_items(p_team, v_payload, p_body, v_check.secret_no, p_received_at) AS r;
    ELSE
        v_result := saas.take_webhook(
            p_team, p_provider, v_check.event_id, v_payload, p_body, v_check.secret_no, v_check.signed_at,
            p_received_at, p_id
        );
        webhook_event_id := v_result.webhook_event_id;
        outcome := v_result.outcome;
        detail := v_result.detail;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.take_delivery(uuid, text, jsonb, bytea, text, timestamptz, uuid) IS
'Verifies a delivery and takes what it brings; p_id is the identifier that its event is to have, NULL for a new one.';
REVOKE ALL ON FUNCTION saas.take_delivery(uuid, text, jsonb, bytea, text, timestamptz, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.take_delivery(uuid, text, jsonb, bytea, text, timestamptz, uuid) TO saas_internal;
