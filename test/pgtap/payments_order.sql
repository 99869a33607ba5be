-- Any order and any repetition of a delivered set ends in the same rows.
BEGIN;
SELECT plan(7);
\ir include/payments.sql
\set events `cat test/data/stripe_events.json`

CREATE TEMPORARY TABLE stories ON COMMIT DROP AS
SELECT array_agg(e.event) AS events FROM jsonb_array_elements(:'events') AS e (event);
SELECT cmp_ok((SELECT cardinality(events) FROM stories), '>=', 50, 'the stories are there');
CREATE TEMPORARY TABLE shuffled ON COMMIT DROP AS
SELECT s.seed, pg_temp.rows_after(events, 'stories' || s.seed) AS rows
FROM stories, generate_series(1, 40) AS s (seed);
SELECT is((SELECT count(DISTINCT rows) FROM shuffled), 1::bigint, 'forty orders of the stories make the same rows');
SELECT cmp_ok((SELECT length(rows) FROM shuffled LIMIT 1), '>', 20000, 'and not a few');

-- Sets without sense: any state at any of three seconds, so that snapshots tie and contradict.
CREATE FUNCTION pg_temp.pick(p_seed text, VARIADIC p_of text[]) RETURNS text LANGUAGE sql AS $$
    SELECT p_of[1 + abs(hashtext(p_seed)) % cardinality(p_of)]
$$;
CREATE FUNCTION pg_temp.walk(p_seed text) RETURNS jsonb[] LANGUAGE sql AS $$
    SELECT array_agg(pg_temp.event(p_seed || '_' || n, 100 + pg_temp.pick(p_seed || 't' || n, '0', '1', '2')::int,
        CASE n % 5
            WHEN 0 THEN pg_temp.intent('pi_w', pg_temp.pick(p_seed || 'i' || n,
                'requires_payment_method', 'requires_confirmation', 'requires_action', 'processing',
                'requires_capture', 'succeeded', 'canceled'),
                jsonb_build_object('amount', pg_temp.pick(p_seed || 'a' || n, '1000', '1500')::int, 'amount_received', 0))
            WHEN 1 THEN pg_temp.charge('ch_w' || n % 2, 'pi_w',
                pg_temp.pick(p_seed || 's' || n, 'succeeded', 'pending', 'failed', 'succeeded'),
                pg_temp.pick(p_seed || 'c' || n, 'true', 'false')::boolean,
                jsonb_build_object(
                    'amount_captured', pg_temp.pick(p_seed || 'm' || n, '400', '1000')::int,
                    'amount_refunded', pg_temp.pick(p_seed || 'r' || n, '0', '300', '1000')::int))
            WHEN 2 THEN pg_temp.dispute('dp_w' || n % 2, 'ch_w' || n % 2, pg_temp.pick(p_seed || 'd' || n % 2, '300', '900')::bigint,
                pg_temp.pick(p_seed || 'u' || n, 'warning_needs_response', 'warning_closed', 'needs_response', 'under_review', 'won', 'lost'))
            WHEN 3 THEN pg_temp.payout('po_w' || n % 2, 100,
                pg_temp.pick(p_seed || 'p' || n, 'pending', 'in_transit', 'paid', 'failed', 'canceled'))
            ELSE pg_temp.refund('re_w' || n % 2, 'ch_w' || n % 2, 450,
                pg_temp.pick(p_seed || 'f' || n, 'pending', 'requires_action', 'succeeded', 'failed', 'canceled'),
                jsonb_build_object('created', 100 + n % 2))
        END))
    FROM generate_series(1, 30) AS n
$$;
CREATE TEMPORARY TABLE walked ON COMMIT DROP AS
SELECT w.walk, s.seed, pg_temp.rows_after(pg_temp.walk('w' || w.walk), w.walk || 'walk' || s.seed) AS rows
FROM generate_series(1, 60) AS w (walk), generate_series(1, 6) AS s (seed);
SELECT is_empty(
    $$SELECT walk, count(DISTINCT rows) FROM walked GROUP BY walk HAVING count(DISTINCT rows) <> 1$$,
    'six orders of each of sixty random sets make the same rows'
);
SELECT cmp_ok((SELECT count(DISTINCT rows) FROM walked), '>', 50::bigint, 'and different sets make different ones');
SELECT cmp_ok((SELECT count(DISTINCT walk) FROM walked WHERE rows LIKE '%"status_source": "conflict"%'), '>', 5::bigint, 'among them contradictions');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
