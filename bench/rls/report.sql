-- One line a figure: what, median, unit, range, compared with. Separated by tabs.
DO $$
DECLARE
    v_differing text;
BEGIN
    SELECT string_agg(d.what, ', ') INTO v_differing
    FROM (
        SELECT r.what FROM rls_bench.results AS r
        WHERE r.what NOT LIKE 'OR%' GROUP BY r.what HAVING count(DISTINCT r.answer) > 1
    ) AS d;
    IF v_differing IS NOT NULL THEN
        RAISE EXCEPTION 'answers differ: %', v_differing;
    END IF;
END
$$;
WITH ratios AS (
    SELECT r.ordinal, r.what, r.variant, r.microseconds / h.microseconds AS ratio, h.microseconds AS by_hand
    FROM rls_bench.results AS r
    JOIN rls_bench.results AS h ON h.pass = r.pass AND h.what = r.what AND h.variant = 'hand'
    WHERE r.variant <> 'hand'
)
SELECT
    pg_catalog.format('%s, %s', r.what, CASE r.variant
        WHEN 'tenant' THEN 'tenant policy'
        WHEN 'shared' THEN 'shared policy'
        WHEN 'or' THEN 'OR policy'
        WHEN 'naive' THEN 'naive policy'
        WHEN 'plain' THEN 'tenant policy and plain operator @@'
    END),
    round((percentile_cont(0.5) WITHIN GROUP (ORDER BY r.ratio))::numeric, 2),
    'times by hand',
    pg_catalog.format('%s to %s', round(min(r.ratio)::numeric, 2), round(max(r.ratio)::numeric, 2)),
    pg_catalog.format('%s µs by hand', round((percentile_cont(0.5) WITHIN GROUP (ORDER BY r.by_hand))::numeric, 1))
FROM ratios AS r
GROUP BY r.ordinal, r.what, r.variant
ORDER BY r.ordinal, r.variant = 'naive', r.variant = 'plain', r.variant;
