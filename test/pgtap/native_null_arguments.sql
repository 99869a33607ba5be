-- NULL for every argument of every native function: an answer or an error with a code of its own, never
-- an internal error, and never the end of the server.
BEGIN;
SELECT no_plan();

CREATE FUNCTION pg_temp.with_nulls(p_function regprocedure) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE (
        SELECT format('SELECT * FROM saas.%I(%s)', p.proname,
            (SELECT string_agg('NULL::' || format_type(a.type, NULL), ', ' ORDER BY a.place)
             FROM unnest(p.proargtypes) WITH ORDINALITY AS a (type, place)))
        FROM pg_proc AS p
        WHERE p.oid = p_function
    );
    RETURN 'answers';
EXCEPTION WHEN OTHERS THEN
    RETURN CASE WHEN SQLSTATE LIKE 'XX%' THEN SQLSTATE || ' ' || SQLERRM ELSE 'refuses' END;
END
$$;
SELECT isnt_empty($$SELECT FROM pg_proc AS p WHERE p.oid = 'saas.can_access(uuid)'::regprocedure AND NOT p.proisstrict$$, 'there are functions that are not strict');
SELECT ok(pg_temp.with_nulls(p.oid) IN ('answers', 'refuses'), p.oid::regprocedure::text)
FROM pg_proc AS p
WHERE p.pronamespace = 'saas'::regnamespace
    AND p.prolang = (SELECT l.oid FROM pg_language AS l WHERE l.lanname = 'c')
    AND p.prokind = 'f'
    AND NOT p.proisstrict
    AND p.prorettype <> 'trigger'::regtype
    AND NOT p.proargtypes::oid[] @> ARRAY['internal'::regtype::oid]
ORDER BY p.oid::regprocedure::text;
SELECT is(saas.audit_commitment(NULL, '{}', '{}', '{}', '::1'), NULL, 'no commitment without a salt');
SELECT * FROM finish();
ROLLBACK;
