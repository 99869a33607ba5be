-- Search under row-level security: the index is used, the answers are those of the plain operators,
-- and no error tells about rows that a policy hides.
BEGIN;
SELECT no_plan();
SET LOCAL jit = off; -- switched off scans cost so much that every plan would be compiled
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;

SELECT saas.create_user('ann@example.com', 'Ann') AS ann, saas.create_user('bob@example.com', 'Bob') AS bob \gset
SELECT saas.create_team('Red', 'red', :'ann') AS red, saas.create_team('Blue', 'blue', :'bob') AS blue \gset

SELECT setseed(0.25) \g /dev/null
CREATE TABLE public.notes (team_id uuid NOT NULL, id integer NOT NULL, body text, tags jsonb, words tsvector, PRIMARY KEY (team_id, id));
INSERT INTO public.notes
SELECT CASE WHEN n % 2 = 0 THEN :'red'::uuid ELSE :'blue'::uuid END, n, b.body,
    jsonb_build_object('kind', n % 97, 'list', jsonb_build_array(n % 11, n % 13), 'deep', jsonb_build_object('a', n % 29)),
    to_tsvector('simple', b.body)
FROM generate_series(1, 20000) AS n
CROSS JOIN LATERAL (
    SELECT string_agg(substr(md5((n * 7 + w)::text), 1, 3), ' ') || CASE WHEN n % 1000 = 0 THEN ' Straße ÄRGER 50%' ELSE '' END AS body
    FROM generate_series(1, 6) AS w
) AS b;
INSERT INTO public.notes VALUES (:'red', 0, NULL, NULL, NULL);
CREATE INDEX notes_words_idx ON public.notes USING gin (words);
CREATE INDEX notes_tags_idx ON public.notes USING gin (tags);
CREATE INDEX notes_body_idx ON public.notes USING gin (body public.gin_trgm_ops);
ANALYZE public.notes;

-- The same answers, with and without indexes, on random questions; NULL for NULL.
CREATE FUNCTION pg_temp.ids(p_where text, VARIADIC p_off text[] DEFAULT '{}') RETURNS integer[] LANGUAGE plpgsql AS $$
DECLARE
    v_setting text;
    v_ids integer[];
BEGIN
    FOREACH v_setting IN ARRAY p_off LOOP
        PERFORM set_config(v_setting, 'off', true);
    END LOOP;
    EXECUTE 'SELECT COALESCE(array_agg(n.id ORDER BY n.id), ''{}'') FROM public.notes AS n WHERE ' || p_where INTO v_ids;
    FOREACH v_setting IN ARRAY p_off LOOP
        PERFORM set_config(v_setting, 'on', true);
    END LOOP;
    RETURN v_ids;
END
$$;
CREATE TEMPORARY TABLE questions (native text, plain text);
INSERT INTO questions
SELECT format('saas.search(words, %L)', q.query), format('words @@ %L::tsquery', q.query)
FROM (
    SELECT unnest(ARRAY['abc', 'abc & !def', '(a1:* | b2:*) & c:*', '!zzz', 'abc <-> def']) AS query
    UNION ALL
    SELECT format('%s:* & (%s:* | !%s:*)', substr(md5(n::text), 1, 2), substr(md5(n::text), 3, 1), substr(md5(n::text), 5, 1)) FROM generate_series(1, 12) AS n
) AS q
UNION ALL
SELECT format('saas.contains(tags, %L)', q.wanted), format('tags @> %L', q.wanted)
FROM (
    SELECT unnest(ARRAY['{}', '[]', '{"kind": 5}', '{"list": [3]}', '{"list": [3, 12]}', '{"deep": {}}', '{"deep": {"a": 7}, "kind": 1}', '{"none": null}', '1']) AS wanted
    UNION ALL
    SELECT format('{"list": [%s], "deep": {"a": %s}}', n, n * 2) FROM generate_series(1, 10) AS n
) AS q
UNION ALL
SELECT format('saas.ilike(body, %L)', q.pattern), format('body ILIKE %L', q.pattern)
FROM (
    SELECT unnest(ARRAY['%abc%', 'abc%', '%STRASSE%', '%straße%', '%ärger 50\%', '%a_c%', '%', '', '____', '%A1% %B2%', '%\a\b\c%', '%50\%%', 'ab', '%\\%']) AS pattern
    UNION ALL
    SELECT format('%%%s%%_%s%%', upper(substr(md5(n::text), 1, 2)), substr(md5(n::text), 3, 1)) FROM generate_series(1, 12) AS n
) AS q;
SELECT is(pg_temp.ids(q.native), pg_temp.ids(q.plain), q.native || ' with what the planner likes') FROM questions AS q;
SELECT is(pg_temp.ids(q.native, 'enable_seqscan'), pg_temp.ids(q.plain, 'enable_bitmapscan', 'enable_indexscan'), q.native || ' by the index, compared with the operator without') FROM questions AS q;
SELECT ok((SELECT bool_or(cardinality(pg_temp.ids(q.plain)) BETWEEN 1 AND 5000) FROM questions AS q WHERE q.native LIKE f.name || '%'), 'there is something to find with ' || f.name)
FROM (VALUES ('saas.search'), ('saas.contains'), ('saas.ilike')) AS f (name);
SELECT is(saas.ilike(NULL, '%'), NULL, 'NULL for NULL');

ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY notes_app_select ON public.notes FOR SELECT TO saas_app USING (team_id = saas.current_team_id());
GRANT SELECT ON public.notes TO saas_app;
CREATE FUNCTION public.plan_of(p_where text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_line text;
    v_plan text := '';
BEGIN
    FOR v_line IN EXECUTE 'EXPLAIN (COSTS OFF) SELECT * FROM public.notes WHERE ' || p_where LOOP
        v_plan := v_plan || v_line || E'\n';
    END LOOP;
    RETURN v_plan;
END
$$;
CREATE FUNCTION public.rows_expected(p_where text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    v_plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) SELECT * FROM public.notes WHERE ' || p_where INTO v_plan;
    RETURN (v_plan -> 0 -> 'Plan' ->> 'Plan Rows')::numeric;
END
$$;
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
SELECT matches(public.plan_of($$saas.search(words, 'abc & def')$$), 'Bitmap Index Scan on notes_words_idx\s+Index Cond: \(words @@', 'search uses its index under row-level security');
SELECT matches(public.plan_of($$saas.contains(tags, '{"kind": 5, "deep": {"a": 7}}')$$), 'Bitmap Index Scan on notes_tags_idx\s+Index Cond: \(tags @>', 'contains does');
SELECT matches(public.plan_of($$saas.ilike(body, '%straße%')$$), 'Bitmap Index Scan on notes_body_idx\s+Index Cond: \(body ~~\*', 'ilike does');
SELECT matches(public.plan_of($$saas.ilike(body, '%straße%')$$), 'Filter: .*ilike"?\(body', 'and rows are checked again with the function, not the operator');
SELECT unalike(public.plan_of($$words @@ 'abc & def'$$), '%notes_words_idx%', 'the plain operator does not, which is why there is search()');
SELECT unalike(public.plan_of($$body ILIKE '%straße%'$$), '%notes_body_idx%', 'nor ILIKE');
SELECT is((SELECT count(*) FROM public.notes WHERE saas.ilike(body, '%straße%')), 20::bigint, 'only rows of the own team are found');
SELECT is((SELECT count(*) FROM public.notes WHERE saas.ilike(body, '%straße%') AND team_id = :'blue'), 0::bigint, 'none of another one');
SELECT cmp_ok(public.rows_expected($$saas.contains(tags, '{"kind": 5}')$$), '<', 400::numeric, 'what contains() leaves is estimated from statistics');
SELECT cmp_ok(public.rows_expected($$saas.ilike(body, '%')$$), '>', 5000::numeric, 'and what ilike() leaves');
PREPARE by_pattern(text) AS SELECT count(*) FROM public.notes WHERE saas.ilike(body, $1);
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT results_eq($$EXECUTE by_pattern('%straße%')$$, ARRAY[20::bigint], 'a prepared statement finds them, too');

-- Errors. ILIKE fails as soon as matching a row reaches the lone escape; then an error tells of the row.
SELECT throws_ok($$SELECT * FROM public.notes WHERE saas.ilike(body, 'b\')$$, '22025', NULL, 'a constant pattern that cannot be right is refused');
SELECT throws_ok($$SELECT * FROM public.notes WHERE id < 0 AND saas.ilike(body, 'b\')$$, '22025', NULL, 'whether or not there is a row');
SELECT is(saas.ilike('a', 'b\'), false, 'without a column it matches nothing');
SELECT lives_ok($$EXECUTE by_pattern('%\')$$, 'found at run time it raises no error');
SELECT results_eq($$EXECUTE by_pattern('%\')$$, ARRAY[0::bigint], 'and matches nothing');
RESET plan_cache_mode;
RESET ROLE;
CREATE COLLATION public.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SELECT lives_ok($$SELECT count(*) FROM public.notes WHERE saas.ilike(body COLLATE public.loose, '%abc%')$$, 'nor is a collation that ILIKE does not take');
SELECT throws_ok($$SELECT count(*) FROM public.notes WHERE body COLLATE public.loose ILIKE '%abc%'$$, '0A000', NULL, 'where ILIKE fails');
CREATE FUNCTION pg_temp.nested(p_depth integer) RETURNS jsonb LANGUAGE sql AS $$
    SELECT (repeat('[', p_depth) || repeat(']', p_depth))::jsonb
$$;
SELECT lives_ok('SELECT saas.contains(pg_temp.nested(3000), pg_temp.nested(3000))', 'nor too little stack for a deep value');
SELECT is(saas.contains(pg_temp.nested(200), pg_temp.nested(200)), true, 'while a depth that has room is compared');
SELECT is(saas.ilike(repeat('a', 100000), repeat('%a', 50000)), true, 'ilike needs no stack');
SELECT is(
    (SELECT string_agg(p.proname, ' ' ORDER BY p.proname) FROM pg_proc AS p
     WHERE p.pronamespace = 'saas'::regnamespace AND p.proleakproof AND p.proname IN ('search', 'contains', 'ilike') AND p.proparallel = 's'),
    'contains ilike search', 'all three are leakproof');
SELECT is(saas.ilike(repeat('a', 270000000), '%b%'), false, 'a text too long for lower case is no error');
SELECT * FROM finish();
ROLLBACK;
