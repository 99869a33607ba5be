-- Amounts in another currency.
CREATE OR REPLACE FUNCTION saas.exchange_rate(
    p_base text,
    p_quote text,
    p_as_of timestamptz DEFAULT now(),
    p_max_age interval DEFAULT '7 days'
)
RETURNS numeric
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- The rate itself, its inverse, or by way of a third currency: the newest, the direct one first.
    WITH rates AS (
        SELECT r.base_currency::text AS base, r.quote_currency::text AS quote, r.rate, r.as_of, 0 AS detour
        FROM saas.exchange_rates AS r
        WHERE r.base_currency IN (upper(p_base)::char(3), upper(p_quote)::char(3))
            AND r.as_of <= p_as_of AND r.as_of > p_as_of - p_max_age
        UNION ALL
        SELECT r.quote_currency::text, r.base_currency::text, 1 / r.rate, r.as_of, 1
        FROM saas.exchange_rates AS r
        WHERE r.quote_currency IN (upper(p_base)::char(3), upper(p_quote)::char(3))
            AND r.as_of <= p_as_of AND r.as_of > p_as_of - p_max_age
        UNION ALL
        SELECT r.base_currency::text, r.quote_currency::text, r.rate, r.as_of, 0
        FROM saas.exchange_rates AS r
        WHERE r.quote_currency = upper(p_quote)::char(3) AND r.base_currency <> upper(p_base)::char(3)
            AND r.as_of <= p_as_of AND r.as_of > p_as_of - p_max_age
        UNION ALL
        SELECT r.quote_currency::text, r.base_currency::text, 1 / r.rate, r.as_of, 1
        FROM saas.exchange_rates AS r
        WHERE r.base_currency = upper(p_quote)::char(3) AND r.quote_currency <> upper(p_base)::char(3)
            AND r.as_of <= p_as_of AND r.as_of > p_as_of - p_max_age
    ),
    ways AS (
        SELECT r.rate, r.as_of, r.detour
        FROM rates AS r
        WHERE r.base = upper(p_base) AND r.quote = upper(p_quote)
        UNION ALL
        SELECT a.rate * b.rate, LEAST(a.as_of, b.as_of), 2 + a.detour + b.detour
        FROM rates AS a
        JOIN rates AS b ON b.base = a.quote AND b.quote = upper(p_quote)
        WHERE a.base = upper(p_base) AND a.quote <> upper(p_quote)
    )
    SELECT CASE
        WHEN upper(p_base) = upper(p_quote) THEN 1::numeric
        ELSE (SELECT w.rate FROM ways AS w ORDER BY w.detour, w.as_of DESC LIMIT 1)
    END
$$;
COMMENT ON FUNCTION saas.exchange_rate(text, text, timestamptz, interval) IS
'Units of the second currency for one of the first, by the newest rate of the time that is not older than p_max_age: direct, inverse, or by way of one other currency. NULL without one.';
REVOKE ALL ON FUNCTION saas.exchange_rate(text, text, timestamptz, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.exchange_rate(text, text, timestamptz, interval)
TO saas_app, saas_service, saas_analyst, saas_internal;

CREATE OR REPLACE FUNCTION saas.amount_in(
    p_amount bigint,
    p_currency text,
    p_target text,
    p_as_of timestamptz DEFAULT now(),
    p_max_age interval DEFAULT '7 days'
)
RETURNS numeric
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- Rounded, because an inverse rate (1 / 150) ends somewhere and 1500 yen would be a little more than ten dollars.
    SELECT round(
        p_amount / power(10::numeric, c.exponent) * saas.exchange_rate(p_currency, p_target, p_as_of, p_max_age), 10
    )
    FROM saas.currencies AS c
    WHERE c.code = upper(p_currency)::char(3)
$$;
COMMENT ON FUNCTION saas.amount_in(bigint, text, text, timestamptz, interval) IS
'An amount in minor units of a currency in whole units of another one (10.99, not 1099). NULL without a rate of the time.';
REVOKE ALL ON FUNCTION saas.amount_in(bigint, text, text, timestamptz, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.amount_in(bigint, text, text, timestamptz, interval)
TO saas_app, saas_service, saas_analyst, saas_internal;

CREATE OR REPLACE FUNCTION saas.record_exchange_rate(
    p_base text,
    p_quote text,
    p_rate numeric,
    p_as_of timestamptz,
    p_source text
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_constraint text;
    v_column text;
BEGIN
    INSERT INTO saas.exchange_rates (base_currency, quote_currency, as_of, rate, source)
    VALUES (upper(p_base), upper(p_quote), p_as_of, p_rate, p_source)
    ON CONFLICT (base_currency, quote_currency, as_of)
    DO UPDATE SET rate = EXCLUDED.rate, source = EXCLUDED.source;
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME, v_column = COLUMN_NAME;
        PERFORM saas.refuse_row(
            'exchange rate', SQLSTATE, v_constraint, v_column,
            'A rate is above zero and finite, between two different currencies, with a moment and a source.'
        );
END
$$;
COMMENT ON FUNCTION saas.record_exchange_rate(text, text, numeric, timestamptz, text) IS
'Records a rate from a moment on; a rate of the same moment is replaced. 23502 for a NULL.';
REVOKE ALL ON FUNCTION saas.record_exchange_rate(text, text, numeric, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.record_exchange_rate(text, text, numeric, timestamptz, text) TO saas_service;
