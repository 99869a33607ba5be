-- Partitions by month of the tables that grow with time.

CREATE OR REPLACE FUNCTION saas.make_append_only(p_table regclass)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- The row trigger passes on to every partition; the statement trigger also refuses a statement
    -- that row-level security leaves without rows, and does not pass on.
    EXECUTE format('CREATE OR REPLACE TRIGGER aa_append_only_statement
        BEFORE UPDATE OR DELETE OR TRUNCATE ON %s
        FOR EACH STATEMENT EXECUTE FUNCTION saas.append_only()', p_table);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER aa_append_only_statement', p_table);
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
                   WHERE t.tgrelid = p_table AND t.tgname = 'aa_append_only_row') THEN
        EXECUTE format('CREATE TRIGGER aa_append_only_row
            BEFORE UPDATE OR DELETE ON %s
            FOR EACH ROW EXECUTE FUNCTION saas.append_only()', p_table);
    END IF;
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER aa_append_only_row', p_table);
END
$$;
REVOKE ALL ON FUNCTION saas.make_append_only(regclass) FROM PUBLIC;
COMMENT ON FUNCTION saas.make_append_only(regclass) IS
'Refuses UPDATE, DELETE and TRUNCATE on a table for everyone, its owner included';

-- What every partition needs of its own: whoever addresses it directly passes by the policies and the
-- statement triggers of its parent.
CREATE OR REPLACE FUNCTION saas.protect_partition(p_parent regclass, p_partition regclass)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_grantee text;
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', p_partition);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', p_partition);
    -- Default privileges may have granted something.
    FOR v_grantee IN
        SELECT DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
        FROM pg_catalog.pg_class AS c
        CROSS JOIN LATERAL aclexplode(c.relacl) AS a
        WHERE c.oid = p_partition AND a.grantee <> c.relowner
    LOOP
        EXECUTE format('REVOKE ALL ON TABLE %s FROM %s', p_partition, v_grantee);
    END LOOP;
    IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
               WHERE t.tgrelid = p_parent AND t.tgname = 'aa_append_only_statement') THEN
        PERFORM saas.make_append_only(p_partition);
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
               WHERE t.tgrelid = p_parent AND t.tgname = 'zz_audit_truncate') THEN
        PERFORM saas.audit_truncate_of(p_partition, n.nspname || '.' || c.relname)
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = p_parent;
    END IF;
END
$$;
REVOKE ALL ON FUNCTION saas.protect_partition(regclass, regclass) FROM PUBLIC;
COMMENT ON FUNCTION saas.protect_partition(regclass, regclass) IS
'Gives a partition row-level security, no grants, and the statement triggers of its parent';

-- Moves the rows of one month out of the default partition, which has to let go of them first: while
-- it holds one, the month cannot get a partition of its own.
CREATE OR REPLACE FUNCTION saas.empty_default_partition(
    p_parent regclass,
    p_default regclass,
    p_month regclass,
    p_from timestamptz,
    p_to timestamptz
)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_columns text;
    v_key name := (
        SELECT a.attname
        FROM pg_catalog.pg_partitioned_table AS p
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
        WHERE p.partrelid = p_parent
    );
BEGIN
    -- Only the owner can do this, in this transaction, under a lock that keeps everyone else out.
    EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', p_parent, p_default);
    EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', p_default);
    EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', p_default);
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
    INTO v_columns
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = p_parent AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '';
    EXECUTE format('INSERT INTO %1$s (%2$s) SELECT %2$s FROM %3$s WHERE %4$I >= $1 AND %4$I < $2',
                   p_month, v_columns, p_default, v_key)
    USING p_from, p_to;
    EXECUTE format('DELETE FROM %1$s WHERE %2$I >= $1 AND %2$I < $2', p_default, v_key)
    USING p_from, p_to;
    EXECUTE format('ALTER TABLE %s ENABLE TRIGGER USER', p_default);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s DEFAULT', p_parent, p_default);
    PERFORM saas.protect_partition(p_parent, p_default);
END
$$;
REVOKE ALL ON FUNCTION
    saas.empty_default_partition(regclass, regclass, regclass, timestamptz, timestamptz)
    FROM PUBLIC;
COMMENT ON FUNCTION
    saas.empty_default_partition(regclass, regclass, regclass, timestamptz, timestamptz) IS
'Moves the rows of one month from the default partition into the table that becomes its partition';

CREATE OR REPLACE FUNCTION saas.ensure_month_partition(p_table regclass, p_month timestamptz)
RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_from timestamptz := date_trunc('month', p_month, 'UTC');
    v_to timestamptz := date_trunc('month', v_from + INTERVAL '32 days', 'UTC');
    v_schema text;
    v_name text;
    v_partition text;
    v_default regclass;
BEGIN
    SELECT n.nspname, c.relname, NULLIF(p.partdefid, 0)::regclass
    INTO v_schema, v_name, v_default
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_partitioned_table AS p ON p.partrelid = c.oid
    WHERE c.oid = p_table;
    v_name := v_name || to_char(v_from AT TIME ZONE 'UTC', '_YYYY_MM');
    v_partition := format('%I.%I', v_schema, v_name);
    IF to_regclass(v_partition) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Made apart and then attached: PARTITION OF would lock the whole table against writers.
    EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL)', v_partition, p_table);
    EXECUTE format('COMMENT ON TABLE %s IS %L', v_partition,
                   format('Rows of %s of %s (UTC)', p_table,
                          to_char(v_from AT TIME ZONE 'UTC', 'YYYY-MM')));
    BEGIN
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
                       p_table, v_partition, v_from, v_to);
    EXCEPTION WHEN check_violation THEN
        -- The default partition already holds rows of this month.
        PERFORM saas.empty_default_partition(p_table, v_default, v_partition::regclass,
                                             v_from, v_to);
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
                       p_table, v_partition, v_from, v_to);
    END;
    PERFORM saas.protect_partition(p_table, v_partition::regclass);
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION saas.ensure_month_partition(regclass, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION saas.ensure_month_partition(regclass, timestamptz) IS
'Makes the partition for the month (UTC) of a time; false when it is there already';

CREATE OR REPLACE FUNCTION saas.ensure_partitions(
    p_table regclass,
    p_months_ahead integer DEFAULT 3
)
RETURNS integer
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_this_month timestamptz := date_trunc('month', now(), 'UTC');
    v_made integer := 0;
BEGIN
    IF p_months_ahead NOT BETWEEN 0 AND 120 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA043',
            MESSAGE = format('cannot make partitions %s months ahead', p_months_ahead),
            HINT = 'Give a number from 0 to 120.';
    END IF;
    IF NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_partitioned_table AS p
        JOIN pg_catalog.pg_attribute AS a
            ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
        WHERE p.partrelid = p_table AND p.partstrat = 'r' AND p.partnatts = 1
              AND a.attname = 'created_at' AND a.atttypid = 'timestamptz'::regtype
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA043',
            MESSAGE = format('table %s is not partitioned by month', p_table),
            HINT = 'It must be PARTITION BY RANGE (created_at) with created_at timestamptz.';
    END IF;
    -- Two callers never make the same partition: the lock that ATTACH takes anyway, only earlier.
    EXECUTE format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', p_table);
    FOR v_month IN 0..p_months_ahead LOOP
        IF saas.ensure_month_partition(
               p_table,
               ((v_this_month AT TIME ZONE 'UTC') + make_interval(months => v_month))
                   AT TIME ZONE 'UTC') THEN
            v_made := v_made + 1;
        END IF;
    END LOOP;
    RETURN v_made;
END
$$;
REVOKE ALL ON FUNCTION saas.ensure_partitions(regclass, integer) FROM PUBLIC;
COMMENT ON FUNCTION saas.ensure_partitions(regclass, integer) IS
'Makes the partitions of this month and the next ones (UTC); run by the owner of the table. Returns how many it made.';

CREATE OR REPLACE FUNCTION saas.ensure_all_partitions(p_months_ahead integer DEFAULT 3)
RETURNS integer
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_table regclass;
    v_made integer := 0;
BEGIN
    FOR v_table IN
        SELECT c.oid
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_partitioned_table AS p ON p.partrelid = c.oid
        JOIN pg_catalog.pg_attribute AS a
            ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
        WHERE c.relnamespace = 'saas'::regnamespace
            AND p.partstrat = 'r'
            AND a.attname = 'created_at'
        ORDER BY c.relname
    LOOP
        v_made := v_made + saas.ensure_partitions(v_table, p_months_ahead);
    END LOOP;
    RETURN v_made;
END
$$;
REVOKE ALL ON FUNCTION saas.ensure_all_partitions(integer) FROM PUBLIC;
COMMENT ON FUNCTION saas.ensure_all_partitions(integer) IS
'saas.ensure_partitions() for every table of schema saas that is partitioned by month; run by the owner, daily by pg_cron. Returns how many it made.';
