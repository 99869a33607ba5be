-- The use of API keys: written down in batches, and counted in rows where there is no shared memory.
CREATE OR REPLACE FUNCTION saas.use_api_key_row(
    p_team uuid,
    p_api_key uuid,
    p_ip inet,
    p_interval bigint,
    p_tolerance bigint
)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_now bigint := EXTRACT(epoch FROM clock_timestamp()) * 1000000000;
    v_wait bigint := 0;
BEGIN
    IF p_interval IS NOT NULL THEN
        UPDATE saas.api_key_activity AS a
        SET arrival_ns = GREATEST(a.arrival_ns, v_now) + p_interval
        WHERE a.team_id = p_team AND a.api_key_id = p_api_key AND a.arrival_ns - v_now <= p_tolerance;
        IF NOT FOUND THEN
            SELECT a.arrival_ns - v_now - p_tolerance INTO v_wait
            FROM saas.api_key_activity AS a
            WHERE a.team_id = p_team AND a.api_key_id = p_api_key;
            RETURN GREATEST(v_wait, 1);
        END IF;
    END IF;
    -- At most once a minute, and calls of one key do not wait for each other.
    UPDATE saas.api_key_activity AS a
    SET last_used_at = now(), last_address = COALESCE(p_ip, a.last_address)
    WHERE (a.team_id, a.api_key_id) IN (
        SELECT l.team_id, l.api_key_id
        FROM saas.api_key_activity AS l
        WHERE l.team_id = p_team
            AND l.api_key_id = p_api_key
            AND (l.last_used_at IS NULL OR l.last_used_at <= now() - INTERVAL '1 minute')
        FOR NO KEY UPDATE SKIP LOCKED
    );
    IF FOUND THEN
        INSERT INTO saas.api_key_usage_logs
            (team_id, api_key_id, first_used_at, last_used_at, accepted, refused, limited, last_address)
        VALUES (p_team, p_api_key, now(), now(), 1, 0, 0, p_ip);
    END IF;
    RETURN 0;
END
$$;
COMMENT ON FUNCTION saas.use_api_key_row(uuid, uuid, inet, bigint, bigint) IS
'One use of an API key where there is no shared memory: 0, or by how many nanoseconds it is above the rate limit. For saas.authenticate_api_key().';
REVOKE ALL ON FUNCTION saas.use_api_key_row(uuid, uuid, inet, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.use_api_key_row(uuid, uuid, inet, bigint, bigint) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.flush_api_key_usage()
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_epoch timestamptz := TIMESTAMPTZ '2000-01-01 00:00:00+00';
    v_written integer;
BEGIN
    WITH taken AS MATERIALIZED (
        SELECT t.*,
            v_epoch + t.first_use * INTERVAL '1 microsecond' AS first_used_at,
            v_epoch + t.last_use * INTERVAL '1 microsecond' AS last_used_at
        FROM saas.take_api_key_usage() AS t
    ), touched AS (
        UPDATE saas.api_key_activity AS a
        SET last_used_at = GREATEST(a.last_used_at, t.last_used_at),
            last_address = COALESCE(t.last_address, a.last_address)
        FROM taken AS t
        WHERE a.team_id = t.team_id AND a.api_key_id = t.api_key_id AND t.accepted > 0
    )
    INSERT INTO saas.api_key_usage_logs
        (team_id, api_key_id, first_used_at, last_used_at, accepted, refused, limited, last_address)
    SELECT t.team_id, t.api_key_id, t.first_used_at, t.last_used_at, t.accepted, t.refused, t.limited, t.last_address
    FROM taken AS t;
    GET DIAGNOSTICS v_written = ROW_COUNT;
    RETURN v_written;
END
$$;
COMMENT ON FUNCTION saas.flush_api_key_usage() IS
'Writes the use of API keys since the last time from shared memory into saas.api_key_usage_logs, a row a key; run it every minute by pg_cron. Returns how many rows. Without shared memory there is nothing to write.';
REVOKE ALL ON FUNCTION saas.flush_api_key_usage() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.flush_api_key_usage() TO saas_service;

CREATE OR REPLACE FUNCTION saas.require_scope(p_scope text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF NOT saas.has_scope(p_scope) THEN
        RAISE EXCEPTION USING
            ERRCODE = '42501',
            MESSAGE = pg_catalog.format('permission denied: needs scope %s', p_scope),
            HINT = 'Use an API key that has it.';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_scope(text) IS
'Raises 42501 unless the credential behind the request context is for this. For functions of your own.';
REVOKE ALL ON FUNCTION saas.require_scope(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_scope(text) TO saas_app, saas_service, saas_internal;

SELECT saas.make_append_only('saas.api_key_usage_logs');
SELECT saas.protect_partition('saas.api_key_usage_logs', 'saas.api_key_usage_logs_default');
SELECT saas.ensure_partitions('saas.api_key_usage_logs');
