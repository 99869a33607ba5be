-- Everything in schema saas that a deployment makes, as text without object ids: two databases with
-- the same answer have the same catalog.
SELECT 'relation ' || c.relname || ' ' || c.relkind::text || ' ' || c.relpersistence::text || ' ' || c.relrowsecurity::text
    || ' ' || c.relforcerowsecurity || ' ' || r.rolname || ' ' || COALESCE(array_to_string(c.reloptions, ','), '')
    || ' ' || COALESCE((SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(c.relacl) AS a), '')
    || ' ' || COALESCE(obj_description(c.oid, 'pg_class'), '') AS line
FROM pg_class AS c JOIN pg_roles AS r ON r.oid = c.relowner
WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
UNION ALL
SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' '
    || a.attnotnull::text || ' ' || COALESCE(pg_get_expr(d.adbin, d.adrelid), '')
    || ' ' || COALESCE((SELECT string_agg(x::text, ',' ORDER BY x::text) FROM unnest(a.attacl) AS x), '')
    || ' ' || COALESCE(col_description(c.oid, a.attnum), '')
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = 'saas'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v')
UNION ALL
SELECT 'constraint ' || n.conrelid::regclass::text || ' ' || n.conname || ' ' || pg_get_constraintdef(n.oid)
FROM pg_constraint AS n WHERE n.connamespace = 'saas'::regnamespace
UNION ALL
SELECT 'index ' || pg_get_indexdef(i.indexrelid)
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid WHERE c.relnamespace = 'saas'::regnamespace
UNION ALL
SELECT 'trigger ' || pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text::text
FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'saas'::regnamespace AND NOT t.tgisinternal
UNION ALL
SELECT 'policy ' || p.tablename || ' ' || p.policyname || ' ' || p.permissive || ' ' || p.roles::text || ' '
    || p.cmd || ' ' || COALESCE(p.qual, '') || ' / ' || COALESCE(p.with_check, '')
FROM pg_policies AS p WHERE p.schemaname = 'saas'
UNION ALL
SELECT 'function ' || p.oid::regprocedure::text || ' ' || r.rolname || ' '
    || COALESCE((SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(p.proacl) AS a), '')
    || ' ' || COALESCE(obj_description(p.oid, 'pg_proc'), '') || ' ' || pg_get_functiondef(p.oid)
FROM pg_proc AS p JOIN pg_roles AS r ON r.oid = p.proowner
WHERE p.pronamespace = 'saas'::regnamespace AND p.prokind IN ('f', 'p')
UNION ALL
SELECT 'view ' || c.relname || ' ' || pg_get_viewdef(c.oid)
FROM pg_class AS c WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind = 'v'
ORDER BY line;
