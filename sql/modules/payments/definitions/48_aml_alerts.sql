-- Alerts: raised once for the same facts, decided once by a person, and what a confirmed one holds.
CREATE OR REPLACE FUNCTION saas.note_aml_alert(
    p_team uuid,
    p_kind text,
    p_subject_type text,
    p_subject_reference text,
    p_facts text,
    p_score integer,
    p_reason text,
    p_details jsonb,
    p_entry uuid DEFAULT NULL,
    p_team_entry uuid DEFAULT NULL
)
RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    INSERT INTO saas.aml_alerts (
        team_id, kind, subject_type, subject_reference, watchlist_entry_id, team_watchlist_entry_id,
        fingerprint, score, reason, details
    )
    VALUES (
        p_team, p_kind, p_subject_type, p_subject_reference, p_entry, p_team_entry,
        sha256(convert_to(
            jsonb_build_array(p_kind, p_subject_type, p_subject_reference, p_facts)::text, 'UTF8'
        )),
        p_score, p_reason, p_details
    )
    ON CONFLICT (team_id, fingerprint) DO NOTHING
    RETURNING id
$$;
COMMENT ON FUNCTION saas.note_aml_alert(uuid, text, text, text, text, integer, text, jsonb, uuid, uuid) IS
'Opens an alert and returns it; NULL when there has been one for the same facts, whatever was decided. Checks no caller.';
REVOKE ALL ON FUNCTION saas.note_aml_alert(uuid, text, text, text, text, integer, text, jsonb, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.note_aml_alert(uuid, text, text, text, text, integer, text, jsonb, uuid, uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.screen_customer(
    p_team uuid,
    p_subject_reference text,
    p_name text,
    p_date_of_birth date DEFAULT NULL,
    p_country text DEFAULT NULL,
    p_subject_type text DEFAULT 'customer'
)
RETURNS TABLE (
    alert_id uuid,
    source text,
    source_reference text,
    name text,
    programme text,
    score integer,
    is_new boolean
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_least integer;
    v_match record;
    v_facts text;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    IF COALESCE(p_name, '') = '' OR p_subject_reference IS NULL
        OR p_subject_type IS NULL OR p_subject_type NOT IN ('team', 'customer')
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'to screen a customer, its identifier and its name are needed';
    END IF;
    SELECT s.alert_from INTO v_least FROM saas.compliance_settings AS s WHERE s.team_id = p_team;
    FOR v_match IN
        SELECT m.*
        FROM saas.find_watchlist_matches(p_team, p_name, p_date_of_birth, p_country, COALESCE(v_least, 80)) AS m
    LOOP
        -- A cleared match comes again when the entry has changed, or what is known of the customer.
        v_facts := jsonb_build_array(
            COALESCE(v_match.watchlist_entry_id, v_match.team_watchlist_entry_id),
            extract(epoch FROM v_match.changed_at), saas.normalize_name(p_name), p_date_of_birth,
            upper(p_country)
        )::text;
        alert_id := saas.note_aml_alert(
            p_team, 'watchlist', p_subject_type, p_subject_reference, v_facts, v_match.score,
            format('like an entry of list %s, %s', v_match.source, v_match.source_reference),
            jsonb_build_object(
                'name', p_name, 'date_of_birth', p_date_of_birth, 'country', p_country, 'listed_name',
                v_match.name, 'programme', v_match.programme, 'likeness', round(v_match.likeness::numeric, 4)
            ),
            v_match.watchlist_entry_id, v_match.team_watchlist_entry_id
        );
        is_new := alert_id IS NOT NULL;
        IF NOT is_new THEN
            SELECT a.id INTO alert_id
            FROM saas.aml_alerts AS a
            WHERE a.team_id = p_team
                AND a.fingerprint = sha256(convert_to(
                    jsonb_build_array('watchlist', p_subject_type, p_subject_reference, v_facts)::text, 'UTF8'
                ));
        END IF;
        source := v_match.source;
        source_reference := v_match.source_reference;
        name := v_match.name;
        programme := v_match.programme;
        score := v_match.score;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.screen_customer(uuid, text, text, date, text, text) IS
'Compares a customer (or the team) with the watch-lists and opens an alert for each entry whose score reaches the team''s alert_from; returns them, with those that were opened before for the same facts. For members and workers.';
REVOKE ALL ON FUNCTION saas.screen_customer(uuid, text, text, date, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.screen_customer(uuid, text, text, date, text, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.rescreen_customers(p_team uuid)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_count bigint;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    SELECT count(*) FILTER (WHERE s.is_new) INTO v_count
    FROM (
        SELECT DISTINCT ON (v.subject_type, v.subject_reference) v.*
        FROM saas.customer_verifications AS v
        WHERE v.team_id = p_team AND v.full_name IS NOT NULL
        ORDER BY v.subject_type, v.subject_reference, v.started_at DESC, v.id DESC
    ) AS v
    CROSS JOIN LATERAL saas.screen_customer(
        p_team, v.subject_reference, v.full_name, v.date_of_birth, v.country, v.subject_type
    ) AS s;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION saas.rescreen_customers(uuid) IS
'Screens everybody whose name a verification of the team holds again, by the lists of now; returns how many new alerts there are. For admins and workers: run it after a list has changed.';
REVOKE ALL ON FUNCTION saas.rescreen_customers(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rescreen_customers(uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.raise_aml_alert(
    p_team uuid,
    p_subject_type text,
    p_subject_reference text,
    p_reason text
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_constraint text;
    v_column text;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    RETURN saas.note_aml_alert(
        p_team, 'manual', p_subject_type, p_subject_reference, gen_random_uuid()::text, 100, p_reason, '{}'::jsonb
    );
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME, v_column = COLUMN_NAME;
        PERFORM saas.refuse_row(
            'alert', SQLSTATE, v_constraint, v_column,
            'A subject is a customer, card or team with a reference; a reason has 1 to 2000 characters.'
        );
END
$$;
COMMENT ON FUNCTION saas.raise_aml_alert(uuid, text, text, text) IS
'Opens an alert about a customer, card or the team because somebody has noticed something; returns it. For members and workers.';
REVOKE ALL ON FUNCTION saas.raise_aml_alert(uuid, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.raise_aml_alert(uuid, text, text, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.lock_aml_alert(p_team uuid, p_alert uuid, p_states text[])
RETURNS saas.aml_alerts
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_alert saas.aml_alerts;
BEGIN
    SELECT a.* INTO v_alert
    FROM saas.aml_alerts AS a
    WHERE a.team_id = p_team AND a.id = p_alert
    FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'SA094', MESSAGE = 'the team has no such alert';
    END IF;
    IF v_alert.status <> ALL (p_states) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA095',
            MESSAGE = format('the alert is %s', replace(v_alert.status, '_', ' ')),
            DETAIL = COALESCE('Decided at ' || v_alert.decided_at || '.', 'Nobody has decided it.'),
            HINT = 'An open alert is taken with saas.review_aml_alert(), then decided; a decision stands.';
    END IF;
    RETURN v_alert;
END
$$;
COMMENT ON FUNCTION saas.lock_aml_alert(uuid, uuid, text[]) IS
'Locks an alert that is in one of these states. SA094 when there is none, SA095 in another state. Checks no caller.';
REVOKE ALL ON FUNCTION saas.lock_aml_alert(uuid, uuid, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.lock_aml_alert(uuid, uuid, text[]) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.review_aml_alert(
    p_team uuid,
    p_alert uuid,
    p_assignee uuid DEFAULT saas.current_user_id()
)
RETURNS saas.aml_alerts
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_alert saas.aml_alerts;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    v_alert := saas.lock_aml_alert(p_team, p_alert, '{open,under_review}'::text[]);
    IF p_assignee IS NOT NULL AND NOT EXISTS (
        SELECT FROM saas.team_members AS m
        WHERE m.team_id = p_team AND m.user_id = p_assignee AND m.status = 'active'
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023', MESSAGE = 'an alert is assigned to an active member of the team';
    END IF;
    UPDATE saas.aml_alerts AS a
    SET assignee_id = p_assignee,
        status = CASE WHEN p_assignee IS NULL THEN 'open' ELSE 'under_review' END
    WHERE a.team_id = p_team AND a.id = v_alert.id
    RETURNING a.* INTO v_alert;
    RETURN v_alert;
END
$$;
COMMENT ON FUNCTION saas.review_aml_alert(uuid, uuid, uuid) IS
'Puts an alert into the hands of a member, by default of who calls; NULL puts it back. For members and workers. SA095 once it is decided.';
REVOKE ALL ON FUNCTION saas.review_aml_alert(uuid, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.review_aml_alert(uuid, uuid, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.decide_aml_alert(
    p_team uuid,
    p_alert uuid,
    p_decision text,
    p_reason text
)
RETURNS saas.aml_alerts
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_alert saas.aml_alerts;
    v_constraint text;
    v_column text;
BEGIN
    PERFORM saas.require_team(
        p_team, CASE p_decision WHEN 'overturn' THEN 'owner' ELSE 'admin' END
    );
    IF p_decision IS NULL OR p_decision NOT IN ('clear', 'confirm', 'overturn') OR p_reason IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'an alert is decided one way or another, with a reason',
            HINT = 'p_decision is clear, confirm or, for a confirmed alert, overturn.';
    END IF;
    -- A second one who decides waits here for the first, and then finds the alert decided.
    v_alert := saas.lock_aml_alert(
        p_team, p_alert,
        CASE p_decision WHEN 'overturn' THEN '{confirmed}' ELSE '{under_review}' END::text[]
    );
    UPDATE saas.aml_alerts AS a
    SET status = CASE p_decision WHEN 'confirm' THEN 'confirmed' ELSE 'cleared' END,
        decision_reason = p_reason,
        decided_by = saas.current_user_id(),
        decided_at = now()
    WHERE a.team_id = p_team AND a.id = v_alert.id
    RETURNING a.* INTO v_alert;
    IF p_decision = 'confirm' THEN
        PERFORM saas.open_payout_hold(p_team, 'aml', left(v_alert.reason, 2000), 'aml_alerts', v_alert.id);
    ELSIF p_decision = 'overturn' THEN
        PERFORM saas.close_payout_holds(p_team, 'aml', 'aml_alerts', v_alert.id, p_reason);
    END IF;
    RETURN v_alert;
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME, v_column = COLUMN_NAME;
        PERFORM saas.refuse_row(
            'decision on an alert', SQLSTATE, v_constraint, v_column,
            'A reason has 1 to 2000 characters.'
        );
END
$$;
COMMENT ON FUNCTION saas.decide_aml_alert(uuid, uuid, text, text) IS
'Clears or confirms an alert under review (admins, workers), or overturns a confirmed one (owners, workers). A confirmed alert holds the team''s payouts until it is overturned or the hold is released. Of two who decide one does; the other gets SA095.';
REVOKE ALL ON FUNCTION saas.decide_aml_alert(uuid, uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.decide_aml_alert(uuid, uuid, text, text) TO saas_app, saas_service;
