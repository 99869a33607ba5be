-- Erasing in one call, for a request that was checked elsewhere.
CREATE OR REPLACE FUNCTION saas.gdpr_erase(
    p_user uuid,
    p_reason text DEFAULT 'request of the person',
    p_mode text DEFAULT 'erase',
    p_strict boolean DEFAULT true,
    p_dry_run boolean DEFAULT false
)
RETURNS TABLE (
    request_id uuid,
    table_name text,
    action text,
    records bigint,
    basis text,
    kept_until timestamptz,
    path text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
DECLARE
    v_request saas.user_deletion_requests;
    v_problem record;
    v_rows jsonb := '[]'::jsonb;
BEGIN
    PERFORM saas.require_privacy_access(NULL, false, false);
    PERFORM saas.lock_subject(p_user);
    PERFORM FROM saas.users AS u WHERE u.id = p_user FOR UPDATE;
    IF NOT FOUND THEN
        -- Erased before: nothing more happens, and what was done then is what there is to say.
        SELECT r.* INTO v_request FROM saas.user_deletion_requests AS r
        WHERE r.subject_hash = ANY (saas.subject_hashes(p_user)) AND r.status IN ('erased', 'completed') ORDER BY r.requested_at DESC LIMIT 1;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'there is no such user';
        END IF;
        RETURN QUERY
        SELECT v_request.id, s.table_name, 'already'::text, 0::bigint, s.basis, s.kept_until, s.path
        FROM saas.erasure_steps AS s WHERE s.request_id = v_request.id AND s.found > 0 ORDER BY s.place;
        RETURN;
    END IF;
    BEGIN
        SELECT p.sqlstate_code, p.table_name, p.problem INTO v_problem
        FROM saas.erasure_problems(p_user, p_mode, p_strict) AS p
        ORDER BY p.sqlstate_code = 'SA151' DESC, p.sqlstate_code, p.table_name LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION USING
                ERRCODE = v_problem.sqlstate_code,
                MESSAGE = CASE v_problem.sqlstate_code
                    WHEN 'SA139' THEN 'a constraint would refuse what is declared'
                    WHEN 'SA150' THEN 'a column looks personal and has no declared action'
                    WHEN 'SA151' THEN 'the person is under legal hold'
                    ELSE 'the person cannot be erased now'
                END,
                DETAIL = format('%s: %s.', v_problem.table_name, v_problem.problem),
                HINT = 'See saas.gdpr_plan() for all that stands against it.';
        END IF;
        SELECT r.* INTO v_request FROM saas.user_deletion_requests AS r
        WHERE r.subject_id = p_user AND r.status IN ('verified', 'running', 'blocked', 'erased') AND r.mode = p_mode;
        IF NOT FOUND THEN
            v_request.id := saas.request_user_deletion(p_user, p_reason, p_mode, p_strict);
            PERFORM saas.verify_deletion_identity(v_request.id, 'vouched for by the worker that erases', INTERVAL '0');
        ELSE
            UPDATE saas.user_deletion_requests AS r SET grace_until = now() WHERE r.id = v_request.id AND r.grace_until > now();
        END IF;
        -- Step by step where it cannot be done at once: too many rows, keys in circles, or something fails.
        IF saas.try_erase_requests(ARRAY[v_request.id], p_mode, NOT p_dry_run, 2000000, false) = '{}' THEN
            IF p_dry_run THEN
                PERFORM saas.start_erasure(v_request.id);
            ELSE
                PERFORM saas.run_deletion_request(v_request.id, 100000, 2147483647);
            END IF;
        END IF;
        IF NOT p_dry_run THEN
            PERFORM saas.complete_deletion_request(v_request.id);
        END IF;
        SELECT COALESCE(jsonb_agg(to_jsonb(s) ORDER BY s.place), '[]'::jsonb) INTO v_rows
        FROM saas.erasure_steps AS s WHERE s.request_id = v_request.id AND s.found > 0;
        IF p_dry_run THEN
            RAISE EXCEPTION USING ERRCODE = 'SA159', MESSAGE = 'the dry run is undone';
        END IF;
    EXCEPTION
        WHEN SQLSTATE 'SA159' THEN NULL;
    END;
    RETURN QUERY
    SELECT
        CASE WHEN NOT p_dry_run THEN v_request.id END, s.table_name, s.action,
        CASE WHEN p_dry_run THEN s.found ELSE s.done END, s.basis, s.kept_until, s.path
    FROM jsonb_populate_recordset(NULL::saas.erasure_steps, v_rows) AS s;
END
$$;
COMMENT ON FUNCTION saas.gdpr_erase(uuid, text, text, boolean, boolean) IS
'Erases (p_mode erase) or anonymises a person now, in one transaction, and signs the certificate: one row for each step with what it did, and until when and why rows are kept. p_dry_run counts the same rows and changes nothing. Erased before: rows with the action already. SA139 declared actions that constraints refuse (p_strict), SA150 undeclared columns (p_strict), SA151 legal hold, SA153 the last owner of a team, or rights are missing. For workers.';
REVOKE ALL ON FUNCTION saas.gdpr_erase(uuid, text, text, boolean, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.gdpr_erase(uuid, text, text, boolean, boolean) TO saas_service;

CREATE OR REPLACE FUNCTION saas.gdpr_delete_user_data(user_uuid uuid, dry_run boolean DEFAULT false)
RETURNS TABLE (
    table_name text,
    records_deleted integer
)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT e.table_name, LEAST(sum(CASE WHEN e.action = 'delete' THEN e.records ELSE 0 END), 2147483647)::integer
    FROM saas.gdpr_erase(user_uuid, p_dry_run => dry_run) AS e
    GROUP BY e.table_name
    ORDER BY e.table_name
$$;
COMMENT ON FUNCTION saas.gdpr_delete_user_data(uuid, boolean) IS
'Erases a person now and returns how many rows each table lost; 0 for tables whose rows were anonymised or are kept, which saas.gdpr_erase() tells apart. For workers.';
REVOKE ALL ON FUNCTION saas.gdpr_delete_user_data(uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.gdpr_delete_user_data(uuid, boolean) TO saas_service;

CREATE OR REPLACE FUNCTION saas.gdpr_anonymize_user(user_uuid uuid, dry_run boolean DEFAULT false)
RETURNS TABLE (
    table_name text,
    records_anonymized integer
)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT e.table_name, LEAST(sum(CASE WHEN e.action IN ('anonymise', 'delete') THEN e.records ELSE 0 END), 2147483647)::integer
    FROM saas.gdpr_erase(user_uuid, p_mode => 'anonymise', p_dry_run => dry_run) AS e
    GROUP BY e.table_name
    ORDER BY e.table_name
$$;
COMMENT ON FUNCTION saas.gdpr_anonymize_user(uuid, boolean) IS
'Takes everything personal from a user and leaves the account with its memberships, so that a team keeps its owner; nobody can sign in to it. Returns how many rows were anonymised or, for what consists of personal data, deleted. For workers.';
REVOKE ALL ON FUNCTION saas.gdpr_anonymize_user(uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.gdpr_anonymize_user(uuid, boolean) TO saas_service;
