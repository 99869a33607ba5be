-- plpgsql_check finds no error and no warning in any PL/pgSQL function of the package, trigger functions
-- with each table they are attached to. It runs them in no way: it reads every branch.
BEGIN;
SELECT no_plan();
CREATE EXTENSION plpgsql_check SCHEMA public;

-- It says of text from quote_ident() over the catalog that it is not sanitized, so it is asked about injection
-- only where a function has other rights than its caller. Columns and transition tables of triggers come from the triggers that there are.
CREATE TEMPORARY TABLE to_check AS
SELECT p.oid, p.prosecdef, COALESCE(t.tgrelid, 0::oid) AS relation, t.tgoldtable, t.tgnewtable,
    p.oid::regprocedure::text || COALESCE(' on ' || t.tgrelid::regclass::text, '') AS name
FROM pg_proc AS p
JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
LEFT JOIN LATERAL (
    SELECT DISTINCT g.tgrelid, g.tgoldtable, g.tgnewtable FROM pg_trigger AS g
    WHERE g.tgfoid = p.oid AND NOT g.tgisinternal AND g.tgparentid = 0
) AS t ON p.prorettype = 'trigger'::regtype
WHERE p.pronamespace = 'saas'::regnamespace AND p.prorettype <> 'event_trigger'::regtype;
SELECT cmp_ok((SELECT count(*)::integer FROM to_check), '>', 30, 'there are functions to check');
SELECT is((SELECT string_agg(f.name, ', ') FROM to_check AS f JOIN pg_proc AS p ON p.oid = f.oid
    WHERE p.prorettype = 'trigger'::regtype AND f.relation = 0), NULL, 'every trigger function has a trigger');
SELECT is(
    (SELECT string_agg(format('line %s: %s %s %s', c.lineno, c.message, c.detail, c.hint), E'\n')
     FROM plpgsql_check_function_tb(f.oid, f.relation, fatal_errors => false, other_warnings => true, security_warnings => f.prosecdef,
        compatibility_warnings => true, performance_warnings => false, extra_warnings => false, oldtable => f.tgoldtable, newtable => f.tgnewtable) AS c),
    NULL, f.name)
FROM to_check AS f ORDER BY f.name;

-- What it would say of a wrong one.
CREATE FUNCTION saas.wrong(p_team uuid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF p_team IS NULL THEN
        RETURN (SELECT t.no_such_column FROM saas.teams AS t);
    END IF;
END
$$;
SELECT isnt_empty($$SELECT FROM plpgsql_check_function_tb('saas.wrong(uuid)') WHERE level = 'error'$$, 'a wrong column in a branch not taken is found');
SELECT * FROM finish();
ROLLBACK;
