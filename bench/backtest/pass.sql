BEGIN;
SELECT saas.set_context('00000000-0000-7000-8000-0000000b7e57') \g /dev/null
SELECT backtest_bench.measure('one rule', 'BLOCK IF :card_country: != :ip_country: AND :amount: > 4000', '2026-06-01Z') \g /dev/null
SELECT backtest_bench.measure(
    'a rule over history', 'BLOCK IF count(FROM attempts BY :email: OVER 24h) > 3', '2025-01-08Z'
) \g /dev/null
DO $$
DECLARE
    v_begin timestamptz := clock_timestamp();
BEGIN
    PERFORM backtest_bench.one_by_one('', 20000);
    INSERT INTO backtest_bench.results
    VALUES ('one by one', 20000, EXTRACT(epoch FROM clock_timestamp() - v_begin));
END
$$;
COMMIT;
