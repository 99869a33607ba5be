-- The access log of data keys: noted in shared memory, which a rollback does not undo, and written down from there.
CREATE OR REPLACE FUNCTION saas.flush_key_accesses()
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_from saas.key_access_positions;
    v_written integer;
BEGIN
    -- The position is part of the transaction, and whoever else writes waits here: each access is written once.
    SELECT * INTO STRICT v_from FROM saas.key_access_positions AS p WHERE p.id FOR UPDATE;
    WITH noted AS MATERIALIZED (
        SELECT * FROM saas.key_accesses(v_from.memory, v_from.next_place)
    ), position AS (
        UPDATE saas.key_access_positions AS p
        SET memory = n.memory,
            next_place = n.next_place,
            lost = p.lost + n.next_place - n.kept - CASE WHEN p.memory = n.memory THEN p.next_place ELSE 0 END,
            updated_at = now()
        FROM (
            SELECT n.memory, max(n.place) + 1 AS next_place, count(*) AS kept FROM noted AS n GROUP BY n.memory
        ) AS n
        WHERE p.id
    )
    INSERT INTO saas.key_access_logs
        (team_id, accessed_at, key_no, kind, subject_id, role_name, action, outcome)
    SELECT
        n.team_id,
        TIMESTAMPTZ '2000-01-01 00:00:00+00' + n.accessed_at * INTERVAL '1 microsecond',
        n.key_no,
        n.kind,
        n.subject_id,
        n.role_name,
        n.action,
        n.outcome
    FROM noted AS n
    WHERE n.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    ORDER BY n.place;
    GET DIAGNOSTICS v_written = ROW_COUNT;
    RETURN v_written;
END
$$;
COMMENT ON FUNCTION saas.flush_key_accesses() IS
'Writes accesses to data keys since the last time from shared memory into saas.key_access_logs; run it every minute by pg_cron. Returns how many. What was noted by transactions that were rolled back is among them.';
REVOKE ALL ON FUNCTION saas.flush_key_accesses() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.flush_key_accesses() TO saas_service;

ALTER TABLE saas.key_access_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.key_access_logs FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.key_access_positions ENABLE ROW LEVEL SECURITY;

CREATE POLICY key_access_logs_app_select ON saas.key_access_logs
FOR SELECT TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);
CREATE POLICY key_access_logs_analyst_select ON saas.key_access_logs
FOR SELECT TO saas_analyst
USING (team_id = saas.current_team_id());
GRANT SELECT ON saas.key_access_logs TO saas_app, saas_service, saas_analyst;
GRANT SELECT, INSERT ON saas.key_access_logs TO saas_internal;
GRANT SELECT, UPDATE ON saas.key_access_positions TO saas_internal;

COMMENT ON TABLE saas.key_access_logs IS 'Who has opened, made or been refused which data key. A session does so once for each key and keeps it then. Append-only, partitioned by month of created_at.';
COMMENT ON COLUMN saas.key_access_logs.team_id IS 'The team whose key it is; zeros for the platform''s own. [internal]';
COMMENT ON COLUMN saas.key_access_logs.created_at IS 'When this was written down. [internal]';
COMMENT ON COLUMN saas.key_access_logs.id IS 'Identifier. [internal]';
COMMENT ON COLUMN saas.key_access_logs.accessed_at IS 'When it happened. [internal]';
COMMENT ON COLUMN saas.key_access_logs.key_no IS 'The key, of saas.encryption_keys. [internal]';
COMMENT ON COLUMN saas.key_access_logs.kind IS 'Of a tenant, a subject, an index or an export. [internal]';
COMMENT ON COLUMN saas.key_access_logs.subject_id IS 'The person whose key it is. [internal]';
COMMENT ON COLUMN saas.key_access_logs.role_name IS 'The role of the query, not that of a function it called. [internal]';
COMMENT ON COLUMN saas.key_access_logs.action IS 'open, or make for a new key. [internal]';
COMMENT ON COLUMN saas.key_access_logs.outcome IS 'done; failed, since the wrapped key was not genuine or its epoch is gone; refused above saas.key_agent_rate, of which one a second and role is kept. [internal]';
COMMENT ON TABLE saas.key_access_logs_default IS 'Rows of saas.key_access_logs for which no month''s partition exists.';
COMMENT ON TABLE saas.key_access_positions IS 'How far saas.flush_key_accesses() has come. One row.';
COMMENT ON COLUMN saas.key_access_positions.id IS 'Always true. [internal]';
COMMENT ON COLUMN saas.key_access_positions.memory IS 'Which shared memory it was: another one after each start of the server. [internal]';
COMMENT ON COLUMN saas.key_access_positions.next_place IS 'The first place that is not written down. [internal]';
COMMENT ON COLUMN saas.key_access_positions.lost IS 'Accesses, of all databases, that were overwritten before they could be written down: run it more often, or set saas.key_access_slots higher. [internal]';
COMMENT ON COLUMN saas.key_access_positions.updated_at IS 'When it was written down last. [internal]';

SELECT saas.make_append_only('saas.key_access_logs');
SELECT saas.protect_partition('saas.key_access_logs', 'saas.key_access_logs_default');
SELECT saas.ensure_partitions('saas.key_access_logs');
