-- Records of processing activities (GDPR Art. 30) and the scope of a breach (Art. 33).
CREATE OR REPLACE FUNCTION saas.encrypted_columns_of(p_table regclass)
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT COALESCE(array_agg((saas.trigger_arguments(t.tgargs))[1] ORDER BY (saas.trigger_arguments(t.tgargs))[1]), '{}'::text[])
    FROM pg_trigger AS t
    WHERE t.tgrelid = p_table AND t.tgfoid = 'saas.encrypt_columns()'::regprocedure AND t.tgenabled <> 'D'
$$;
COMMENT ON FUNCTION saas.encrypted_columns_of(regclass) IS
'The columns of a table that a trigger encrypts.';
REVOKE ALL ON FUNCTION saas.encrypted_columns_of(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.encrypted_columns_of(regclass) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.confidential_columns_of(p_table regclass)
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT COALESCE(array_agg(m.column_name ORDER BY m.column_name), '{}'::text[])
    FROM saas.masking_of(p_table, false) AS m
    WHERE COALESCE(m.classification, 'confidential') = 'confidential'
$$;
COMMENT ON FUNCTION saas.confidential_columns_of(regclass) IS
'The columns of a table that hold personal data, those without a class among them.';
REVOKE ALL ON FUNCTION saas.confidential_columns_of(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.confidential_columns_of(regclass) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.processing_register()
RETURNS TABLE (
    purpose text,
    description text,
    legal_basis text,
    interest text,
    subject_categories text[],
    table_name text,
    personal_columns text[],
    recipients text[],
    transfers text[],
    kept_for text,
    measures text[]
)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_platform_admin();
    RETURN QUERY
    SELECT
        p.name, p.description, p.legal_basis, p.interest, p.subject_categories, t.name,
        saas.confidential_columns_of(c.oid::regclass),
        -- Those who are told of events, and whom no purpose names, may have received anything.
        p.recipients || ARRAY(
            SELECT r.name FROM saas.privacy_recipients AS r
            WHERE r.is_active
                AND r.name <> ALL (p.recipients)
                AND NOT EXISTS (SELECT FROM saas.processing_purposes AS o WHERE o.ended_at IS NULL AND r.name = ANY (o.recipients))
            ORDER BY r.name
        ),
        p.transfers,
        (
            SELECT string_agg(
                format('%s %s%s', r.action, r.kept_for, COALESCE(' when ' || array_to_string(r.states, ', '), '')), '; '
                ORDER BY r.name)
            FROM saas.retention_policies AS r
            WHERE r.is_enabled AND r.table_name = t.name
        ),
        array_remove(ARRAY[
            CASE WHEN c.relrowsecurity AND c.relforcerowsecurity THEN 'row-level security' END,
            CASE
                WHEN cardinality(saas.encrypted_columns_of(c.oid::regclass)) > 0
                THEN 'encryption of ' || array_to_string(saas.encrypted_columns_of(c.oid::regclass), ', ')
            END,
            CASE WHEN EXISTS (SELECT FROM saas.audited_tables AS a WHERE to_regclass(a.table_name) = c.oid) THEN 'audit trail' END,
            CASE
                WHEN EXISTS (SELECT FROM saas.personal_links AS l WHERE to_regclass(l.table_name) = c.oid) OR t.name = 'saas.users'
                THEN 'erasure and export on request'
            END
        ], NULL)
    FROM saas.processing_purposes AS p
    CROSS JOIN unnest(p.tables) AS t (name)
    JOIN pg_class AS c ON c.oid = to_regclass(t.name)
    WHERE p.ended_at IS NULL
    ORDER BY p.name, t.name;
END
$$;
COMMENT ON FUNCTION saas.processing_register() IS
'The records of processing activities (GDPR Art. 30): each purpose with the tables that serve it, the personal columns in them, recipients (those of saas.set_privacy_recipient() whom no purpose names are with every one), transfers, retention, and the measures of security that are in force in this database now. For admins of the platform.';
REVOKE ALL ON FUNCTION saas.processing_register() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.processing_register() TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.set_processing_purpose(
    p_name text,
    p_description text,
    p_legal_basis text,
    p_subject_categories text[],
    p_tables regclass[] DEFAULT '{}',
    p_interest text DEFAULT NULL,
    p_recipients text[] DEFAULT '{}',
    p_transfers text[] DEFAULT '{}',
    p_consent_valid_for interval DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_tables text[] := ARRAY(SELECT saas.personal_table_name(t) FROM unnest(p_tables) AS t);
BEGIN
    PERFORM saas.require_platform_admin();
    UPDATE saas.processing_purposes AS p
    SET description = p_description,
        legal_basis = p_legal_basis,
        interest = p_interest,
        subject_categories = p_subject_categories,
        tables = v_tables,
        recipients = p_recipients,
        transfers = p_transfers,
        consent_valid_for = p_consent_valid_for,
        ended_at = NULL
    WHERE p.name = p_name;
    IF NOT FOUND THEN
        INSERT INTO saas.processing_purposes (
            name, description, legal_basis, interest, subject_categories, tables, recipients, transfers, consent_valid_for
        )
        VALUES (
            p_name, p_description, p_legal_basis, p_interest, p_subject_categories, v_tables, p_recipients, p_transfers,
            p_consent_valid_for
        );
    END IF;
END
$$;
COMMENT ON FUNCTION
saas.set_processing_purpose(text, text, text, text[], regclass[], text, text[], text[], interval) IS
'Adds or changes a purpose of processing: its legal basis (consent, contract, legal_obligation, vital_interests, public_task, or legitimate_interests with the interest), whom it concerns, the tables that serve it, who receives the data, transfers to other countries, and how long a consent holds. For admins of the platform.';
REVOKE ALL ON FUNCTION
saas.set_processing_purpose(text, text, text, text[], regclass[], text, text[], text[], interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
saas.set_processing_purpose(text, text, text, text[], regclass[], text, text[], text[], interval) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.end_processing_purpose(p_name text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_platform_admin();
    UPDATE saas.processing_purposes AS p SET ended_at = now() WHERE p.name = p_name AND p.ended_at IS NULL;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION saas.end_processing_purpose(text) IS
'Ends a purpose: nobody consents to it any more, and saas.may_process() refuses it. For admins of the platform.';
REVOKE ALL ON FUNCTION saas.end_processing_purpose(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.end_processing_purpose(text) TO saas_app, saas_service;

-- The person (users.id) that a row c belongs to, along the shortest way; NULL for a table that belongs to nobody.
CREATE OR REPLACE FUNCTION saas.subject_expression(p_table text, p_seen text[] DEFAULT '{}')
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_link record;
    v_above text;
    v_found text;
BEGIN
    IF p_table = 'saas.users' THEN
        RETURN 'c.id';
    END IF;
    FOR v_link IN
        SELECT l.* FROM saas.personal_links AS l
        WHERE l.table_name = p_table AND l.parent_table <> p_table AND l.parent_table <> ALL (p_seen)
        ORDER BY l.parent_table = 'saas.users' DESC, l.action = 'delete' DESC, l.link_name
    LOOP
        CONTINUE WHEN cardinality(p_seen) >= 8;
        v_above := saas.subject_expression(v_link.parent_table, p_seen || p_table);
        CONTINUE WHEN v_above IS NULL;
        v_found := concat_ws(', ', v_found, pg_catalog.format(
            '(SELECT (SELECT %s FROM (SELECT p.*) AS c) FROM %s AS p WHERE %s LIMIT 1)', v_above, v_link.parent_table,
            saas.personal_link_condition(v_link.kind, v_link.columns, v_link.parent_columns, v_link.json_path)));
    END LOOP;
    RETURN 'COALESCE(' || v_found || ')';
END
$$;
COMMENT ON FUNCTION saas.subject_expression(text, text[]) IS
'The SQL expression of the person that a row c of a table belongs to; NULL for a table that belongs to nobody.';
REVOKE ALL ON FUNCTION saas.subject_expression(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.subject_expression(text, text[]) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.breach_scope(
    p_tables regclass[],
    p_from timestamptz,
    p_to timestamptz,
    p_team uuid DEFAULT NULL
)
RETURNS TABLE (
    table_name text,
    rows_present bigint,
    rows_changed bigint,
    subjects bigint,
    confidential_columns text[],
    encrypted_columns text[],
    is_all_encrypted boolean,
    scope text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_table regclass;
    v_columns name[];
    v_person text;
    v_team name;
    v_answer text;
BEGIN
    PERFORM saas.require_platform_admin();
    IF p_from IS NULL OR p_to IS NULL OR p_from >= p_to THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a breach has a beginning and an end after it';
    END IF;
    FOREACH v_table IN ARRAY p_tables
    LOOP
        PERFORM saas.require_retainable(v_table, 'read');
        table_name := saas.personal_table_name(v_table);
        v_columns := ARRAY(
            SELECT a.attname FROM pg_attribute AS a
            WHERE a.attrelid = v_table AND a.attnum > 0 AND NOT a.attisdropped
                AND a.attname IN ('created_at', 'updated_at', 'recorded_at', 'received_at', 'occurred_at', 'placed_at', 'requested_at')
        );
        v_person := saas.subject_expression(table_name);
        confidential_columns := saas.confidential_columns_of(v_table);
        encrypted_columns := saas.encrypted_columns_of(v_table);
        v_team := CASE WHEN v_table = 'saas.teams'::regclass THEN 'id' END;
        SELECT COALESCE(v_team, min(a.attname::text)::name) INTO v_team
        FROM pg_attribute AS a
        WHERE a.attrelid = v_table AND a.attname = 'team_id' AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped;
        -- Tables of people have no team, since people may be in several.
        scope := CASE
            WHEN p_team IS NULL THEN 'all teams'
            WHEN v_team IS NOT NULL THEN 'the team'
            WHEN v_person IS NOT NULL THEN 'members of the team'
            ELSE 'all teams'
        END;
        -- Without a time everything counts.
        v_answer := saas.privacy_query(pg_catalog.format(
            'SELECT concat_ws('' '', count(*), count(*) FILTER (WHERE %s), %s)
             FROM (SELECT c.*, LEAST(%s) AS saas_made FROM %s AS c) AS c
             WHERE COALESCE(c.saas_made < %L, true)%s',
            -- Written in that time, or, where a later change hides it, perhaps.
            COALESCE((
                SELECT 'COALESCE(' || string_agg(
                    pg_catalog.format('c.%1$I >= %2$L%3$s', n, p_from,
                        CASE n WHEN 'updated_at' THEN '' ELSE pg_catalog.format(' AND c.%I < %L', n, p_to) END),
                    ' OR ') || ', true)'
                FROM unnest(v_columns) AS n
            ), 'true'),
            CASE WHEN v_person IS NULL THEN '0' ELSE pg_catalog.format('count(DISTINCT %s)', v_person) END,
            COALESCE((SELECT string_agg(pg_catalog.format('c.%I', n), ', ') FROM unnest(v_columns) AS n WHERE n <> 'updated_at'), 'NULL::timestamptz'),
            table_name,
            p_to,
            CASE scope
                WHEN 'the team' THEN pg_catalog.format(' AND c.%I = %L', v_team, p_team)
                WHEN 'members of the team'
                THEN pg_catalog.format(' AND %s IN (SELECT m.user_id FROM saas.team_members AS m WHERE m.team_id = %L)', v_person, p_team)
                ELSE ''
            END
        ), NULL, NULL, NULL);
        rows_present := split_part(v_answer, ' ', 1)::bigint;
        rows_changed := split_part(v_answer, ' ', 2)::bigint;
        subjects := split_part(v_answer, ' ', 3)::bigint;
        is_all_encrypted := cardinality(confidential_columns) > 0 AND confidential_columns <@ encrypted_columns;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.breach_scope(regclass[], timestamptz, timestamptz, uuid) IS
'What a notice of a breach has to say (GDPR Art. 33(3)): for each table that was exposed from p_from to p_to, how many rows were there, how many were written meanwhile, of how many people, which of their columns are personal, and which are encrypted; where all are and the keys were safe, people need not be told (Art. 34(3)(a)). With p_team, scope says what was counted: rows of the team, rows of its members, or, of a table that knows neither, those of all teams. For admins of the platform.';
REVOKE ALL ON FUNCTION saas.breach_scope(regclass[], timestamptz, timestamptz, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.breach_scope(regclass[], timestamptz, timestamptz, uuid) TO saas_app, saas_service;
