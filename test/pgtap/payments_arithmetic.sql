-- saas.round_money() and saas.allocate(): exact, for any amount that fits.
BEGIN;
SELECT no_plan();

SELECT results_eq(
    $$SELECT v, m, saas.round_money(v, m)
        FROM unnest(ARRAY[2.5, 3.5, -2.5, -3.5, 2.4, 2.6, -2.6]) AS v, unnest(ARRAY['half_even', 'half_up', 'up', 'down']) WITH ORDINALITY AS m (m, n)
        ORDER BY v, n$$,
    $$VALUES
        (-3.5, 'half_even', -4::bigint), (-3.5, 'half_up', -4), (-3.5, 'up', -4), (-3.5, 'down', -3),
        (-2.6, 'half_even', -3), (-2.6, 'half_up', -3), (-2.6, 'up', -3), (-2.6, 'down', -2),
        (-2.5, 'half_even', -2), (-2.5, 'half_up', -3), (-2.5, 'up', -3), (-2.5, 'down', -2),
        (2.4, 'half_even', 2), (2.4, 'half_up', 2), (2.4, 'up', 3), (2.4, 'down', 2),
        (2.5, 'half_even', 2), (2.5, 'half_up', 3), (2.5, 'up', 3), (2.5, 'down', 2),
        (2.6, 'half_even', 3), (2.6, 'half_up', 3), (2.6, 'up', 3), (2.6, 'down', 2),
        (3.5, 'half_even', 4), (3.5, 'half_up', 4), (3.5, 'up', 4), (3.5, 'down', 3)$$,
    'each mode, on both sides of zero');
SELECT is(saas.round_money(9223372036854775807.4), 9223372036854775807, 'the largest amount');
SELECT throws_ok('SELECT saas.round_money(9223372036854775807.5)', '22003', NULL, 'not one above');
SELECT throws_ok($$SELECT saas.round_money('NaN')$$, '22003', NULL, 'nor what is no number');
SELECT throws_ok($$SELECT saas.round_money('-Infinity', 'down')$$, '22003', NULL, 'nor what is infinite');
SELECT throws_ok($$SELECT saas.round_money(1.5, 'nearest')$$, '22023', 'there is no rounding mode "nearest"', 'an unknown mode is named');

SELECT is(saas.allocate(100, '{1,1,1}'), '{34,33,33}', 'the unit that is left goes to the first');
SELECT is(saas.allocate(-100, '{1,1,1}'), '{-34,-33,-33}', 'a negative amount splits like its opposite');
SELECT is(saas.allocate(5, '{0.7,0.3}'), '{4,1}', 'or to the largest remainder');
SELECT is(saas.allocate(7, '{0,3,0}'), '{0,7,0}', 'a weight of zero gets nothing');
SELECT is(saas.allocate(0, '{1,2}'), '{0,0}', 'nothing splits into nothing');
SELECT is(saas.allocate(9223372036854775807, '{1,1}'), '{4611686018427387904,4611686018427387903}', 'the largest amount');
SELECT is(saas.allocate(-9223372036854775807 - 1, '{1}'), ARRAY[-9223372036854775807 - 1], 'and the smallest');
SELECT throws_ok(format('SELECT saas.allocate(1, %L)', w), '22023', 'an amount cannot be split by these weights', 'weights ' || w)
FROM unnest(ARRAY['{}', '{0,0}', '{1,-1}', '{1,NULL}', '{NaN}', '{Infinity}', '{{1,2},{3,4}}']) AS w;

-- Property: the parts sum to the whole, and each is within one unit of its exact share.
SELECT setseed(0.25) \g /dev/null
CREATE TEMPORARY TABLE splits AS
SELECT n, amount, weights, saas.allocate(amount, weights) AS parts
FROM (
    SELECT n, ((random() - 0.5) * 10 ^ (1 + n % 18))::bigint AS amount,
        ARRAY(SELECT round((random() * 10 ^ (g % 7))::numeric, g % 4) + CASE g WHEN 1 THEN 0.001 ELSE 0 END FROM generate_series(1, 1 + n % 12) AS g WHERE n IS NOT NULL) AS weights
    FROM generate_series(1, 2000) AS n
) AS s;
SELECT is_empty('SELECT n FROM splits WHERE (SELECT sum(p) FROM unnest(parts) AS p) <> amount', 'parts always sum to the whole');
SELECT is_empty(
    $$SELECT n FROM splits, unnest(parts, weights) AS u (part, weight)
        WHERE abs(part - amount::numeric * weight / (SELECT sum(w) FROM unnest(weights) AS w)) > 1$$,
    'each within one unit of its share');
\ir include/ledger_proof.sql
SELECT finish();
ROLLBACK;
