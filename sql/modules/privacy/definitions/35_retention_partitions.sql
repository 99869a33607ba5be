-- Retention of partitioned tables: whole partitions that are past their time go.
CREATE OR REPLACE FUNCTION saas.partition_end(p_partition regclass)
RETURNS timestamptz
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
SET timezone = 'UTC'
AS $$
    SELECT (regexp_match(pg_get_expr(c.relpartbound, c.oid), ' TO \(''([^'']+)''\)'))[1]::timestamptz
    FROM pg_class AS c
    WHERE c.oid = p_partition
$$;
COMMENT ON FUNCTION saas.partition_end(regclass) IS
'The upper bound of a partition by one column of time; NULL for any other.';
REVOKE ALL ON FUNCTION saas.partition_end(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.partition_end(regclass) TO saas_internal, pg_database_owner;

-- Row-level security hides policies, holds and rows of people from an owner who is no superuser.
CREATE OR REPLACE FUNCTION saas.old_partitions()
RETURNS TABLE (
    policy text,
    partition_oid oid,
    problem text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    v_partition record;
    v_held record;
BEGIN
    FOR v_partition IN
        SELECT p.name, p.table_name, p.time_column, i.inhrelid AS id, saas.partition_end(i.inhrelid::regclass) AS ends_at
        FROM saas.retention_policies AS p
        JOIN pg_partitioned_table AS t ON t.partrelid = to_regclass(p.table_name) AND t.partstrat = 'r' AND t.partnatts = 1
        JOIN pg_attribute AS a
            ON a.attrelid = t.partrelid AND a.attnum = t.partattrs[0] AND a.attname = p.time_column
        JOIN pg_inherits AS i ON i.inhparent = t.partrelid
        WHERE p.is_enabled
            AND p.action = 'delete'
            AND p.states IS NULL
            AND saas.partition_end(i.inhrelid::regclass) <= now() - p.kept_for
            AND EXISTS (SELECT FROM pg_class AS c WHERE c.oid = i.inhrelid AND c.relkind IN ('r', 'p'))
            AND NOT EXISTS (
                SELECT FROM saas.retention_policies AS k
                WHERE k.table_name = p.table_name
                    AND k.action = 'keep'
                    AND k.is_enabled
                    AND (k.time_column <> p.time_column OR saas.partition_end(i.inhrelid::regclass) > now() - k.kept_for)
            )
        ORDER BY p.name, i.inhrelid::regclass::text
    LOOP
        policy := v_partition.name;
        partition_oid := v_partition.id;
        problem := NULL;
        BEGIN
            PERFORM saas.require_retainable(to_regclass(v_partition.table_name), 'delete');
            SELECT * INTO v_held FROM saas.held_rows(v_partition.table_name) AS h;
            -- Read through its table, to which the rights were granted.
            CONTINUE WHEN saas.is_anything_held()
                AND v_held.condition IS NOT NULL
                AND saas.privacy_query(
                    format('WITH %s SELECT EXISTS (SELECT FROM %s AS c WHERE c.%I < %L AND c.tableoid = %s AND (%s))', v_held.sources,
                        v_partition.table_name, v_partition.time_column, v_partition.ends_at, v_partition.id, v_held.condition),
                    NULL, NULL, NULL
                )::boolean;
        EXCEPTION
            -- One that cannot be read does not keep the others from it.
            WHEN query_canceled THEN RAISE;
            WHEN OTHERS THEN problem := format('%s: %s', SQLSTATE, SQLERRM);
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.old_partitions() IS
'Partitions whose whole time is past the retention of a policy that deletes, but for those with rows of people under a legal hold; problem says why that cannot be told.';
REVOKE ALL ON FUNCTION saas.old_partitions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.old_partitions() TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.drop_old_partitions(p_dry_run boolean DEFAULT false)
RETURNS TABLE (
    policy text,
    partition_name text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_partition record;
BEGIN
    LOCK TABLE saas.legal_holds IN SHARE ROW EXCLUSIVE MODE;
    FOR v_partition IN
        SELECT o.policy, o.partition_oid::regclass::text AS name, o.problem FROM saas.old_partitions() AS o
    LOOP
        policy := v_partition.policy;
        partition_name := v_partition.name;
        IF v_partition.problem IS NOT NULL THEN
            RAISE WARNING USING MESSAGE = format('partition %s was not dropped: %s', partition_name, v_partition.problem);
            CONTINUE;
        END IF;
        BEGIN
            IF NOT p_dry_run THEN
                EXECUTE format('DROP TABLE %s', partition_name);
            END IF;
        EXCEPTION
            -- One that other tables refer to, say, does not keep the others from it.
            WHEN query_canceled THEN RAISE;
            WHEN OTHERS THEN
                RAISE WARNING USING
                    ERRCODE = SQLSTATE, MESSAGE = format('partition %s was not dropped: %s', partition_name, SQLERRM);
                CONTINUE;
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.drop_old_partitions(boolean) IS
'Drops partitions whose whole time is past the retention of a policy that deletes, unless a row in them belongs to a person under a legal hold: those are left to saas.cleanup_old_data(). For the owner of the database, before saas.cleanup_old_data().';
REVOKE ALL ON FUNCTION saas.drop_old_partitions(boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.drop_old_partitions(boolean) TO pg_database_owner;
