-- Audit trail: which tables are audited, who may read the trail, and the user-facing activity log.

CREATE OR REPLACE FUNCTION saas.check_audit_columns(p_table regclass, p_columns text[])
RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_missing text;
BEGIN
    SELECT c.name
    INTO v_missing
    FROM unnest(p_columns) AS c (name)
    WHERE NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = p_table AND a.attname = c.name AND a.attnum > 0 AND NOT a.attisdropped
    )
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA040',
            MESSAGE = format('table %s has no column "%s" to audit', p_table, v_missing),
            HINT = 'Name columns of the table as they are written in the catalog.';
    END IF;
    RETURN (
        SELECT COALESCE(string_agg(quote_ident(c.name), ',' ORDER BY c.place), '')
        FROM unnest(p_columns) WITH ORDINALITY AS c (name, place)
    );
END
$$;
REVOKE ALL ON FUNCTION saas.check_audit_columns(regclass, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.check_audit_columns(regclass, text[]) TO pg_database_owner;
COMMENT ON FUNCTION saas.check_audit_columns(regclass, text[]) IS
'The list of columns as an audit trigger takes it. SA040 for a column that does not exist.';

CREATE OR REPLACE FUNCTION saas.audit_truncate_of(p_table regclass, p_name text)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER zz_audit_truncate AFTER TRUNCATE ON %s
         FOR EACH STATEMENT EXECUTE FUNCTION saas.audit_truncate(%L)',
        p_table, p_name
    );
    EXECUTE format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER zz_audit_truncate', p_table);
END
$$;
REVOKE ALL ON FUNCTION saas.audit_truncate_of(regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.audit_truncate_of(regclass, text) TO pg_database_owner;
COMMENT ON FUNCTION saas.audit_truncate_of(regclass, text) IS
'Records TRUNCATE of a table, or of a partition under the name of its parent';

CREATE OR REPLACE FUNCTION saas.audit_table(
    p_table regclass,
    p_leave_out text[] DEFAULT '{}',
    p_redact text[] DEFAULT '{}'
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_name text;
    v_team text := '';
    v_leave_out text := saas.check_audit_columns(p_table, p_leave_out);
    v_redact text;
    v_truncated regclass;
BEGIN
    -- Doing nothing would look like success.
    IF p_table IS NULL OR p_leave_out IS NULL OR p_redact IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '22004',
            MESSAGE = 'an argument of saas.audit_table() is null',
            HINT = 'Leave out what should have its default.';
    END IF;
    -- A secret never enters the trail, whatever the caller forgot.
    v_redact := saas.check_audit_columns(
        p_table,
        p_redact || ARRAY(
            SELECT a.attname::text
            FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = p_table AND a.attnum > 0 AND NOT a.attisdropped
                AND col_description(a.attrelid, a.attnum) LIKE '%[restricted]'
                AND a.attname <> ALL (p_redact || p_leave_out)
            ORDER BY a.attnum
        )
    );
    SELECT n.nspname || '.' || c.relname
    INTO v_name
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = p_table AND c.relkind IN ('r', 'p')
        AND c.oid <> 'saas.audit_logs'::regclass
        AND 'saas.audit_logs'::regclass NOT IN (SELECT a.relid FROM pg_partition_ancestors(c.oid) AS a);
    IF v_name IS NULL OR v_name LIKE '%.%.%' OR p_leave_out && p_redact THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA040',
            MESSAGE = format('table %s cannot be audited like this', p_table),
            DETAIL = CASE
                WHEN v_name IS NULL THEN 'Only tables can be audited, and the audit log itself cannot.'
                WHEN v_name LIKE '%.%.%' THEN 'There is a dot in the name of the table or its schema.'
                ELSE 'A column is both left out and redacted.'
            END,
            HINT = 'Name a table, and each column in one list only.';
    END IF;
    IF v_name = 'saas.teams' THEN
        v_team := 'id';
    ELSIF EXISTS (
        SELECT
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = p_table AND a.attname = 'team_id' AND a.atttypid = 'uuid'::regtype
    ) THEN
        v_team := 'team_id';
    END IF;
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER zz_audit AFTER INSERT OR UPDATE OR DELETE ON %s
         FOR EACH ROW EXECUTE FUNCTION saas.audit_row_change(%L, %L, %L, %L)',
        p_table, v_name, v_team, v_leave_out, v_redact
    );
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER zz_audit', p_table);
    -- A statement trigger does not pass on to partitions, and each can be truncated by itself.
    FOR v_truncated IN SELECT p_table UNION SELECT t.relid FROM pg_partition_tree(p_table) AS t LOOP
        PERFORM saas.audit_truncate_of(v_truncated, v_name);
    END LOOP;
    PERFORM saas.note_audited_table(v_name, true);
END
$$;
REVOKE ALL ON FUNCTION saas.audit_table(regclass, text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.audit_table(regclass, text[], text[]) TO pg_database_owner;
COMMENT ON FUNCTION saas.audit_table(regclass, text[], text[]) IS
'Records every change of the table in saas.audit_logs, except for the columns left out; of redacted columns, and of all that are classified [restricted], only that they changed. Run by the owner of the table; run again to change the lists.';

CREATE OR REPLACE FUNCTION saas.unaudit_table(p_table regclass)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_truncated regclass;
BEGIN
    EXECUTE format('DROP TRIGGER IF EXISTS zz_audit ON %s', p_table);
    FOR v_truncated IN SELECT p_table UNION SELECT t.relid FROM pg_partition_tree(p_table) AS t LOOP
        EXECUTE format('DROP TRIGGER IF EXISTS zz_audit_truncate ON %s', v_truncated);
    END LOOP;
    PERFORM saas.note_audited_table(n.nspname || '.' || c.relname, false)
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = p_table;
END
$$;
REVOKE ALL ON FUNCTION saas.unaudit_table(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.unaudit_table(regclass) TO pg_database_owner;
COMMENT ON FUNCTION saas.unaudit_table(regclass) IS
'Stops recording changes of the table; what was recorded stays. Run by the owner of the table.';

CREATE OR REPLACE FUNCTION saas.log_activity(
    p_team uuid,
    p_action text,
    p_subject_type text DEFAULT NULL,
    p_subject_id uuid DEFAULT NULL,
    p_details jsonb DEFAULT '{}'
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_id uuid;
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    INSERT INTO saas.activity_logs (team_id, user_id, action, subject_type, subject_id, details)
    VALUES (p_team, saas.current_user_id(), p_action, p_subject_type, p_subject_id,
            COALESCE(p_details, '{}'))
    RETURNING id INTO v_id;
    RETURN v_id;
END
$$;
REVOKE ALL ON FUNCTION saas.log_activity(uuid, text, text, uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.log_activity(uuid, text, text, uuid, jsonb) TO saas_app, saas_service;
COMMENT ON FUNCTION saas.log_activity(uuid, text, text, uuid, jsonb) IS
'Adds an entry to the team''s activity log in the name of the current user; for members of the team. Returns its id.';

-- The deployer makes the partitions of this month and the next three when everything is in place.
SELECT saas.make_append_only('saas.audit_logs');
SELECT saas.protect_partition('saas.audit_logs', 'saas.audit_logs_default');
SELECT saas.protect_partition('saas.activity_logs', 'saas.activity_logs_default');

ALTER TABLE saas.audit_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.audit_logs FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.activity_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.activity_logs FORCE ROW LEVEL SECURITY;

-- Nobody is granted more than SELECT on the trail: the trigger writes it natively.
CREATE POLICY audit_logs_app_select ON saas.audit_logs
FOR SELECT TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);
GRANT SELECT ON saas.audit_logs TO saas_app, saas_service, saas_internal;

CREATE POLICY activity_logs_app_select ON saas.activity_logs
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
GRANT SELECT ON saas.activity_logs TO saas_app, saas_service;
GRANT SELECT (team_id, created_at, id, action, subject_type, subject_id)
ON saas.activity_logs TO saas_analyst;
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.activity_logs TO saas_internal;
