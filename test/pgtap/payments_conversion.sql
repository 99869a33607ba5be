-- Conversion between currencies, and numbers of orders.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
DELETE FROM saas.exchange_rates;
INSERT INTO saas.exchange_rates (base_currency, quote_currency, as_of, rate, source) VALUES
    ('EUR', 'USD', '2026-01-01', 1.10, 'test'), ('EUR', 'USD', '2026-01-02', 1.20, 'test'), ('USD', 'JPY', '2026-01-02', 150, 'test'),
    ('USD', 'KWD', '2026-01-02', 0.3075, 'test'), ('GBP', 'CHF', '2026-01-02', 3, 'test'), ('USD', 'INR', '2020-01-01', 70, 'test');
SET LOCAL ROLE saas_app;
SELECT is(saas.convert(a.amount, a.source, a.target, a.as_of::timestamptz, '1 day'), a.expected, a.name)
FROM (VALUES
    (1000::bigint, 'EUR', 'USD', '2026-01-02', 1200::bigint, 'by the newest rate'), (1000, 'eur', 'usd', '2026-01-01 12:00', 1100, 'of the time'),
    (-1000, 'EUR', 'USD', '2026-01-02', -1200, 'a negative amount'), (0, 'EUR', 'USD', '2026-01-02', 0, 'nothing'),
    (1200, 'USD', 'EUR', '2026-01-02', 1000, 'the other way round'), (1000, 'USD', 'EUR', '2026-01-02', 833, 'rounded once'),
    (1000, 'USD', 'JPY', '2026-01-02', 1500, 'into a currency without decimals'), (1500, 'JPY', 'USD', '2026-01-02', 1000, 'and back, exactly'),
    (1000, 'USD', 'KWD', '2026-01-02', 3075, 'into one with three'), (1000, 'EUR', 'JPY', '2026-01-02', 1800, 'by way of a third'),
    (1800, 'JPY', 'EUR', '2026-01-02', 1000, 'and back'), (100, 'EUR', 'EUR', '1900-01-01', 100, 'into itself, without a rate'),
    (100, 'CHF', 'GBP', '2026-01-02', 33, 'a third'), (9223372036854775807, 'JPY', 'USD', '2026-01-02', 6148914691236517205, 'the largest amount')
) AS a (amount, source, target, as_of, expected, name);
-- Exactly a half, and a hair beside it, whatever the division looks like.
SELECT is(saas.convert(a.amount, 'CHF', 'GBP', '2026-01-02', '1 day', a.mode), a.expected, a.amount || ' thirds ' || a.mode)
FROM (VALUES (1::bigint, 'half_even', 0::bigint), (1, 'up', 1), (1, 'down', 0), (2, 'half_even', 1), (2, 'down', 0), (-2, 'half_up', -1), (-1, 'up', -1), (3, 'up', 1)) AS a (amount, mode, expected);
SELECT is(saas.convert(a.amount, 'JPY', 'EUR', '2026-01-02', '1 day', a.mode), a.expected, a.amount || ' yen ' || a.mode)
FROM (VALUES (9::bigint, 'half_even', 5::bigint), (9, 'up', 5), (27, 'half_even', 15)) AS a (amount, mode, expected);
RESET ROLE;
UPDATE saas.exchange_rates SET rate = 2 WHERE base_currency = 'GBP';
SELECT is(saas.convert(a.amount, 'CHF', 'GBP', '2026-01-02', '1 day', a.mode), a.expected, a.amount || ' halves ' || a.mode)
FROM (VALUES (1::bigint, 'half_even', 0::bigint), (1, 'half_up', 1), (3, 'half_even', 2), (-1, 'half_up', -1), (-1, 'half_even', 0), (5, 'down', 2)) AS a (amount, mode, expected);
-- There and back never strays by more than the coarser unit; the sum of what is converted strays by at most half a unit each.
SELECT is_empty($$
    SELECT n FROM generate_series(1, 300) AS n
    WHERE abs(saas.convert(saas.convert(n * 7919, 'USD', 'KWD', '2026-01-02'), 'KWD', 'USD', '2026-01-02') - n * 7919) > 1$$, 'there and back');
SELECT is_empty($$
    SELECT n FROM generate_series(1, 300) AS n
    WHERE saas.convert(n, 'USD', 'EUR', '2026-01-02', '1 day', 'down') * 1.2 > n OR saas.convert(n, 'USD', 'EUR', '2026-01-02', '1 day', 'up') * 1.2 < n
        OR saas.convert(-n, 'USD', 'EUR', '2026-01-02') <> -saas.convert(n, 'USD', 'EUR', '2026-01-02')$$, 'down is not more, up is not less, and signs do not matter');
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.convert(%s)', a.arguments), a.code, NULL, a.name)
FROM (VALUES
    ($$100, 'USD', 'INR', '2026-01-02'$$, 'SA091', 'a rate that is too old'), ($$100, 'EUR', 'USD', '2025-12-31'$$, 'SA091', 'a rate that comes later'),
    ($$100, 'USD', 'SEK', '2026-01-02'$$, 'SA091', 'no rate at all'), ($$100, 'ZZZ', 'USD'$$, 'SA072', 'an unknown currency'), ($$100, 'USD', 'XAU'$$, 'SA072', 'one without minor unit'),
    ($$9223372036854775807, 'USD', 'KWD', '2026-01-02', '1 day'$$, '22003', 'too much'), ($$100, 'EUR', 'USD', '2026-01-02', '1 day', 'sideways'$$, '22023', 'a mode that is none'),
    ($$100, 'EUR', 'USD', '2026-01-03 00:00', '0'$$, 'SA091', 'younger than nothing')
) AS a (arguments, code, name);
SELECT is(saas.convert(100, 'USD', 'INR', '2026-01-02', '10 years'), 7000::bigint, 'unless an old one is allowed');
SELECT is(saas.convert(NULL, 'EUR', 'USD'), NULL, 'nothing of nothing');
DO $$
DECLARE
    v_detail text;
    v_hint text;
BEGIN
    PERFORM saas.convert(100, 'USD', 'INR', '2026-01-02');
EXCEPTION WHEN SQLSTATE 'SA091' THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
    IF v_detail NOT LIKE '%2020-01-01%' OR v_hint NOT LIKE '%record_exchange_rate%' THEN
        RAISE EXCEPTION 'detail % hint %', v_detail, v_hint;
    END IF;
END $$;
SELECT pass('the error says how old the rate is, and what to do');

-- Order numbers.
SELECT is(saas.next_order_number(pg_temp.team(), 'alb'), 'ALB-' || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYYMMDD') || '-0001', 'the first of the day');
SELECT is(right(saas.next_order_number(pg_temp.team(), 'ALB'), 4), '0002', 'the second');
SELECT is(right(saas.next_order_number(pg_temp.team()), 4), '0001', 'each prefix has its own');
SELECT is(substr(saas.next_order_number(pg_temp.team(), 'EAST', 'Pacific/Kiritimati'), 6, 8), to_char(clock_timestamp() AT TIME ZONE 'Pacific/Kiritimati', 'YYYYMMDD'), 'by the clock of the business');
SELECT throws_ok(format('SELECT saas.next_order_number(pg_temp.team(), %L, %L)', a.prefix, a.zone), '22023', NULL, a.name)
FROM (VALUES ('', 'UTC', 'an empty prefix'), ('1A', 'UTC', 'one that begins with a digit'), ('A-B', 'UTC', 'one with a hyphen'), (repeat('A', 11), 'UTC', 'a long one'), (NULL, 'UTC', 'none'),
    ('ÅBC', 'UTC', 'a letter that is not of the alphabet'), ('ABC', 'Mars/Olympus', 'a time zone that is none'), ('ABC', NULL, 'no time zone')) AS a (prefix, zone, name);
RESET ROLE;
UPDATE saas.order_numbers SET last_number = 9999 WHERE prefix = 'ALB';
SELECT is(split_part(saas.next_order_number(pg_temp.team(), 'ALB'), '-', 3), '10000', 'wider, when four digits do not do');
SELECT saas.create_team('Other', 'other-' || left(gen_random_uuid()::text, 8), owner) AS other FROM fixture \gset
SET LOCAL ROLE saas_app;
SELECT throws_ok(format('SELECT saas.next_order_number(%L)', :'other'), '42501', NULL, 'none of another team');
SELECT throws_ok('UPDATE saas.order_numbers SET last_number = 1', '42501', NULL, 'nor by hand');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
