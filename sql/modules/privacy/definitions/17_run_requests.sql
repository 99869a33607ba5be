-- Carrying out requests: one as far as time allows, and all that are due.
CREATE OR REPLACE FUNCTION saas.run_deletion_request(
    p_request uuid,
    p_batch integer DEFAULT 10000,
    p_max_ms integer DEFAULT 10000,
    OUT status text,
    OUT done bigint,
    OUT remaining bigint
)
RETURNS record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
DECLARE
    v_request saas.user_deletion_requests;
    v_problem record;
BEGIN
    PERFORM saas.require_privacy_access(NULL, false, false);
    IF p_batch IS NULL OR p_batch < 1 OR p_max_ms IS NULL OR p_max_ms < 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a batch has at least one row, and the time is not negative';
    END IF;
    v_request := saas.require_deletion_request(p_request, '{verified,running,blocked,erased,completed}', false);
    status := v_request.status;
    IF status = 'verified' AND v_request.grace_until > now() THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA152',
            MESSAGE = 'the grace period has not passed',
            DETAIL = format('It ends at %s.', v_request.grace_until);
    END IF;
    IF status IN ('verified', 'running', 'blocked') THEN
        -- Whoever adds a row that refers to the person has committed before, or waits, and is refused then.
        PERFORM FROM saas.users AS u WHERE u.id = v_request.subject_id FOR UPDATE;
        SELECT p.sqlstate_code, p.table_name, p.problem INTO v_problem
        FROM saas.erasure_problems(v_request.subject_id, v_request.mode, v_request.is_strict) AS p
        ORDER BY p.sqlstate_code = 'SA151' DESC, p.sqlstate_code, p.table_name LIMIT 1;
        IF FOUND THEN
            IF status <> 'blocked' THEN
                UPDATE saas.user_deletion_requests AS r SET status = 'blocked' WHERE r.id = p_request;
            END IF;
            UPDATE saas.user_deletion_requests AS r
            SET status_reason = concat_ws(': ', v_problem.sqlstate_code, v_problem.table_name, v_problem.problem)
            WHERE r.id = p_request;
            status := 'blocked';
        ELSE
            IF status <> 'running' OR saas.is_plan_outdated(p_request, v_request.mode) THEN
                PERFORM saas.start_erasure(p_request);
                status := 'running';
            END IF;
            IF saas.work_on_erasure(p_request, p_batch, clock_timestamp() + p_max_ms * INTERVAL '1 millisecond') THEN
                IF v_request.mode = 'erase' THEN
                    PERFORM saas.shred_subject_keys(p_request, v_request.subject_id);
                END IF;
                UPDATE saas.user_deletion_requests AS r SET status = 'erased', erased_at = clock_timestamp() WHERE r.id = p_request;
                status := 'erased';
            END IF;
        END IF;
    END IF;
    SELECT COALESCE(sum(s.done), 0) INTO done FROM saas.erasure_steps AS s WHERE s.request_id = p_request;
    SELECT count(*) INTO remaining FROM saas.erasure_rows AS w WHERE w.run_id = p_request AND NOT w.is_done;
END
$$;
COMMENT ON FUNCTION saas.run_deletion_request(uuid, integer, integer) IS
'Works on a request for about p_max_ms, p_batch rows a statement, and goes on where the last call that was committed ended; call it, each time in a transaction of its own, until status is erased, then saas.complete_deletion_request(). blocked: see status_reason. SA152 before the grace period has passed. For workers.';
REVOKE ALL ON FUNCTION saas.run_deletion_request(uuid, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.run_deletion_request(uuid, integer, integer) TO saas_service;

CREATE OR REPLACE FUNCTION saas.note_failed_request(p_request uuid, p_sqlstate text, p_table text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_status text;
BEGIN
    UPDATE saas.user_deletion_requests AS r SET status = 'blocked'
    WHERE r.id = p_request AND r.status IN ('verified', 'running');
    -- The code and the table alone: messages of the server repeat values.
    UPDATE saas.user_deletion_requests AS r
    SET status_reason = concat_ws(': ', p_sqlstate, p_table, 'the last call failed; saas.run_deletion_request() says more')
    WHERE r.id = p_request
    RETURNING r.status INTO v_status;
    RETURN v_status;
END
$$;
COMMENT ON FUNCTION saas.note_failed_request(uuid, text, text) IS
'Notes that a call for a request failed, by the SQLSTATE and the table; returns its state, blocked.';
REVOKE ALL ON FUNCTION saas.note_failed_request(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.note_failed_request(uuid, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.try_run_request(p_request uuid, p_until timestamptz)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_status text;
    v_schema text;
    v_table text;
BEGIN
    v_status := (saas.run_deletion_request(p_request, 10000, GREATEST(extract(epoch FROM p_until - clock_timestamp()) * 1000, 0)::integer)).status;
    -- What is checked at the end of the transaction would take the others with it.
    SET CONSTRAINTS ALL IMMEDIATE;
    RETURN v_status;
EXCEPTION
    -- A request that fails, for a trigger or a check of some table, must not keep others from their time.
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS v_table = TABLE_NAME, v_schema = SCHEMA_NAME;
        RETURN saas.note_failed_request(p_request, SQLSTATE, NULLIF(concat_ws('.', NULLIF(v_schema, ''), NULLIF(v_table, '')), ''));
END
$$;
COMMENT ON FUNCTION saas.try_run_request(uuid, timestamptz) IS
'saas.run_deletion_request() until a time; a request that fails is blocked, and says why.';
REVOKE ALL ON FUNCTION saas.try_run_request(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.try_run_request(uuid, timestamptz) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.erase_due_requests(p_until timestamptz)
RETURNS uuid[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_mode text;
    v_due uuid[];
    v_tried uuid[] := '{}'::uuid[];
    v_erased uuid[] := '{}'::uuid[];
BEGIN
    WHILE clock_timestamp() < p_until LOOP
        -- So many that the work of each statement is for many, and few enough to look at the clock in between.
        SELECT d.mode, array_agg(d.id) INTO v_mode, v_due
        FROM (
            SELECT r.mode, r.id, min(r.due_at) OVER (PARTITION BY r.mode) AS first
            FROM saas.user_deletion_requests AS r
            WHERE (r.status = 'verified' AND r.grace_until <= now() OR r.status = 'blocked')
                AND r.started_at IS NULL
                AND r.id <> ALL (v_tried)
            ORDER BY first, r.mode, r.due_at
            LIMIT 500
        ) AS d
        GROUP BY d.mode
        ORDER BY min(d.first)
        LIMIT 1;
        EXIT WHEN NOT FOUND;
        v_tried := v_tried || v_due;
        v_erased := v_erased || saas.try_erase_requests(v_due, v_mode);
    END LOOP;
    RETURN v_erased;
END
$$;
COMMENT ON FUNCTION saas.erase_due_requests(timestamptz) IS
'Erases the people of all requests that are due and have not begun, many together, until a time; returns the requests.';
REVOKE ALL ON FUNCTION saas.erase_due_requests(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.erase_due_requests(timestamptz) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.try_complete_requests(p_requests uuid[])
RETURNS TABLE (request_id uuid, status text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF p_requests = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT c.request_id, c.status FROM saas.complete_requests(p_requests, NULL) AS c;
EXCEPTION
    -- What was erased stays erased; the search is tried again by the next call.
    WHEN OTHERS THEN
        RETURN QUERY SELECT r.id, saas.note_failed_request(r.id, SQLSTATE, NULL) FROM unnest(p_requests) AS r (id);
END
$$;
COMMENT ON FUNCTION saas.try_complete_requests(uuid[]) IS
'saas.complete_requests(), after which requests whose search failed say why.';
REVOKE ALL ON FUNCTION saas.try_complete_requests(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.try_complete_requests(uuid[]) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.process_deletion_requests(p_max_ms integer DEFAULT 30000)
RETURNS TABLE (request_id uuid, status text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_until CONSTANT timestamptz := clock_timestamp() + p_max_ms * INTERVAL '1 millisecond';
    v_erased uuid[];
BEGIN
    PERFORM saas.require_privacy_access(NULL, false, false);
    v_erased := saas.erase_due_requests(v_until);
    FOR request_id IN
        SELECT r.id FROM saas.user_deletion_requests AS r
        WHERE r.status IN ('running', 'blocked')
            OR r.status = 'verified' AND r.grace_until <= now()
            -- The search reads the whole database: where it found something, once a day.
            OR r.status = 'erased' AND (r.status_reason IS NULL OR r.updated_at <= now() - INTERVAL '1 day')
                AND r.id <> ALL (v_erased)
        ORDER BY r.due_at
    LOOP
        EXIT WHEN clock_timestamp() >= v_until;
        status := saas.try_run_request(request_id, v_until);
        IF status = 'erased' THEN
            v_erased := v_erased || request_id;
        ELSE
            RETURN NEXT;
        END IF;
    END LOOP;
    -- One search for all.
    RETURN QUERY SELECT c.request_id, c.status FROM saas.try_complete_requests(v_erased) AS c;
END
$$;
COMMENT ON FUNCTION saas.process_deletion_requests(integer) IS
'Works on all requests whose time has come, those due first and many together, for about p_max_ms, and then searches once for what all of them erased. One that fails is blocked, with the SQLSTATE and the table for a reason, and does not hold up the others; one whose search found something is searched again after a day. For pg_cron, every few minutes. For workers.';
REVOKE ALL ON FUNCTION saas.process_deletion_requests(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.process_deletion_requests(integer) TO saas_service;
