-- Verifications of who a team and its customers are, and the hold on payouts while the team's is missing.
CREATE OR REPLACE FUNCTION saas.verified_level(
    p_team uuid,
    p_subject_type text,
    p_subject_reference text,
    p_at timestamptz DEFAULT now()
)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT v.level
    FROM saas.customer_verifications AS v
    WHERE v.team_id = p_team
        AND v.subject_type = p_subject_type
        AND v.subject_reference = p_subject_reference
        AND v.status = 'verified'
        AND v.completed_at <= p_at
        AND (v.expires_at IS NULL OR v.expires_at > p_at)
    ORDER BY array_position('{basic,standard,enhanced}'::text[], v.level) DESC
    LIMIT 1
$$;
COMMENT ON FUNCTION saas.verified_level(uuid, text, text, timestamptz) IS
'The highest level at which the subject is verified at a moment: basic, standard, enhanced, or NULL. Under row-level security.';
REVOKE ALL ON FUNCTION saas.verified_level(uuid, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.verified_level(uuid, text, text, timestamptz)
TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.refresh_verification_hold(p_team uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_levels constant text[] := ARRAY['basic', 'standard', 'enhanced'];
    v_settings saas.compliance_settings;
    v_level text;
BEGIN
    PERFORM saas.lock_team_payouts(p_team);
    SELECT s.* INTO v_settings FROM saas.compliance_settings AS s WHERE s.team_id = p_team;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- By the clock: the verification may have run out while the transaction waited for its turn.
    v_level := saas.verified_level(p_team, 'team', p_team::text, clock_timestamp());
    IF v_settings.payout_verification IS NOT NULL
        AND COALESCE(array_position(v_levels, v_level), 0)
            < array_position(v_levels, v_settings.payout_verification)
    THEN
        PERFORM saas.open_payout_hold(
            p_team, 'kyc', format('verification %s is needed', v_settings.payout_verification),
            'compliance_settings', v_settings.id
        );
    ELSE
        PERFORM saas.close_payout_holds(
            p_team, 'kyc', 'compliance_settings', v_settings.id, 'the team is verified'
        );
    END IF;
END
$$;
COMMENT ON FUNCTION saas.refresh_verification_hold(uuid) IS
'Holds the team''s payouts while its own verification is missing, failed or expired, and releases them when it is there. Waits for whoever schedules or sends payouts. Checks no caller.';
REVOKE ALL ON FUNCTION saas.refresh_verification_hold(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.refresh_verification_hold(uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.require_payout_verification(p_team uuid, p_level text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_constraint text;
    v_column text;
BEGIN
    INSERT INTO saas.compliance_settings (team_id) VALUES (p_team) ON CONFLICT (team_id) DO NOTHING;
    UPDATE saas.compliance_settings AS s
    SET payout_verification = p_level
    WHERE s.team_id = p_team;
    PERFORM saas.refresh_verification_hold(p_team);
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME, v_column = COLUMN_NAME;
        PERFORM saas.refuse_row(
            'level of verification', SQLSTATE, v_constraint, v_column,
            'Levels are basic, standard and enhanced, or NULL for none.'
        );
END
$$;
COMMENT ON FUNCTION saas.require_payout_verification(uuid, text) IS
'The level of verification that the team needs for payouts: basic, standard, enhanced, or NULL for none. For the platform: granted to workers alone, since a team shall not excuse itself.';
REVOKE ALL ON FUNCTION saas.require_payout_verification(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_payout_verification(uuid, text) TO saas_service;

CREATE OR REPLACE FUNCTION saas.start_verification(
    p_team uuid,
    p_subject_type text,
    p_subject_reference text,
    p_level text,
    p_provider text,
    p_provider_reference text DEFAULT NULL,
    p_full_name text DEFAULT NULL,
    p_date_of_birth date DEFAULT NULL,
    p_country text DEFAULT NULL,
    p_documents jsonb DEFAULT '[]'
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_id uuid;
    v_constraint text;
    v_column text;
BEGIN
    PERFORM saas.require_team(p_team, CASE p_subject_type WHEN 'team' THEN 'admin' ELSE 'member' END);
    IF p_date_of_birth > current_date OR length(p_country) <> 2 THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'the date of birth or the country makes no sense',
            HINT = 'A country is an ISO 3166-1 code of two letters.';
    END IF;
    INSERT INTO saas.customer_verifications (
        team_id, subject_type, subject_reference, level, provider, provider_reference, full_name,
        date_of_birth, country, documents
    )
    VALUES (
        p_team, p_subject_type,
        CASE p_subject_type WHEN 'team' THEN p_team::text ELSE p_subject_reference END,
        p_level, p_provider, p_provider_reference, p_full_name, p_date_of_birth,
        upper(p_country)::char(2), COALESCE(p_documents, '[]'::jsonb)
    )
    ON CONFLICT (team_id, subject_type, subject_reference, level)
        WHERE status IN ('pending', 'in_progress')
    DO NOTHING
    RETURNING id INTO v_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA093',
            MESSAGE = 'a verification of the subject at this level is under way',
            HINT = 'Wait for its outcome, or cancel it with saas.cancel_verification().';
    END IF;
    RETURN v_id;
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME, v_column = COLUMN_NAME;
        PERFORM saas.refuse_row(
            'verification', SQLSTATE, v_constraint, v_column,
            'A subject is customer or team with a reference, a level basic, standard or enhanced; documents have type, reference, country and expires_on.'
        );
END
$$;
COMMENT ON FUNCTION saas.start_verification(uuid, text, text, text, text, text, text, date, text, jsonb) IS
'Begins a verification of a customer (by the application''s or provider''s identifier) or of the team itself, at level basic, standard or enhanced; returns it. Documents are an array of objects with type, reference, country and expires_on: references to where they are kept, never the documents. For members and workers, of the team itself for admins. SA093 while one of the same level is under way.';
REVOKE ALL ON FUNCTION saas.start_verification(uuid, text, text, text, text, text, text, date, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.start_verification(uuid, text, text, text, text, text, text, date, text, jsonb)
TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.set_verification_status(
    p_team uuid,
    p_verification uuid,
    p_status text,
    p_results jsonb,
    p_failure_code text,
    p_expires_at timestamptz,
    p_provider_reference text
)
RETURNS saas.customer_verifications
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_row saas.customer_verifications;
    v_constraint text;
    v_column text;
BEGIN
    SELECT v.* INTO v_row
    FROM saas.customer_verifications AS v
    WHERE v.team_id = p_team AND v.id = p_verification
    FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'SA094', MESSAGE = 'the team has no such verification';
    END IF;
    IF v_row.status = p_status THEN
        RETURN v_row; -- reported again
    END IF;
    UPDATE saas.customer_verifications AS v
    SET status = p_status,
        results = COALESCE(p_results, v.results),
        failure_code = CASE p_status WHEN 'failed' THEN COALESCE(p_failure_code, 'unspecified') END,
        provider_reference = COALESCE(p_provider_reference, v.provider_reference),
        expires_at = COALESCE(p_expires_at, v.expires_at),
        completed_at = CASE
            WHEN p_status NOT IN ('pending', 'in_progress') THEN COALESCE(v.completed_at, now())
        END
    WHERE v.team_id = p_team AND v.id = p_verification
    RETURNING v.* INTO v_row;
    IF v_row.subject_type = 'team' THEN
        PERFORM saas.refresh_verification_hold(p_team);
    END IF;
    RETURN v_row;
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME, v_column = COLUMN_NAME;
        PERFORM saas.refuse_row(
            'outcome of a verification', SQLSTATE, v_constraint, v_column,
            'Results are an object, a failure has a code, and what expires does so after it is complete.'
        );
END
$$;
COMMENT ON FUNCTION saas.set_verification_status(uuid, uuid, text, jsonb, text, timestamptz, text) IS
'Brings a verification into a state, with what came of it; the same state again changes nothing. Checks no caller.';
REVOKE ALL ON FUNCTION saas.set_verification_status(uuid, uuid, text, jsonb, text, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_verification_status(uuid, uuid, text, jsonb, text, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.record_verification(
    p_team uuid,
    p_verification uuid,
    p_status text,
    p_results jsonb DEFAULT NULL,
    p_failure_code text DEFAULT NULL,
    p_expires_at timestamptz DEFAULT NULL,
    p_provider_reference text DEFAULT NULL
)
RETURNS saas.customer_verifications
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF p_status IS NULL OR p_status NOT IN ('in_progress', 'verified', 'failed') THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'that is no outcome of a verification',
            HINT = 'Outcomes are in_progress, verified and failed.';
    END IF;
    RETURN saas.set_verification_status(
        p_team, p_verification, p_status, p_results, p_failure_code, p_expires_at, p_provider_reference
    );
END
$$;
COMMENT ON FUNCTION saas.record_verification(uuid, uuid, text, jsonb, text, timestamptz, text) IS
'What the verifying provider says: in_progress, verified (until p_expires_at, NULL for good) or failed (a verified one: revoked). The same again changes nothing; SA070 for a step that its state does not allow, SA094 for a verification that the team does not have. Granted to workers alone: nobody verifies himself.';
REVOKE ALL ON FUNCTION saas.record_verification(uuid, uuid, text, jsonb, text, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.record_verification(uuid, uuid, text, jsonb, text, timestamptz, text) TO saas_service;

CREATE OR REPLACE FUNCTION saas.cancel_verification(p_team uuid, p_verification uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    PERFORM saas.set_verification_status(p_team, p_verification, 'canceled', NULL, NULL, NULL, NULL);
END
$$;
COMMENT ON FUNCTION saas.cancel_verification(uuid, uuid) IS
'Gives up a verification that has no outcome yet. For admins and workers.';
REVOKE ALL ON FUNCTION saas.cancel_verification(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.cancel_verification(uuid, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.expire_verifications(
    p_at timestamptz DEFAULT now(),
    p_limit integer DEFAULT 1000
)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_teams uuid[];
    v_team uuid;
    v_count integer;
BEGIN
    -- In the order of teams, so that two sweeps do not wait for each other in a circle.
    WITH due AS (
        SELECT v.team_id, v.id
        FROM saas.customer_verifications AS v
        WHERE v.status IN ('pending', 'in_progress', 'verified') AND v.expires_at <= least(p_at, now())
        ORDER BY v.team_id, v.id
        LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    ), expired AS (
        UPDATE saas.customer_verifications AS v
        SET status = 'expired', completed_at = COALESCE(v.completed_at, now())
        FROM due AS d
        WHERE v.team_id = d.team_id AND v.id = d.id
        RETURNING v.team_id, v.subject_type
    )
    SELECT count(*), array_agg(DISTINCT e.team_id) FILTER (WHERE e.subject_type = 'team')
    INTO v_count, v_teams
    FROM expired AS e;
    FOREACH v_team IN ARRAY COALESCE(v_teams, '{}'::uuid[]) LOOP
        PERFORM saas.refresh_verification_hold(v_team);
    END LOOP;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION saas.expire_verifications(timestamptz, integer) IS
'Ends the verifications of all teams whose time is up and holds payouts of teams whose own it was; returns how many. For workers. Payouts do not wait for it: who sends them looks at the clock.';
REVOKE ALL ON FUNCTION saas.expire_verifications(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.expire_verifications(timestamptz, integer) TO saas_service;
