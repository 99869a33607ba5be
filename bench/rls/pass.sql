-- One pass: every query once, those that are compared one after the other.
CREATE OR REPLACE PROCEDURE rls_bench.measure(p_pass integer)
LANGUAGE plpgsql
AS $$
DECLARE
    v_query rls_bench.queries;
    v_microseconds double precision;
    v_answer bigint;
BEGIN
    FOR v_query IN SELECT * FROM rls_bench.queries AS q ORDER BY q.ordinal, q.variant <> 'hand', q.variant LOOP
        IF v_query.team = 1 THEN
            PERFORM saas.set_context(md5('rls-bench-1')::uuid);
        ELSE
            PERFORM saas.set_context(md5('rls-bench-' || v_query.team)::uuid, md5('rls-bench-member')::uuid);
        END IF;
        EXECUTE 'SET LOCAL ROLE rls_bench_' || CASE v_query.variant WHEN 'plain' THEN 'tenant' ELSE v_query.variant END;
        EXECUTE pg_catalog.format('SELECT * FROM rls_bench.%I(%s)', v_query.function_name, v_query.runs)
        INTO v_microseconds, v_answer;
        RESET ROLE;
        INSERT INTO rls_bench.results
        VALUES (p_pass, v_query.ordinal, v_query.what, v_query.variant, v_microseconds, v_answer / (v_query.runs + 10));
        COMMIT;
    END LOOP;
END
$$;
CALL rls_bench.measure(:pass);
