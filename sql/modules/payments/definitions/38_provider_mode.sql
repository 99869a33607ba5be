-- Test mode and live money: a provider of a team is one of the two, or what was captured in test mode would be
-- paid out.
CREATE OR REPLACE FUNCTION saas.paypal_livemode(p_links jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT h.host NOT LIKE '%.sandbox.paypal.com'
    FROM jsonb_array_elements(
        CASE jsonb_typeof(p_links) WHEN 'array' THEN p_links ELSE '[]'::jsonb END
    ) WITH ORDINALITY AS l (link, n)
    CROSS JOIN LATERAL (
        SELECT substring(lower(l.link ->> 'href') FROM '^https://([a-z0-9.-]+)/')
    ) AS h (host)
    WHERE h.host ~ '^api(-m)?(\.sandbox)?\.paypal\.com$'
    ORDER BY l.n
    LIMIT 1
$$;
COMMENT ON FUNCTION saas.paypal_livemode(jsonb) IS
'Whether the links of an object of PayPal lead to its live API, or to that of its sandbox (false); NULL where they lead to neither.';
REVOKE ALL ON FUNCTION saas.paypal_livemode(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.paypal_livemode(jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.webhook_livemode(p_provider text, p_payload jsonb)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_said text;
BEGIN
    CASE p_provider
        WHEN 'stripe' THEN
            v_said := p_payload ->> 'livemode';
        WHEN 'adyen' THEN
            v_said := p_payload ->> 'live';
        WHEN 'paypal' THEN
            RETURN COALESCE(
                saas.paypal_livemode(p_payload -> 'links'), saas.paypal_livemode(p_payload #> '{resource,links}')
            );
        WHEN 'standard', 'svix' THEN
            v_said := p_payload #>> '{data,livemode}';
        ELSE -- Square and Razorpay do not say it in their events
            NULL;
    END CASE;
    RETURN CASE v_said WHEN 'true' THEN true WHEN 'false' THEN false END;
END
$$;
COMMENT ON FUNCTION saas.webhook_livemode(text, jsonb) IS
'Whether an event is about live money (true) or of the provider''s test mode (false); NULL where it does not say.';
REVOKE ALL ON FUNCTION saas.webhook_livemode(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.webhook_livemode(text, jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.provider_mode_lock(p_team uuid, p_provider text)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT hashtextextended('saas provider mode ' || p_provider, uuid_hash_extended(p_team, 0))
$$;
COMMENT ON FUNCTION saas.provider_mode_lock(uuid, text) IS
'The advisory lock on the mode of a team''s provider: shared by whoever records something of it, exclusive for whoever changes it.';
REVOKE ALL ON FUNCTION saas.provider_mode_lock(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.provider_mode_lock(uuid, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.provider_livemode(
    p_team uuid,
    p_provider text,
    p_said boolean DEFAULT NULL
)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_locked text := pg_advisory_xact_lock_shared(saas.provider_mode_lock(p_team, p_provider));
    v_livemode boolean;
BEGIN
    v_livemode := (saas.find_row(
        NULL::saas.payment_providers, 'payment_providers_team_id_provider_key', p_team, p_provider
    )).livemode;
    IF v_livemode IS NULL AND p_said IS NOT NULL THEN
        -- Whoever comes first says it for all; who comes at the same time waits here, and finds it said.
        UPDATE saas.payment_providers AS p
        SET livemode = COALESCE(p.livemode, p_said)
        WHERE p.team_id = p_team AND p.provider = p_provider
        RETURNING p.livemode INTO v_livemode;
    END IF;
    IF v_livemode <> p_said THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA035',
            MESSAGE = CASE
                WHEN p_said THEN 'the event is about live money, and the provider is set up in test mode'
                ELSE 'the event is of the provider''s test mode, and the provider is set up for live money'
            END,
            HINT = 'Give the other mode a team of its own, and send its webhooks there.';
    END IF;
    RETURN v_livemode;
END
$$;
COMMENT ON FUNCTION saas.provider_livemode(uuid, text, boolean) IS
'Whether a team''s provider is set up for live money (true) or in test mode (false); NULL while nobody has said. p_said is what an event says: the first one to say it says it for the provider, and SA035 refuses one that says otherwise.';
REVOKE ALL ON FUNCTION saas.provider_livemode(uuid, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.provider_livemode(uuid, text, boolean) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.require_unmixed_mode(p_team uuid, p_provider text, p_livemode boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_fresh_snapshots();
    PERFORM pg_advisory_xact_lock(saas.provider_mode_lock(p_team, p_provider));
    -- What we asked for without an answer yet moves no money of either mode.
    IF EXISTS (
        SELECT FROM saas.payments AS p
        WHERE p.team_id = p_team AND p.provider = p_provider AND p.livemode <> p_livemode
        UNION ALL
        SELECT FROM saas.payment_intents AS i
        WHERE i.team_id = p_team
            AND i.provider = p_provider
            AND i.livemode <> p_livemode
            AND i.snapshot_at IS NOT NULL
        UNION ALL
        SELECT FROM saas.payouts AS o
        WHERE o.team_id = p_team
            AND o.provider = p_provider
            AND o.livemode <> p_livemode
            AND o.snapshot_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA036',
            MESSAGE = CASE
                WHEN p_livemode THEN 'the team has payments of this provider''s test mode'
                ELSE 'the team has payments of this provider with live money'
            END,
            HINT = 'Give the other mode a team of its own: one ledger holds one of the two.';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_unmixed_mode(uuid, text, boolean) IS
'Waits for everything that is being recorded of a team''s provider, and raises SA036 when anything recorded is of the other mode; 0A000 at any isolation level but read committed, which would overlook it.';
REVOKE ALL ON FUNCTION saas.require_unmixed_mode(uuid, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_unmixed_mode(uuid, text, boolean) TO saas_internal;
