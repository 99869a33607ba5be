-- Sketches as types: input and output in text and binary, what is refused, storage, rights.
BEGIN;
SELECT no_plan();
SET LOCAL jit = off;
SET LOCAL search_path TO saas, public;

CREATE TEMPORARY TABLE made AS
SELECT distinct_sketch(n % 50) AS d, quantile_sketch(n) AS q, histogram_sketch(n, '{10, 20}') AS h, top_k_sketch((n % 7)::text, 5) AS t,
    counter_sketch('2026-01-01'::timestamptz + n * interval '1 s', n) AS c, level_sketch('2026-01-01'::timestamptz + n * interval '1 s', n, 'linear') AS l
FROM generate_series(1, 100) AS n;

-- Text and binary forms, there and back.
SELECT is(d::text::distinct_sketch::text, d::text, 'distinct_sketch: text') FROM made;
SELECT is(q::text::quantile_sketch::text, q::text, 'quantile_sketch: text') FROM made;
SELECT is(h::text::histogram_sketch::text, h::text, 'histogram_sketch: text') FROM made;
SELECT is(t::text::top_k_sketch::text, t::text, 'top_k_sketch: text') FROM made;
SELECT is(c::text::counter_sketch::text, c::text, 'counter_sketch: text') FROM made;
SELECT is(l::text::level_sketch::text, l::text, 'level_sketch: text') FROM made;
SELECT is(quantile_sketch_send(q)::text, q::text, 'the text is that of the binary form') FROM made;

-- What is no sketch.
SELECT throws_ok(format('SELECT %L::saas.%I', bad, type), '22P02', NULL, format('%s refuses %L', type, bad))
FROM unnest(ARRAY['distinct_sketch', 'quantile_sketch', 'histogram_sketch', 'top_k_sketch', 'counter_sketch', 'level_sketch']) AS type,
    unnest(ARRAY['', 'x', '\x', '\x5', '\xzz', '\x00', '\x5101', '\x4401', '\x510100 ', '{}', '\xffffffffffffffffffff']) AS bad;
SELECT throws_ok('SELECT (SELECT d::text FROM made)::saas.quantile_sketch', '22P02', 'malformed sketch', 'a sketch of another type');
SELECT throws_ok($$SELECT '\x510200'::saas.quantile_sketch$$, '22P02', 'sketch has format version 2, which this release does not read', 'a later version');
SELECT throws_ok('SELECT overlay((SELECT q::text FROM made) PLACING ''00'' FROM 200)::saas.quantile_sketch', '22P02', NULL, 'changed bytes');
SELECT throws_ok($$SELECT 'abc'::text::saas.distinct_sketch$$, '22P02', NULL, 'a text is converted by the checks of the input');
SELECT lives_ok($$SELECT 'a'::varchar::text, saas.distinct_sketch('a'::varchar)$$, 'varchar is a value, not the form of a sketch');

-- Binary input, as drivers and COPY BINARY give it.
\set file '/tmp/pg_saas_sketches_' :DBNAME '.bin'
SELECT format('COPY made TO %L (FORMAT binary)', :'file') AS copy_out, format('COPY copied FROM %L (FORMAT binary)', :'file') AS copy_in,
    format('COPY wrong FROM %L (FORMAT binary)', :'file') AS copy_wrong \gset
CREATE TEMPORARY TABLE copied (LIKE made);
CREATE TEMPORARY TABLE wrong (d quantile_sketch, q quantile_sketch, h histogram_sketch, t top_k_sketch, c counter_sketch, l level_sketch);
:copy_out;
:copy_in;
SELECT is(copied::text, made::text, 'COPY BINARY gives the same sketches') FROM made, copied;
SELECT throws_ok(:'copy_wrong', '22P03', 'malformed sketch', 'binary input checks the bytes');

-- Large values go out of line and come back.
CREATE TABLE public.large (id integer, d distinct_sketch, q quantile_sketch);
INSERT INTO public.large SELECT 1, distinct_sketch(n), quantile_sketch(exp(n / 1000.0)) FROM generate_series(1, 100000) AS n;
SELECT cmp_ok(pg_relation_size(reltoastrelid), '>', 0::bigint, 'a large sketch is TOASTed') FROM pg_class WHERE oid = 'public.large'::regclass;
SELECT is(distinct_sketch_count(merge(d)), distinct_sketch_count(min(d::text)::distinct_sketch), 'a TOASTed sketch is merged') FROM public.large;
SELECT is(merge(q)::text, min(q::text), 'and so is one of quantiles') FROM public.large;

-- Information.
SELECT is(sketch_info(q) - 'bytes', '{"type": "quantile_sketch", "version": 1, "count": 100, "buckets": 100, "min": 1.0077519379845, "max": 100.497512437811, "relative_error": 0.00775193798449612}', 'quantile_sketch') FROM made;
SELECT is(sketch_info(d) - 'bytes', '{"type": "distinct_sketch", "version": 1, "form": "sparse", "precision": 20, "estimate": 50, "standard_error": 0.0007}', 'distinct_sketch') FROM made;
SELECT is(sketch_info(h) - 'bytes', '{"type": "histogram_sketch", "version": 1, "count": 100, "bounds": 2}', 'histogram_sketch') FROM made;
SELECT is(sketch_info(t) - 'bytes', '{"type": "top_k_sketch", "version": 1, "count": 100, "capacity": 5, "counters": 7, "floor": 0}', 'top_k_sketch') FROM made;
SELECT is(sketch_info(c) - 'bytes', '{"type": "counter_sketch", "version": 1, "readings": 100, "seconds": 99, "delta": 99, "resets": 0}', 'counter_sketch') FROM made;
SELECT is(sketch_info(l) - 'bytes', '{"type": "level_sketch", "version": 1, "method": "linear", "readings": 100, "seconds": 99, "last": 100}', 'level_sketch') FROM made;
SELECT is((sketch_info(q) ->> 'bytes')::integer, octet_length(quantile_sketch_send(q)), 'bytes are those of the binary form') FROM made;

-- Functions that change their argument in place are for aggregates only.
SELECT throws_ok(format('SELECT saas.%s(%s) FROM made', name, arguments), '0A000', 'only an aggregate may call this function', name || ' outside an aggregate')
FROM (VALUES
    ('distinct_sketch_add', 'd, 1'), ('distinct_sketch_merge_state', 'd, d'), ('quantile_sketch_add', 'q, 1'), ('quantile_sketch_remove', 'q, 1'),
    ('quantile_sketch_merge_state', 'q, q'), ('quantile_sketch_unmerge', 'q, q'), ('histogram_sketch_add', 'h, 1, ''{10, 20}'''),
    ('histogram_sketch_remove', 'h, 1, ''{10, 20}'''), ('histogram_sketch_merge_state', 'h, h'), ('histogram_sketch_unmerge', 'h, h'),
    ('top_k_sketch_add', 't, ''a'', 5'), ('top_k_sketch_merge_state', 't, t'), ('counter_sketch_add', 'c, now(), 1'),
    ('counter_sketch_merge_state', 'c, c'), ('level_sketch_add', 'l, now(), 1'), ('level_sketch_add', 'l, now(), 1, ''linear'''),
    ('level_sketch_merge_state', 'l, l')
) AS f (name, arguments);

-- Every aggregate can be pushed down: a state of its own type, a function that combines, parallel safe.
SELECT is_empty(
    $$SELECT a.aggfnoid::regprocedure FROM pg_aggregate AS a JOIN pg_proc AS p ON p.oid = a.aggfnoid JOIN pg_type AS t ON t.oid = a.aggtranstype
    WHERE p.pronamespace = 'saas'::regnamespace AND t.typname ~ '_sketch$' AND (a.aggcombinefn = 0 OR a.aggtranstype = 'internal'::regtype OR p.proparallel <> 's')$$,
    'aggregates have a concrete state and combine it'
);
SELECT is((SELECT count(*) FROM pg_aggregate WHERE aggtranstype IN (SELECT oid FROM pg_type WHERE typname ~ '_sketch$' AND typtype = 'b')), 14::bigint, 'so many aggregates');
SELECT is_empty(
    $$SELECT p.oid::regprocedure FROM pg_proc AS p WHERE p.pronamespace = 'saas'::regnamespace AND p.prokind = 'f' AND p.prosrc ~ '^saas_(distinct|quantile|histogram|top_k|counter|level|approx|time_w)' AND (p.provolatile <> 'i' OR p.proparallel <> 's')$$,
    'functions are immutable and parallel safe'
);

-- Any role of the database may use them.
SET LOCAL ROLE saas_app;
SELECT is(saas.approx_count_distinct(n), 9::bigint, 'saas_app counts') FROM generate_series(1, 9) AS n;
SELECT is(saas.quantile_sketch_count(saas.merge(q, q)), 20::bigint, 'and merges') FROM (SELECT saas.quantile_sketch(n) AS q FROM generate_series(1, 10) AS n) AS q;
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
