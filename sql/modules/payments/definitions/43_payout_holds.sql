-- Holds on payouts. Placing one and sending payouts take turns: what was placed before a run keeps it back.
CREATE OR REPLACE FUNCTION saas.lock_team_payouts(p_team uuid)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('saas payouts ' || p_team, 0))
$$;
COMMENT ON FUNCTION saas.lock_team_payouts(uuid) IS
'Whoever schedules, sends or holds payouts of the team takes turns, until the end of the transaction. Taken before any row of payouts.';
REVOKE ALL ON FUNCTION saas.lock_team_payouts(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.lock_team_payouts(uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.open_payout_hold(
    p_team uuid,
    p_reason text,
    p_note text DEFAULT NULL,
    p_ref_table text DEFAULT NULL,
    p_ref_id uuid DEFAULT NULL
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_id uuid;
BEGIN
    PERFORM saas.lock_team_payouts(p_team);
    INSERT INTO saas.payout_holds (team_id, reason, note, ref_table, ref_id)
    VALUES (p_team, p_reason, p_note, p_ref_table, p_ref_id)
    ON CONFLICT (team_id, reason, ref_table, ref_id) WHERE released_at IS NULL AND ref_id IS NOT NULL
    DO NOTHING
    RETURNING id INTO v_id;
    IF NOT FOUND THEN
        SELECT h.id INTO STRICT v_id
        FROM saas.payout_holds AS h
        WHERE h.team_id = p_team
            AND h.reason = p_reason
            AND h.ref_table = p_ref_table
            AND h.ref_id = p_ref_id
            AND h.released_at IS NULL;
    END IF;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION saas.open_payout_hold(uuid, text, text, text, uuid) IS
'Holds the team''s payouts back for a reason, for functions of the package that have found one; returns the hold. The same cause (ref_table, ref_id) has one open hold. Waits for a run of payouts that is under way.';
REVOKE ALL ON FUNCTION saas.open_payout_hold(uuid, text, text, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.open_payout_hold(uuid, text, text, text, uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.close_payout_holds(
    p_team uuid,
    p_reason text,
    p_ref_table text,
    p_ref_id uuid,
    p_note text DEFAULT NULL
)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_count integer;
BEGIN
    UPDATE saas.payout_holds AS h
    SET released_at = greatest(clock_timestamp(), h.placed_at),
        released_by = saas.current_user_id(),
        release_note = p_note
    WHERE h.team_id = p_team
        AND h.reason = p_reason
        AND h.ref_table = p_ref_table
        AND h.ref_id = p_ref_id
        AND h.released_at IS NULL;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION saas.close_payout_holds(uuid, text, text, uuid, text) IS
'Releases the open hold of a cause, for functions of the package that placed it with saas.open_payout_hold(); returns how many there were.';
REVOKE ALL ON FUNCTION saas.close_payout_holds(uuid, text, text, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.close_payout_holds(uuid, text, text, uuid, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.place_payout_hold(
    p_team uuid,
    p_reason text,
    p_note text DEFAULT NULL,
    p_ref_table text DEFAULT NULL,
    p_ref_id uuid DEFAULT NULL
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_constraint text;
    v_column text;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    RETURN saas.open_payout_hold(p_team, p_reason, p_note, p_ref_table, p_ref_id);
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME, v_column = COLUMN_NAME;
        PERFORM saas.refuse_row(
            'hold on payouts', SQLSTATE, v_constraint, v_column,
            'Reasons are kyc, dispute, integrity, aml and manual; a note has 1 to 2000 characters.'
        );
END
$$;
COMMENT ON FUNCTION saas.place_payout_hold(uuid, text, text, text, uuid) IS
'Holds the team''s payouts back: reason kyc, dispute, integrity, aml or manual, and the row that is the cause, if there is one; the same cause has one open hold. Returns the hold. For admins and workers. No payout is sent after it returned and committed, until the hold is released.';
REVOKE ALL ON FUNCTION saas.place_payout_hold(uuid, text, text, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.place_payout_hold(uuid, text, text, text, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.release_payout_hold(p_team uuid, p_hold uuid, p_note text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_reason text;
    v_is_required boolean;
    v_constraint text;
    v_column text;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    SELECT
        h.reason,
        h.reason = 'kyc' AND h.ref_table = 'compliance_settings' AND EXISTS (
            SELECT FROM saas.compliance_settings AS s WHERE s.team_id = h.team_id AND s.id = h.ref_id
        )
    INTO v_reason, v_is_required
    FROM saas.payout_holds AS h
    WHERE h.team_id = p_team AND h.id = p_hold AND h.released_at IS NULL
    FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'SA081', MESSAGE = 'the team has no such open hold on payouts';
    END IF;
    -- The platform asks for the verification: the team does not excuse itself, and the next run would hold again.
    IF v_is_required THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA097',
            MESSAGE = 'the hold ends when the team is verified',
            HINT = 'Start a verification with saas.start_verification().';
    END IF;
    -- What an examination has found is released by whoever answers for the team, with a reason.
    IF v_reason IN ('kyc', 'aml', 'integrity') THEN
        PERFORM saas.require_team(p_team, 'owner');
        IF p_note IS NULL THEN
            RAISE EXCEPTION USING
                ERRCODE = '22023',
                MESSAGE = format('to release a hold for %s, a note is needed', v_reason);
        END IF;
    END IF;
    UPDATE saas.payout_holds AS h
    SET released_at = greatest(clock_timestamp(), h.placed_at),
        released_by = saas.current_user_id(),
        release_note = p_note
    WHERE h.team_id = p_team AND h.id = p_hold;
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME, v_column = COLUMN_NAME;
        PERFORM saas.refuse_row(
            'release of a hold', SQLSTATE, v_constraint, v_column,
            'A note has 1 to 2000 characters.'
        );
END
$$;
COMMENT ON FUNCTION saas.release_payout_hold(uuid, uuid, text) IS
'Releases a hold on payouts. For admins and workers; holds for kyc, aml and integrity for owners and workers, with a note. SA081 for a hold that is none or released, SA097 for one that ends with the verification that is missing.';
REVOKE ALL ON FUNCTION saas.release_payout_hold(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.release_payout_hold(uuid, uuid, text) TO saas_app, saas_service;
