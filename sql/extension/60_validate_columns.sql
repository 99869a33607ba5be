-- What saas.validate() says of columns, sequences, triggers and roles.
CREATE OR REPLACE FUNCTION saas.validate_columns()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH columns AS (
        SELECT c.oid, c.oid::regclass::text AS name, a.attname, a.attnum, a.atttypid, t.typname, t.typtype, a.attidentity,
            pg_get_expr(e.adbin, e.adrelid) AS default_text, col_description(c.oid, a.attnum) AS comment, d.kind
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_type AS t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef AS e ON e.adrelid = c.oid AND e.adnum = a.attnum
        LEFT JOIN saas.declared_tables() AS d ON d.table_name = c.relname
        WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    )
    SELECT 'error', c.name || '.' || c.attname, 'pg_upgrade refuses columns of type ' || c.typname,
        pg_catalog.format('ALTER TABLE %s ALTER COLUMN %I TYPE text;', c.name, c.attname)
    FROM columns AS c
    WHERE c.atttypid IN (
        'regproc'::regtype, 'regprocedure'::regtype, 'regoper'::regtype, 'regoperator'::regtype, 'regconfig'::regtype,
        'regdictionary'::regtype, 'regnamespace'::regtype, 'regcollation'::regtype
    )
    UNION ALL
    SELECT 'error', c.name || '.' || c.attname, 'a 32-bit sequence runs out, and does not distribute',
        pg_catalog.format('ALTER TABLE %s ALTER COLUMN %I TYPE bigint; better a uuid of saas.uuid_v7()', c.name, c.attname)
    FROM columns AS c
    WHERE c.typname IN ('int2', 'int4') AND (c.attidentity <> '' OR c.default_text LIKE 'nextval(%')
    UNION ALL
    SELECT 'warning', c.name || '.' || c.attname, 'comparing an enum is not leakproof: under row-level security it uses no index',
        pg_catalog.format('ALTER TABLE %s ALTER COLUMN %I TYPE text; with a CHECK', c.name, c.attname)
    FROM columns AS c
    WHERE c.typtype = 'e' AND c.kind = 'tenant'
    UNION ALL
    SELECT 'warning', c.name || '.' || c.attname, 'the column is named like a secret but not classified as [restricted]',
        pg_catalog.format('COMMENT ON COLUMN %s.%I IS ''… [restricted]''; and keep a hash only', c.name, c.attname)
    FROM columns AS c
    WHERE c.kind IS NOT NULL
        AND c.attname ~ '(^|_)(password|passwd|secrets?|token|api_?key|private_key|access_key|iban|card_number|cvv|otp)(_hash)?$'
        AND COALESCE(c.comment, '') !~ '\[restricted\]$'
    UNION ALL
    SELECT 'error', s.oid::regclass::text, 'roles use the sequence, whose numbers tell the volume of others',
        pg_catalog.format('REVOKE ALL ON SEQUENCE %s FROM %s;', s.oid::regclass, COALESCE(quote_ident(r.rolname), 'PUBLIC'))
    FROM pg_class AS s
    CROSS JOIN LATERAL (SELECT DISTINCT a.grantee FROM aclexplode(s.relacl) AS a) AS g
    LEFT JOIN pg_roles AS r ON r.oid = g.grantee
    WHERE s.relnamespace = 'saas'::regnamespace AND s.relkind = 'S' AND g.grantee <> s.relowner
$$;
COMMENT ON FUNCTION saas.validate_columns() IS 'Part of saas.validate(): types and names of columns, and sequences.';

CREATE OR REPLACE FUNCTION saas.validate_trigger_states()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH triggers AS (
        SELECT t.tgrelid::regclass::text AS name, t.tgname, t.tgenabled, t.tgtype, t.tgisinternal, f.proname, l.lanname
        FROM pg_trigger AS t
        JOIN pg_class AS c ON c.oid = t.tgrelid AND c.relnamespace = 'saas'::regnamespace
        JOIN pg_proc AS f ON f.oid = t.tgfoid
        JOIN pg_language AS l ON l.oid = f.prolang
    )
    SELECT 'error', t.name, 'trigger ' || t.tgname || ' is disabled',
        pg_catalog.format(
            'ALTER TABLE %s ENABLE %sTRIGGER %I;', t.name,
            CASE WHEN t.proname IN ('audit_row_change', 'audit_truncate', 'append_only') THEN 'ALWAYS ' ELSE '' END, t.tgname
        )
    FROM triggers AS t WHERE t.tgenabled = 'D'
    UNION ALL
    SELECT 'error', t.name, 'trigger ' || t.tgname || ' does not fire for replicated changes',
        pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I;', t.name, t.tgname)
    FROM triggers AS t
    WHERE t.proname IN ('audit_row_change', 'audit_truncate', 'append_only') AND t.tgenabled IN ('O', 'R')
    UNION ALL
    -- The native ones are the package's own, and left out where tables are distributed.
    SELECT 'warning', t.name, 'trigger ' || t.tgname || ' fires per statement, which distributed tables do not do',
        'make it FOR EACH ROW'
    FROM triggers AS t
    WHERE NOT t.tgisinternal AND t.tgtype & 1 = 0 AND t.lanname <> 'c'
$$;
COMMENT ON FUNCTION saas.validate_trigger_states() IS 'Part of saas.validate(): triggers that do not fire when they should.';

CREATE OR REPLACE FUNCTION saas.validate_roles()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH package AS (
        SELECT r.oid, r.rolname, r.rolsuper, r.rolbypassrls
        FROM (VALUES ('app'), ('anonymous'), ('analyst'), ('service')) AS s (name)
        JOIN pg_roles AS r ON r.rolname = current_setting('saas.role_' || s.name, true)
    )
    SELECT 'error', 'role ' || p.rolname, 'no policy holds the role back',
        pg_catalog.format('ALTER ROLE %I NOSUPERUSER NOBYPASSRLS;', p.rolname)
    FROM package AS p WHERE p.rolsuper OR p.rolbypassrls
    UNION ALL
    SELECT 'error', 'role ' || r.rolname, 'a login that acts for applications may become ' || b.rolname
            || ', which no policy holds back',
        pg_catalog.format('REVOKE %I FROM %I;', b.rolname, r.rolname)
    FROM pg_roles AS r
    JOIN package AS p ON p.rolname = current_setting('saas.role_app', true) AND pg_has_role(r.oid, p.oid, 'MEMBER')
    JOIN pg_roles AS b ON (b.rolbypassrls OR b.rolsuper) AND b.oid <> r.oid AND pg_has_role(r.oid, b.oid, 'MEMBER')
    -- Supabase's own role is meant for that, behind a token that only its backend has.
    WHERE r.rolcanlogin AND NOT r.rolsuper AND NOT r.rolbypassrls AND b.rolname <> 'service_role'
$$;
COMMENT ON FUNCTION saas.validate_roles() IS 'Part of saas.validate(): roles that row-level security does not hold.';
