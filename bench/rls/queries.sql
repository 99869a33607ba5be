-- Each query becomes a function that runs it in a loop: with a plan that is kept, or planned each time.
CREATE FUNCTION rls_bench.define(p_what text, p_variant text, p_team integer, p_runs integer, p_query text, p_planned boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql
AS $define$
DECLARE
    v_number integer := (SELECT count(*) FROM rls_bench.queries);
    v_ordinal integer := COALESCE(
        (SELECT q.ordinal FROM rls_bench.queries AS q WHERE q.what = p_what LIMIT 1),
        (SELECT count(DISTINCT q.what) FROM rls_bench.queries AS q)
    );
    -- By hand: literals, as an application without row-level security would write.
    v_query text := replace(replace(replace(replace(p_query,
        '{team}', pg_catalog.quote_literal(md5('rls-bench-' || p_team))),
        '{teams}', pg_catalog.format('%L, %L, %L', md5('rls-bench-2'), md5('rls-bench-3'), md5('rls-bench-4'))),
        '{user}', pg_catalog.quote_literal(md5('rls-bench-member'))),
        '{items}', 'rls_bench.items');
BEGIN
    EXECUTE pg_catalog.format(
        $function$
        CREATE FUNCTION rls_bench.query_%s(p_runs integer, OUT microseconds double precision, OUT answer bigint)
        LANGUAGE plpgsql
        AS $body$
        DECLARE
            v_ids uuid[] := ARRAY(SELECT p.id FROM rls_bench.picks AS p);
            v_id uuid;
            v_found bigint;
            v_begin timestamptz;
        BEGIN
            answer := 0;
            FOR v_run IN -9 .. p_runs LOOP -- ten to warm up, with which the plan settles
                IF v_run = 1 THEN
                    v_begin := pg_catalog.clock_timestamp();
                END IF;
                v_id := v_ids[1 + (v_run + 10) %% cardinality(v_ids)];
                %s;
                answer := answer + v_found;
            END LOOP;
            microseconds := EXTRACT(epoch FROM pg_catalog.clock_timestamp() - v_begin) * 1000000 / p_runs;
        END
        $body$
        $function$,
        v_number,
        CASE
            WHEN p_planned THEN pg_catalog.format('EXECUTE pg_catalog.format(%L, v_id) INTO v_found', replace(v_query, '{id}', '%L'))
            ELSE pg_catalog.format('SELECT q.n INTO v_found FROM (%s) AS q', replace(v_query, '{id}', 'v_id'))
        END
    );
    INSERT INTO rls_bench.queries VALUES (v_ordinal, p_what, p_variant, p_team, p_runs, 'query_' || v_number);
END
$define$;

SELECT rls_bench.define('point read, planned each time', 'hand', 2, 4000, 'SELECT count(*) AS n FROM {items} WHERE team_id = {team} AND id = {id}', true);
SELECT rls_bench.define('point read, planned each time', 'tenant', 2, 4000, 'SELECT count(*) AS n FROM {items} WHERE id = {id}', true);
SELECT rls_bench.define('point read', 'hand', 2, 20000, 'SELECT count(*) AS n FROM {items} WHERE team_id = {team} AND id = {id}');
SELECT rls_bench.define('point read', 'tenant', 2, 20000, 'SELECT count(*) AS n FROM {items} WHERE id = {id}');
SELECT rls_bench.define('page of 20', 'hand', 2, 10000, 'SELECT count(*) AS n FROM (SELECT i.id, i.title FROM {items} AS i WHERE i.team_id = {team} ORDER BY i.created_at DESC LIMIT 20) AS p');
SELECT rls_bench.define('page of 20', 'tenant', 2, 10000, 'SELECT count(*) AS n FROM (SELECT i.id, i.title FROM {items} AS i ORDER BY i.created_at DESC LIMIT 20) AS p');
SELECT rls_bench.define('tenant count that names the team, too', 'hand', 2, 2000, 'SELECT count(*) AS n FROM {items} WHERE team_id = {team}');
SELECT rls_bench.define('tenant count that names the team, too', 'tenant', 2, 2000, 'SELECT count(*) AS n FROM {items} WHERE team_id = {team}');
SELECT rls_bench.define('tenant count that names the team, too', 'shared', 2, 2000, 'SELECT count(*) AS n FROM {items} WHERE team_id = {team}');
SELECT rls_bench.define('tenant count', 'hand', 2, 2000, 'SELECT count(*) AS n FROM {items} WHERE team_id = {team}');
SELECT rls_bench.define('tenant count', 'tenant', 2, 2000, 'SELECT count(*) AS n FROM {items}');
SELECT rls_bench.define('page of 20 in one of three teams', 'hand', 2, 10000, 'SELECT count(*) AS n FROM (SELECT i.id, i.title FROM {items} AS i WHERE i.team_id = {team} AND i.team_id IN ({teams}) ORDER BY i.created_at DESC LIMIT 20) AS p');
SELECT rls_bench.define('page of 20 in one of three teams', 'shared', 2, 10000, 'SELECT count(*) AS n FROM (SELECT i.id, i.title FROM {items} AS i WHERE i.team_id = {team} ORDER BY i.created_at DESC LIMIT 20) AS p');
SELECT rls_bench.define('OR policy page', 'hand', 2, 5000, 'SELECT count(*) AS n FROM (SELECT i.id, i.title FROM {items} AS i WHERE i.team_id = {team} AND (i.owner_id = {user} OR i.team_id IN ({teams}) OR i.is_public) ORDER BY i.created_at DESC LIMIT 20) AS p');
SELECT rls_bench.define('OR policy page', 'or', 2, 5000, 'SELECT count(*) AS n FROM (SELECT i.id, i.title FROM {items} AS i WHERE i.team_id = {team} ORDER BY i.created_at DESC LIMIT 20) AS p');
SELECT rls_bench.define('full text', 'hand', 1, 300, $$SELECT count(*) AS n FROM {items} WHERE team_id = {team} AND words @@ 'w7 | w8'::tsquery$$);
SELECT rls_bench.define('full text', 'tenant', 1, 300, $$SELECT count(*) AS n FROM {items} WHERE saas.search(words, 'w7 | w8'::tsquery)$$);
SELECT rls_bench.define('count over all, three teams', 'hand', 2, 500, 'SELECT count(*) AS n FROM {items} WHERE team_id IN ({teams})');
SELECT rls_bench.define('count over all, three teams', 'shared', 2, 500, 'SELECT count(*) AS n FROM {items}');
SELECT rls_bench.define('count over all, three teams', 'naive', 2, 3, 'SELECT count(*) AS n FROM {items}');
SELECT rls_bench.define('full text', 'plain', 1, 20, $$SELECT count(*) AS n FROM {items} WHERE words @@ 'w7 | w8'::tsquery$$);
