-- The end of retention: rows past their time go, but for those under a hold.

-- What the engine runs as itself over a table: triggers, casts and views of strangers would run with its rights.
CREATE OR REPLACE FUNCTION saas.require_retainable(p_table regclass, p_action text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_problem text;
BEGIN
    SELECT CASE
        WHEN c.relkind NOT IN ('r', 'p') THEN 'it is no table'
        WHEN c.relpersistence = 't' THEN 'it is temporary'
        WHEN NOT saas.is_trusted_table(c.oid) THEN 'it belongs to somebody else than the owner of the database'
        WHEN p_action IN ('delete', 'anonymise')
            AND n.nspname = 'saas'
            AND c.relname ~ '^(audit|ledger|encryption|erasure|retention|masking|processing)_|^(legal_holds|consent_texts|data_assets|data_classifications)$'
        THEN 'it proves something, or is what rules and keys are kept in'
    END
    INTO v_problem
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = p_table;
    IF v_problem IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA165',
            MESSAGE = pg_catalog.format('the privacy engine does not work on %s', p_table),
            DETAIL = pg_catalog.format('The reason: %s.', v_problem);
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_retainable(regclass, text) IS
'Raises SA165 for what no retention policy with this action, and no search by the privacy engine, may run over.';
REVOKE ALL ON FUNCTION saas.require_retainable(regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_retainable(regclass, text) TO saas_internal, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.may_retain(p_table regclass, p_action text)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT has_table_privilege('saas_internal', p_table, 'SELECT')
        AND CASE
            WHEN p_action = 'anonymise' THEN has_table_privilege('saas_internal', p_table, 'UPDATE') OR (
                SELECT bool_and(has_column_privilege('saas_internal', p_table, c.column_name, 'UPDATE'))
                FROM saas.personal_columns AS c
                WHERE c.table_name = saas.personal_table_name(p_table) AND c.action IN ('null', 'anonymise')
            )
            -- Rows are locked before they go, which is a right of whoever may change some column; consents are not.
            ELSE has_table_privilege('saas_internal', p_table, 'DELETE')
                AND (has_any_column_privilege('saas_internal', p_table, 'UPDATE') OR p_table = to_regclass('saas.consent_records'))
        END
$$;
COMMENT ON FUNCTION saas.may_retain(regclass, text) IS
'Whether the package has the rights on a table that a retention policy with this action needs.';
REVOKE ALL ON FUNCTION saas.may_retain(regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.may_retain(regclass, text) TO saas_internal;

-- What has to be kept is kept, whatever another policy for the table says.
CREATE OR REPLACE FUNCTION saas.kept_condition(p_table text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT string_agg(
        format('(COALESCE(c.%I >= now() - %L::interval, true)%s)', p.time_column, p.kept_for,
            CASE
                WHEN p.states IS NULL THEN ''
                ELSE format(' AND COALESCE(c.%I = ANY (%L::text[]), false)', p.state_column, p.states)
            END),
        ' OR ')
    FROM saas.retention_policies AS p
    WHERE p.table_name = p_table AND p.action = 'keep' AND p.is_enabled
$$;
COMMENT ON FUNCTION saas.kept_condition(text) IS
'The SQL condition under which a policy says that a row c of a table is still to be kept; NULL without such a policy.';
REVOKE ALL ON FUNCTION saas.kept_condition(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.kept_condition(text) TO saas_internal, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.retention_condition(p_policy saas.retention_policies)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_left text;
BEGIN
    IF p_policy.table_name = 'saas.consent_records' THEN
        -- A grant without its withdrawal would be a consent again: they go together.
        RETURN pg_catalog.format(
            'EXISTS (SELECT FROM saas.consent_records AS w
                WHERE w.subject_id = c.subject_id AND w.purpose = c.purpose AND w.number >= c.number
                    AND w.action = ''withdraw'' AND w.recorded_at < now() - %L::interval)',
            p_policy.kept_for);
    END IF;
    IF p_policy.action = 'anonymise' THEN
        -- What is anonymous already is left alone. A text by chance is different every time.
        SELECT string_agg(
            CASE
                WHEN k.value IS NULL THEN pg_catalog.format('c.%I IS NOT NULL', k.column_name)
                WHEN k.action = 'keep' THEN pg_catalog.format('c.%I <> %L', k.column_name, k.value)
                ELSE pg_catalog.format('c.%I IS DISTINCT FROM %L::%s', k.column_name, k.value,
                    format_type(a.atttypid, a.atttypmod))
            END, ' OR ')
        INTO v_left
        FROM saas.personal_columns AS k
        JOIN pg_attribute AS a ON a.attrelid = to_regclass(p_policy.table_name) AND a.attname = k.column_name
        WHERE k.table_name = p_policy.table_name
            AND (k.action IN ('null', 'anonymise') OR k.action = 'keep' AND k.value IS NOT NULL)
            AND COALESCE(k.value, '') NOT LIKE '%{random}%';
        IF v_left IS NULL THEN
            RAISE EXCEPTION USING
                ERRCODE = 'SA162',
                MESSAGE = pg_catalog.format('retention policy %I has nothing to anonymise', p_policy.name),
                HINT = 'Declare what becomes of the columns with saas.declare_personal_column().';
        END IF;
    END IF;
    RETURN pg_catalog.format('c.%I < now() - %L::interval', p_policy.time_column, p_policy.kept_for)
        || CASE
            WHEN p_policy.states IS NULL THEN ''
            ELSE pg_catalog.format(' AND c.%I = ANY (%L::text[])', p_policy.state_column, p_policy.states)
        END
        || COALESCE(' AND (' || v_left || ')', '');
END
$$;
COMMENT ON FUNCTION saas.retention_condition(saas.retention_policies) IS
'The SQL condition under which a row c is past the retention of a policy.';
REVOKE ALL ON FUNCTION saas.retention_condition(saas.retention_policies) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.retention_condition(saas.retention_policies) TO saas_internal, pg_database_owner;

CREATE OR REPLACE FUNCTION saas.retention_assignments(p_table text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT concat_ws(
        ', ', saas.anonymising_assignments(p_table, 'anonymise', NULL),
        -- What erasures keep, and retention ends.
        string_agg(
            format('%1$I = CASE WHEN o.%1$I IS NOT NULL THEN %2$L::%3$s END', k.column_name, k.value, format_type(a.atttypid, a.atttypmod)),
            ', ' ORDER BY k.column_name
        )
    )
    FROM saas.personal_columns AS k
    JOIN pg_attribute AS a ON a.attrelid = saas.personal_table(p_table) AND a.attname = k.column_name::name AND a.attnum > 0
    WHERE k.table_name = p_table AND k.action = 'keep' AND k.value IS NOT NULL
$$;
COMMENT ON FUNCTION saas.retention_assignments(text) IS
'What an UPDATE of a table o sets where a policy of retention anonymises its rows.';
REVOKE ALL ON FUNCTION saas.retention_assignments(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.retention_assignments(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.retain(p_policy saas.retention_policies, p_dry_run boolean, p_limit integer)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_where text := saas.retention_condition(p_policy);
    v_sources text := '';
    v_held text;
    v_rows text;
    v_change text;
BEGIN
    IF saas.is_anything_held() THEN
        SELECT 'WITH ' || h.sources, h.condition INTO v_sources, v_held FROM saas.held_rows(p_policy.table_name) AS h;
        v_held := concat_ws(' OR ', v_held, CASE p_policy.action WHEN 'delete' THEN saas.held_below(p_policy.table_name) END);
        v_where := v_where || COALESCE(' AND NOT COALESCE(' || nullif(v_held, '') || ', false)', '');
    END IF;
    IF p_policy.action = 'delete' THEN
        v_where := v_where || COALESCE(' AND NOT (' || saas.kept_condition(p_policy.table_name) || ')', '');
    END IF;
    IF p_dry_run THEN
        RETURN saas.privacy_query(
            pg_catalog.format('%s SELECT count(*) FROM %s AS c WHERE %s', v_sources, p_policy.table_name, v_where),
            NULL, NULL, NULL
        )::bigint;
    END IF;
    -- Rows that somebody works on now wait for the next time. A person's consents go together.
    v_rows := pg_catalog.format(
        '(o.tableoid, o.ctid) IN (SELECT c.tableoid, c.ctid FROM %s AS c WHERE %s %s)',
        p_policy.table_name, v_where,
        CASE
            WHEN p_policy.table_name = 'saas.consent_records' THEN ''
            ELSE pg_catalog.format('LIMIT %s FOR UPDATE SKIP LOCKED', p_limit)
        END);
    v_change := CASE p_policy.action
        WHEN 'delete' THEN pg_catalog.format('DELETE FROM %s AS o', p_policy.table_name)
        ELSE pg_catalog.format('UPDATE %s AS o SET %s', p_policy.table_name,
            saas.retention_assignments(p_policy.table_name))
    END;
    RETURN saas.erase_by(
        pg_catalog.format('%s changed AS (%s WHERE %s RETURNING 1) SELECT count(*) FROM changed',
            CASE v_sources WHEN '' THEN 'WITH' ELSE v_sources || ',' END, v_change, v_rows),
        NULL, NULL, NULL
    )::bigint;
END
$$;
COMMENT ON FUNCTION saas.retain(saas.retention_policies, boolean, integer) IS
'Carries one policy out, for at most p_limit rows.';
REVOKE ALL ON FUNCTION saas.retain(saas.retention_policies, boolean, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.retain(saas.retention_policies, boolean, integer) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.cleanup_old_data(p_dry_run boolean DEFAULT false, p_limit integer DEFAULT 100000)
RETURNS TABLE (
    policy text,
    table_name text,
    action text,
    records bigint,
    is_complete boolean,
    problem text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    v_policy saas.retention_policies;
BEGIN
    PERFORM saas.require_platform_admin();
    IF p_limit IS NULL OR p_limit < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a limit of rows is at least 1';
    END IF;
    -- A hold that is placed while this runs waits for it, or is seen by it; two clean-ups take turns.
    LOCK TABLE saas.legal_holds IN SHARE ROW EXCLUSIVE MODE;
    FOR v_policy IN
        SELECT p.* FROM saas.retention_policies AS p
        WHERE p.is_enabled AND p.action <> 'keep' AND to_regclass(p.table_name) IS NOT NULL
        ORDER BY p.name
    LOOP
        policy := v_policy.name;
        table_name := v_policy.table_name;
        action := v_policy.action;
        records := 0;
        problem := NULL;
        BEGIN
            PERFORM saas.require_retainable(to_regclass(v_policy.table_name), v_policy.action);
            records := saas.retain(v_policy, p_dry_run, p_limit);
            IF p_dry_run AND NOT COALESCE(saas.may_retain(to_regclass(v_policy.table_name), v_policy.action), false) THEN
                RAISE EXCEPTION USING
                    ERRCODE = '42501',
                    MESSAGE = pg_catalog.format(
                        'permission denied for table %s',
                        (SELECT c.relname FROM pg_class AS c WHERE c.oid = to_regclass(v_policy.table_name)));
            END IF;
        EXCEPTION
            -- One policy that cannot be carried out does not keep the others from it.
            WHEN query_canceled THEN RAISE;
            WHEN OTHERS THEN problem := pg_catalog.format('%s: %s', SQLSTATE, SQLERRM);
        END;
        is_complete := problem IS NULL AND (p_dry_run OR records < p_limit);
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.cleanup_old_data(boolean, integer) IS
'Deletes or anonymises what is past its retention in saas.retention_policies, at most p_limit rows a policy, but for what belongs to people under a legal hold. Call it again where is_complete is false; problem says why a policy could not be carried out. p_dry_run only counts, and says which policies could not be carried out for want of rights. Daily by a worker or pg_cron. For admins of the platform.';
REVOKE ALL ON FUNCTION saas.cleanup_old_data(boolean, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.cleanup_old_data(boolean, integer) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.set_retention_policy(
    p_name text,
    p_table regclass,
    p_time_column name,
    p_kept_for interval,
    p_action text,
    p_basis text,
    p_state_column name DEFAULT NULL,
    p_states text[] DEFAULT NULL,
    p_is_enabled boolean DEFAULT true
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_name text := saas.personal_table_name(p_table);
    v_policy saas.retention_policies;
BEGIN
    PERFORM saas.require_platform_admin();
    PERFORM saas.require_one_of('action of retention', p_action, '{delete,anonymise,keep}'::text[]);
    PERFORM saas.require_retainable(p_table, p_action);
    IF NOT EXISTS (
        SELECT FROM pg_attribute AS a
        WHERE a.attrelid = p_table
            AND a.attname = p_time_column
            AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
            AND NOT a.attisdropped
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = '42703',
            MESSAGE = pg_catalog.format('table %s has no column %I with a time', v_name, p_time_column);
    END IF;
    IF p_state_column IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_attribute AS a
        WHERE a.attrelid = p_table AND a.attname = p_state_column AND a.atttypid = 'text'::regtype AND NOT a.attisdropped
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = '42703', MESSAGE = pg_catalog.format('table %s has no text column %I', v_name, p_state_column);
    END IF;
    v_policy := ROW (
        p_name, v_name, p_time_column, p_state_column, p_states, p_kept_for, p_action, p_basis, p_is_enabled, now()
    )::saas.retention_policies;
    IF p_action = 'anonymise' THEN
        PERFORM saas.retention_condition(v_policy);
    END IF;
    DELETE FROM saas.retention_policies AS p WHERE p.name = p_name;
    INSERT INTO saas.retention_policies SELECT v_policy.*;
END
$$;
COMMENT ON FUNCTION saas.set_retention_policy(text, regclass, name, interval, text, text, name, text[], boolean) IS
'Says how long rows of a table are kept, counted from a column, and what becomes of them then: delete, anonymise as declared, or keep (at least so long, whatever is erased). With a state column only rows in those states. For admins of the platform. Tables outside the package need SELECT, UPDATE and DELETE for saas_internal.';
REVOKE ALL ON FUNCTION
saas.set_retention_policy(text, regclass, name, interval, text, text, name, text[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
saas.set_retention_policy(text, regclass, name, interval, text, text, name, text[], boolean) TO saas_app, saas_service;
