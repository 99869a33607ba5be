-- Certificates that providers sign webhooks with. The server does not fetch them: a worker does, from the
-- address that is shown, and stores them here, where they are checked.
CREATE OR REPLACE FUNCTION saas.webhook_certificate_of(p_team uuid, p_provider text, p_headers jsonb)
RETURNS bytea[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT array_agg(convert_to(c.pem, 'UTF8'))
    FROM jsonb_each(saas.object_or_empty(p_headers)) AS h
    JOIN saas.webhook_certificates AS c
        ON c.team_id = p_team
            AND c.provider = p_provider
            AND c.url = CASE jsonb_typeof(h.value) WHEN 'array' THEN h.value ->> 0 ELSE h.value #>> '{}' END
    WHERE lower(h.key) = 'paypal-cert-url'
$$;
COMMENT ON FUNCTION saas.webhook_certificate_of(uuid, text, jsonb) IS
'The certificate at the address that the headers name, as verify_webhook() takes it; NULL when it is not stored.';
REVOKE ALL ON FUNCTION saas.webhook_certificate_of(uuid, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.webhook_certificate_of(uuid, text, jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.keep_for_certificate(
    p_team uuid,
    p_provider text,
    p_headers jsonb,
    p_body bytea,
    p_url text,
    p_received_at timestamptz,
    p_certificate_url text,
    OUT webhook_event_id uuid,
    OUT outcome text,
    OUT detail text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_is_full boolean;
BEGIN
    PERFORM saas.lock_provider_object(p_team, p_provider, p_certificate_url);
    SELECT e.id INTO webhook_event_id
    FROM saas.webhook_events AS e
    WHERE e.team_id = p_team
        AND e.provider = p_provider
        AND e.status = 'cert_needed'
        AND e.waits_for = p_certificate_url
        AND e.body_sha256 = sha256(p_body)
        AND e.raw_headers = p_headers;
    IF FOUND THEN
        outcome := 'duplicate';
        detail := 'first delivery: cert_needed';
        RETURN;
    END IF;
    -- Nothing of it is verified yet: whoever can reach the endpoint could fill the disk.
    SELECT count(*) >= 1000 INTO v_is_full
    FROM saas.webhook_events AS e
    WHERE e.team_id = p_team AND e.provider = p_provider AND e.status = 'cert_needed';
    IF v_is_full THEN
        -- After three days a provider has stopped trying: what still waits shall not keep out what comes.
        UPDATE saas.webhook_events AS e
        SET status = 'rejected',
            reason = 'its certificate did not come within three days',
            waits_for = NULL,
            raw_headers = NULL,
            raw_body = NULL,
            raw_url = NULL
        WHERE e.team_id = p_team
            AND e.provider = p_provider
            AND e.status = 'cert_needed'
            AND e.received_at < p_received_at - interval '3 days';
        v_is_full := NOT FOUND;
    END IF;
    IF v_is_full OR octet_length(p_body) + octet_length(p_headers::text) > 262144 THEN
        outcome := 'rejected';
        detail := 'too much waits for certificates';
        webhook_event_id := saas.reject_webhook(p_team, p_provider, p_body, detail, NULL, p_received_at);
        RETURN;
    END IF;
    outcome := 'cert_needed';
    detail := p_certificate_url;
    INSERT INTO saas.webhook_events (
        team_id, provider, status, reason, waits_for, body_sha256, body_bytes, raw_headers, raw_body, raw_url,
        received_at, last_received_at
    )
    VALUES (
        p_team, p_provider, 'cert_needed', 'the certificate is not stored yet', p_certificate_url,
        sha256(p_body), octet_length(p_body), p_headers, p_body, p_url, p_received_at, p_received_at
    )
    RETURNING id INTO webhook_event_id;
END
$$;
COMMENT ON FUNCTION saas.keep_for_certificate(uuid, text, jsonb, bytea, text, timestamptz, text) IS
'Keeps a delivery as it came until its certificate is stored, up to 256 KiB each and 1000 of a provider; more are rejected, but for those that have waited for three days, which make room.';
REVOKE ALL ON FUNCTION saas.keep_for_certificate(uuid, text, jsonb, bytea, text, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.keep_for_certificate(uuid, text, jsonb, bytea, text, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.store_webhook_certificate(
    p_team uuid,
    p_provider text,
    p_url text,
    p_pem text,
    p_at timestamptz DEFAULT now()
)
RETURNS TABLE (
    webhook_event_id uuid,
    outcome text,
    detail text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_secrets bytea[];
    v_check record;
    v_event record;
BEGIN
    PERFORM saas.require_fresh_snapshots();
    SELECT p.webhook_secrets INTO v_secrets
    FROM saas.payment_providers AS p
    WHERE p.team_id = p_team AND p.provider = p_provider AND p.is_active AND p.provider = 'paypal';
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA081',
            MESSAGE = 'the team has no such active provider',
            HINT = 'Set one up with saas.configure_payment_provider(); certificates are PayPal''s.';
    END IF;
    v_check := saas.check_webhook_certificate(p_url, convert_to(p_pem, 'UTF8'), v_secrets, p_at);
    IF v_check.ok IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA056',
            MESSAGE = 'this certificate may not sign webhooks',
            DETAIL = v_check.reason,
            HINT = 'Give the PEM text at that address, leaf first, and trust its root or intermediate: as a webhook secret that begins with -----BEGIN TRUSTED CERTIFICATE-----.';
    END IF;
    INSERT INTO saas.webhook_certificates AS c (
        team_id, provider, url, pem, subject, sha256, not_before, not_after
    )
    VALUES (
        p_team, p_provider, p_url, p_pem, v_check.subject, v_check.fingerprint, v_check.not_before,
        v_check.not_after
    )
    ON CONFLICT (team_id, provider, url) DO UPDATE
    SET pem = excluded.pem,
        subject = excluded.subject,
        sha256 = excluded.sha256,
        not_before = excluded.not_before,
        not_after = excluded.not_after
    WHERE c.pem <> excluded.pem;

    -- A delivery that is being kept now is seen: it holds this lock until it is.
    PERFORM saas.lock_provider_object(p_team, p_provider, p_url);
    FOR v_event IN
        DELETE FROM saas.webhook_events AS e
        WHERE e.team_id = p_team
            AND e.provider = p_provider
            AND e.status = 'cert_needed'
            AND e.waits_for = p_url
        RETURNING e.id, e.raw_headers, e.raw_body, e.raw_url, e.received_at
    LOOP
        RETURN QUERY
        SELECT r.*
        FROM saas.take_delivery(
            p_team, p_provider, v_event.raw_headers, v_event.raw_body, v_event.raw_url, v_event.received_at,
            v_event.id
        ) AS r;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.store_webhook_certificate(uuid, text, text, text, timestamptz) IS
'Stores the certificate that a worker has fetched from an address of status cert_needed, and takes the deliveries that waited for it, one row each with its outcome. The address has to be PayPal''s, the certificate to bear PayPal''s name, to be valid at p_at and to chain to one that the team trusts: else SA056.';
REVOKE ALL ON FUNCTION saas.store_webhook_certificate(uuid, text, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.store_webhook_certificate(uuid, text, text, text, timestamptz) TO saas_service;
