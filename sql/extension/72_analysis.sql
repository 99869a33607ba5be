-- Revenue, funnels, significance and anomalies. docs/modules/product_metrics.md and anomalies.md describe them.
CREATE OR REPLACE FUNCTION saas.monthly_amount(
    p_amount bigint,
    p_discount_basis_points integer,
    p_discount_amount bigint,
    p_periods_per_year integer,
    p_interval_count integer,
    p_tax_numerator integer,
    p_tax_denominator integer
)
RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_monthly_amount';
COMMENT ON FUNCTION saas.monthly_amount(bigint, integer, bigint, integer, integer, integer, integer) IS
'What the price of a billing period is worth a month, in minor units: less its discount (the percentage, then the amount), times hundredths of intervals a year, by 12 months and intervals a period, times the fraction for tax, rounded once, halves away from zero. 22023 for terms that no subscription has.';

CREATE OR REPLACE FUNCTION saas.funnel_progress(
    p_times timestamptz[],
    p_steps integer[],
    p_step_count integer,
    p_window_microseconds bigint
)
RETURNS double precision[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_funnel_progress';
COMMENT ON FUNCTION saas.funnel_progress(timestamptz[], integer[], integer, bigint) IS
'How far events, in the order of time, come in a funnel of 1 to 30 steps within a window: for each step that was reached, seconds since the begin of the run that reached it first. p_steps has for each event a bit for every step that it is (1 the first, 2 the second, 4 the third, …).';

CREATE OR REPLACE FUNCTION saas.compare_shares(
    p_successes_a bigint,
    p_trials_a bigint,
    p_successes_b bigint,
    p_trials_b bigint,
    p_confidence double precision,
    OUT z double precision,
    OUT p_value double precision,
    OUT lower double precision,
    OUT upper double precision,
    OUT reliable boolean
)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_compare_shares';
COMMENT ON FUNCTION saas.compare_shares(bigint, bigint, bigint, bigint, double precision) IS
'Two-proportion z test of b against a with its two-sided p value, Newcombe''s interval of the difference of the shares at the confidence, and whether counts suffice for the test. 22023 for shares that are none.';

CREATE OR REPLACE FUNCTION saas.split_p_value(p_first bigint, p_second bigint, p_first_share double precision DEFAULT 0.5)
RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_split_p_value';
COMMENT ON FUNCTION saas.split_p_value(bigint, bigint, double precision) IS
'The probability that a split by chance is at least as far from the expected share as these counts (chi-square).';

CREATE OR REPLACE FUNCTION saas.seasonal_scores(
    p_values double precision[],
    p_seasons integer[],
    p_least integer DEFAULT 4
)
RETURNS TABLE (place integer, expected double precision, score double precision)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_seasonal_scores';
COMMENT ON FUNCTION saas.seasonal_scores(double precision[], integer[], integer) IS
'How many robust standard deviations (median, median absolute deviation) each value is from the median of its season; nothing for seasons of fewer than p_least values. At most 20,000 values (54000).';

CREATE OR REPLACE FUNCTION saas.moving_scores(p_values double precision[], p_weight double precision DEFAULT 0.2)
RETURNS TABLE (place integer, expected double precision, score double precision)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_moving_scores';
COMMENT ON FUNCTION saas.moving_scores(double precision[], double precision) IS
'How many of its standard deviations the exponentially weighted moving average is from the median, value by value: slow drifts that no single value shows.';

CREATE OR REPLACE FUNCTION saas.series_levels(
    p_values double precision[],
    p_penalty double precision DEFAULT 3,
    p_least integer DEFAULT 3
)
RETURNS TABLE (place integer, mean double precision)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_series_levels';
COMMENT ON FUNCTION saas.series_levels(double precision[], double precision, integer) IS
'The lasting levels of a series and where they begin (PELT). A higher penalty finds fewer; none is shorter than p_least values.';

CREATE OR REPLACE FUNCTION saas.series_anomalies(
    p_values double precision[],
    p_seasons integer[],
    p_threshold double precision DEFAULT 4,
    p_penalty double precision DEFAULT 3,
    p_least integer DEFAULT 6
)
RETURNS TABLE (place integer, kind text, expected double precision, found double precision, score double precision)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_series_anomalies';
COMMENT ON FUNCTION saas.series_anomalies(double precision[], integer[], double precision, double precision, integer) IS
'What is unusual in a series with a rhythm: the seasons'' medians are taken out, then lasting levels; what remains tells outliers and drifts. saas.find_anomalies() says it in words.';

DO $$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT p.oid
        FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'saas'::regnamespace
            AND p.proname IN (
                'monthly_amount', 'funnel_progress', 'compare_shares', 'split_p_value', 'seasonal_scores', 'moving_scores',
                'series_levels', 'series_anomalies'
            )
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', v_function);
        EXECUTE pg_catalog.format(
            'GRANT EXECUTE ON FUNCTION %s TO %I, %I, %I, %I', v_function,
            pg_catalog.current_setting('saas.role_app'), pg_catalog.current_setting('saas.role_analyst'),
            pg_catalog.current_setting('saas.role_service'), pg_catalog.current_setting('saas.role_internal')
        );
    END LOOP;
END
$$;
