-- Erasing many people in one transaction: what saas.run_deletion_request() does step by step for one.
CREATE OR REPLACE FUNCTION saas.lock_requests(p_requests uuid[], p_state bigint, p_mode text)
RETURNS TABLE (
    requests uuid[],
    people uuid[],
    salts bytea[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
AS $$
DECLARE
    v_people uuid[];
    v_refused boolean;
    v_refused_strict boolean;
BEGIN
    SELECT array_agg(r.subject_id ORDER BY r.subject_id) INTO v_people
    FROM saas.user_deletion_requests AS r WHERE r.id = ANY (p_requests) AND r.subject_id IS NOT NULL;
    PERFORM saas.lock_subjects(v_people);
    PERFORM FROM saas.user_deletion_requests AS r WHERE r.id = ANY (p_requests) ORDER BY r.id FOR UPDATE;
    -- Whoever adds a row that refers to a person has committed before, or waits, and is refused then.
    PERFORM FROM saas.users AS u WHERE u.id = ANY (v_people) ORDER BY u.id FOR UPDATE;
    SELECT count(*) FILTER (WHERE m.sqlstate_code NOT IN ('SA139', 'SA150')) > 0, count(*) > 0 OR EXISTS (SELECT FROM saas.broken_references(p_state, p_mode) AS b)
    INTO v_refused, v_refused_strict
    FROM saas.known_map_problems(p_state, p_mode) AS m;
    RETURN QUERY
    WITH started AS (
        UPDATE saas.user_deletion_requests AS r
        SET salt = uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), status = 'running', status_reason = NULL,
            started_at = clock_timestamp()
        WHERE r.id = ANY (p_requests)
            AND r.mode = p_mode
            AND r.started_at IS NULL
            AND (r.status = 'verified' AND r.grace_until <= now() OR r.status = 'blocked')
            AND EXISTS (SELECT FROM saas.users AS u WHERE u.id = r.subject_id)
            AND r.subject_id NOT IN (SELECT o.subject_id FROM saas.personal_obstacles(v_people, p_mode) AS o)
            AND NOT CASE WHEN r.is_strict THEN v_refused_strict ELSE v_refused END
        RETURNING r.id, r.subject_id, r.salt
    )
    SELECT array_agg(s.id ORDER BY s.id), array_agg(s.subject_id ORDER BY s.id), array_agg(s.salt ORDER BY s.id) FROM started AS s;
END
$$;
COMMENT ON FUNCTION saas.lock_requests(uuid[], bigint, text) IS
'Locks requests and people, and starts those that have not begun and that nothing stands against: these it returns, with their salts.';
REVOKE ALL ON FUNCTION saas.lock_requests(uuid[], bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.lock_requests(uuid[], bigint, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.erase_requests(
    p_requests uuid[],
    p_mode text,
    p_change boolean DEFAULT true,
    p_most_rows bigint DEFAULT 200000
)
RETURNS uuid[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
SET jit = off
-- People have few of the rows of a table, and what one statement has read the next ones read again.
SET random_page_cost = 1.1
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
AS $$
DECLARE
    v_key CONSTANT bytea := uuid_send(gen_random_uuid());
    v_state bigint;
    v_requests uuid[];
    v_people uuid[];
    v_salts bytea[];
    v_plan_hash bytea;
    v_worked record;
BEGIN
    -- The map must not change while it is worked by.
    LOCK TABLE saas.personal_data_links, saas.personal_data_columns IN SHARE MODE;
    v_state := saas.privacy_state();
    SELECT l.requests, l.people, l.salts INTO v_requests, v_people, v_salts FROM saas.lock_requests(p_requests, v_state, p_mode) AS l;
    IF v_requests IS NULL THEN
        RETURN '{}'::uuid[];
    END IF;
    SELECT sha256(convert_to(string_agg(concat_ws('|', s.place, s.table_name, s.action, s.party_link, s.path, s.circle, s.basis), E'\n' ORDER BY s.place), 'UTF8'))
    INTO v_plan_hash FROM saas.known_plan(v_state, p_mode) AS s;
    SELECT
        array_agg(w.person) FILTER (WHERE w.step >= -1) AS persons, array_agg(w.step) FILTER (WHERE w.step >= -1) AS steps,
        array_agg(w.found) FILTER (WHERE w.step >= -1) AS found, array_agg(w.done) FILTER (WHERE w.step >= -1) AS done,
        array_agg(w.person) FILTER (WHERE w.step = -2) AS needle_persons, array_agg(w.value) FILTER (WHERE w.step = -2) AS needles,
        array_agg(w.person) FILTER (WHERE w.step = -3) AS tree_persons, array_agg(w.found) FILTER (WHERE w.step = -3) AS sizes,
        array_agg(w.value) FILTER (WHERE w.step = -3) AS edges
    INTO v_worked
    FROM saas.erase_people(p_mode, v_state, v_people, v_requests, v_salts, v_key, p_change, p_most_rows) AS w;
    PERFORM saas.insert_together(
        'INSERT INTO saas.erasure_steps (
            request_id, step, place, table_name, action, party_link, circle, group_number, path, basis, kept_until, found, done
        )
        SELECT
            ($1)[w.person], w.step, p.place, p.table_name, p.action, p.party_link, p.circle, p.group_number, p.path, p.basis,
            now() + p.kept_for, w.found, w.done
        FROM unnest($4, $5, $6, $7) AS w (person, step, found, done)
        JOIN saas.known_plan($2, $3) AS p ON p.step = w.step
        RETURNING request_id',
        v_requests, v_state, p_mode, v_worked.persons, v_worked.steps, v_worked.found, v_worked.done
    );
    -- One key for all, so that one search finds the values of all.
    PERFORM saas.insert_together(
        'INSERT INTO saas.erasure_needles (request_id, key, needles, forget_at)
        SELECT r.id, $2, COALESCE(w.value, $5), now() + INTERVAL ''6 months''
        FROM unnest($1) WITH ORDINALITY AS r (id, person)
        LEFT JOIN unnest($3, $4) AS w (person, value) ON w.person = r.person
        RETURNING request_id',
        v_requests, v_key, v_worked.needle_persons, v_worked.needles, ''::bytea
    );
    UPDATE saas.user_deletion_requests AS r
    SET plan_hash = v_plan_hash, rounds = 1, tree_size = COALESCE(w.size, 0), tree_edge = COALESCE(w.edge, ''),
        status = CASE WHEN p_change THEN 'erased' ELSE r.status END,
        erased_at = CASE WHEN p_change THEN clock_timestamp() END
    FROM unnest(v_requests) WITH ORDINALITY AS q (id, person)
    LEFT JOIN unnest(v_worked.tree_persons, v_worked.sizes, v_worked.edges) AS w (person, size, edge) ON w.person = q.person
    WHERE r.id = q.id;
    IF p_change AND p_mode = 'erase' THEN
        PERFORM saas.shred_subject_keys(r.id, r.subject_id)
        FROM saas.user_deletion_requests AS r
        WHERE r.id = ANY (v_requests)
            AND EXISTS (SELECT FROM saas.encryption_keys AS k WHERE k.subject_id = r.subject_id AND k.status <> 'shredded');
    END IF;
    RETURN v_requests;
END
$$;
COMMENT ON FUNCTION saas.erase_requests(uuid[], text, boolean, bigint) IS
'Erases the people of requests of one mode together, or (p_change false) counts what that would do. Returns the requests that it did; others have begun already, or something stands against them, which saas.run_deletion_request() tells. A row takes about 200 bytes of memory until the end, so p_most_rows limits them. SA133, SA134: these people have to be erased one by one.';
REVOKE ALL ON FUNCTION saas.erase_requests(uuid[], text, boolean, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.erase_requests(uuid[], text, boolean, bigint) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.try_erase_requests(
    p_requests uuid[],
    p_mode text,
    p_change boolean DEFAULT true,
    p_most_rows bigint DEFAULT 200000,
    p_check boolean DEFAULT true
)
RETURNS uuid[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_half CONSTANT integer := cardinality(p_requests) / 2;
    v_erased uuid[];
BEGIN
    v_erased := saas.erase_requests(p_requests, p_mode, p_change, p_most_rows);
    IF p_check THEN
        -- What is checked at the end of the transaction would take the others with it.
        SET CONSTRAINTS ALL IMMEDIATE;
    END IF;
    RETURN v_erased;
EXCEPTION
    -- Whatever one of them fails by is found, and told, when it is tried alone by saas.run_deletion_request().
    WHEN OTHERS THEN
        IF v_half = 0 THEN
            RETURN '{}'::uuid[];
        END IF;
        RETURN saas.try_erase_requests(p_requests[:v_half], p_mode, p_change, p_most_rows, p_check)
            || saas.try_erase_requests(p_requests[v_half + 1:], p_mode, p_change, p_most_rows, p_check);
END
$$;
COMMENT ON FUNCTION saas.try_erase_requests(uuid[], text, boolean, bigint, boolean) IS
'saas.erase_requests() for as many of the requests as it works for; p_check: also what is checked at the end of the transaction.';
REVOKE ALL ON FUNCTION saas.try_erase_requests(uuid[], text, boolean, bigint, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.try_erase_requests(uuid[], text, boolean, bigint, boolean) TO saas_internal;
