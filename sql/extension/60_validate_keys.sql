-- What saas.validate() says of keys, constraints and indexes.
CREATE OR REPLACE FUNCTION saas.validate_keys()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH tenant AS (
        SELECT c.oid, c.oid::regclass::text AS name,
            (SELECT a.attnum FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'team_id') AS team_column
        FROM pg_class AS c
        JOIN saas.declared_tables() AS d ON d.table_name = c.relname AND d.kind = 'tenant'
        WHERE c.relnamespace = 'saas'::regnamespace
    ), kinds AS (
        SELECT c.oid, d.kind
        FROM pg_class AS c
        JOIN saas.declared_tables() AS d ON d.table_name = c.relname
        WHERE c.relnamespace = 'saas'::regnamespace
    ), findings AS (
        SELECT 'error' AS severity, t.name, 'a tenant table needs a column team_id uuid NOT NULL' AS finding,
            'ALTER TABLE ' || t.name || ' ADD COLUMN team_id uuid NOT NULL;' AS remedy
        FROM tenant AS t
        WHERE NOT EXISTS (
            SELECT FROM pg_attribute AS a
            WHERE a.attrelid = t.oid AND a.attname = 'team_id' AND a.attnotnull AND a.atttypid = 'uuid'::regtype
        )
        UNION ALL
        SELECT 'error', t.name, 'the primary key does not begin with team_id',
            'make the primary key (team_id, …)'
        FROM tenant AS t
        WHERE NOT EXISTS (
            SELECT FROM pg_index AS i WHERE i.indrelid = t.oid AND i.indisprimary AND i.indkey[0] = t.team_column
        )
        UNION ALL
        SELECT 'error', i.indexrelid::regclass::text, 'a unique key of a tenant table without team_id tells tenants about each other',
            'add team_id to the key'
        FROM tenant AS t
        JOIN pg_index AS i ON i.indrelid = t.oid AND (i.indisunique OR i.indisexclusion)
        WHERE NOT t.team_column = ANY (i.indkey::smallint[])
        UNION ALL
        SELECT 'error', t.name, 'foreign key ' || n.conname || ' can point into another tenant',
            pg_catalog.format('make it FOREIGN KEY (team_id, …) REFERENCES %s (team_id, …)', n.confrelid::regclass)
        FROM tenant AS t
        JOIN pg_constraint AS n ON n.conrelid = t.oid AND n.contype = 'f'
        JOIN tenant AS f ON f.oid = n.confrelid
        WHERE n.conkey[1] <> t.team_column OR n.confkey[1] <> f.team_column
        UNION ALL
        SELECT 'error', t.name, 'foreign key ' || n.conname || ' sets columns to null or default, or cascades updates',
            'use NO ACTION, RESTRICT or CASCADE on delete, and NO ACTION on update'
        FROM tenant AS t
        JOIN pg_constraint AS n ON n.conrelid = t.oid AND n.contype = 'f'
        WHERE (n.confdeltype IN ('n', 'd') AND array_length(n.conkey, 1) > 1) OR n.confupdtype <> 'a'
        UNION ALL
        SELECT 'error', n.conrelid::regclass::text,
            pg_catalog.format('foreign key %s points from a %s table to a %s table', n.conname, s.kind, f.kind),
            'keep the id without a foreign key'
        FROM pg_constraint AS n
        JOIN kinds AS s ON s.oid = n.conrelid
        JOIN kinds AS f ON f.oid = n.confrelid
        WHERE n.contype = 'f' AND f.kind <> 'reference' AND (s.kind, f.kind) NOT IN (('tenant', 'tenant'), ('local', 'local'))
    ), indexless AS (
        SELECT 'warning' AS severity, n.conrelid::regclass::text AS name, 'foreign key ' || n.conname || ' has no index' AS finding,
            pg_catalog.format(
                'CREATE INDEX ON %s (%s);', n.conrelid::regclass,
                (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.position)
                 FROM unnest(n.conkey) WITH ORDINALITY AS k (attnum, position)
                 JOIN pg_attribute AS a ON a.attrelid = n.conrelid AND a.attnum = k.attnum)
            ) AS remedy
        FROM pg_constraint AS n
        JOIN pg_class AS c ON c.oid = n.conrelid AND NOT c.relispartition
        WHERE n.connamespace = 'saas'::regnamespace
            AND n.contype = 'f'
            AND NOT EXISTS (
                SELECT FROM pg_index AS i
                WHERE i.indrelid = n.conrelid
                    AND i.indisvalid
                    AND (i.indkey::smallint[])[0:array_length(n.conkey, 1) - 1] = n.conkey
            )
    )
    SELECT f.severity, f.name, f.finding, f.remedy FROM findings AS f
    UNION ALL
    SELECT i.severity, i.name, i.finding, i.remedy FROM indexless AS i
    UNION ALL
    SELECT 'warning', a.indexrelid::regclass::text, 'the index is the same as ' || b.indexrelid::regclass::text,
        'DROP INDEX ' || a.indexrelid::regclass::text || ';'
    FROM pg_index AS a
    JOIN pg_index AS b
        ON b.indrelid = a.indrelid
        AND b.indkey = a.indkey
        AND b.indclass = a.indclass
        AND b.indcollation = a.indcollation
        AND b.indoption = a.indoption
        AND b.indnkeyatts = a.indnkeyatts
        AND b.indisunique >= a.indisunique
        AND (b.indisunique > a.indisunique OR b.indexrelid < a.indexrelid)
        AND pg_get_expr(b.indexprs, b.indrelid) IS NOT DISTINCT FROM pg_get_expr(a.indexprs, a.indrelid)
        AND pg_get_expr(b.indpred, b.indrelid) IS NOT DISTINCT FROM pg_get_expr(a.indpred, a.indrelid)
    JOIN pg_class AS c ON c.oid = a.indexrelid AND c.relnamespace = 'saas'::regnamespace AND NOT c.relispartition
    JOIN pg_class AS o ON o.oid = b.indexrelid AND o.relam = c.relam
    UNION ALL
    SELECT 'error', i.indexrelid::regclass::text, 'the index is not valid: building it failed',
        'REINDEX INDEX ' || i.indexrelid::regclass::text || ';'
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid AND c.relnamespace = 'saas'::regnamespace
    WHERE NOT i.indisvalid
    UNION ALL
    SELECT 'warning', n.conrelid::regclass::text, 'constraint ' || n.conname || ' was never checked for the rows that were there',
        pg_catalog.format('ALTER TABLE %s VALIDATE CONSTRAINT %I;', n.conrelid::regclass, n.conname)
    FROM pg_constraint AS n
    WHERE n.connamespace = 'saas'::regnamespace AND n.conrelid <> 0 AND NOT n.convalidated
$$;
COMMENT ON FUNCTION saas.validate_keys() IS 'Part of saas.validate(): keys and indexes that keep tenants apart and distributable.';
